//! Flags that trade detail of the metrics for fewer series.

use clap::{Args, ValueEnum};

use crate::metrics::{HistogramForm, MetricsOptions};

#[derive(Debug, Args)]
pub(super) struct HistogramArgs {
    /// Which form of histograms to expose.
    #[arg(long = "metrics.histograms", value_name = "FORM", default_value = "lean")]
    histograms: Histograms,
    /// Keep secondary histograms (all but TTFT, ITL, request latency, output tokens per second and
    /// goodput) per target instead of per workload, for fewer series, as the form lean always does.
    #[arg(long = "metrics.merge-workloads")]
    merge_workloads: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Histograms {
    /// Few classic buckets for the main latencies, sum and count for the rest (per target), native
    /// buckets of everything in protobuf.
    Lean,
    /// Many classic buckets of everything, per workload, and native ones in protobuf. Also called
    /// both.
    #[value(alias = "both")]
    All,
    /// Many classic buckets of everything, per workload, and no native ones.
    Classic,
    /// Native buckets only, per workload; text formats then carry sum and count.
    Native,
}

impl HistogramArgs {
    pub fn options(&self) -> MetricsOptions {
        let histograms = match self.histograms {
            Histograms::Lean => HistogramForm::Lean,
            Histograms::All => HistogramForm::All,
            Histograms::Classic => HistogramForm::Classic,
            Histograms::Native => HistogramForm::Native,
        };
        let split_secondary = !self.merge_workloads;
        MetricsOptions { histograms, split_secondary, ..MetricsOptions::default() }
    }
}
