//! Settings that trade detail for fewer series.

/// Which form histograms are exposed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistogramForm {
    /// Classic buckets in every format, native buckets besides in protobuf.
    #[default]
    Both,
    /// Classic buckets only.
    Classic,
    /// Native buckets only. The text formats cannot carry them; there a histogram keeps its sum,
    /// its count and the one bucket `+Inf`.
    Native,
}

impl HistogramForm {
    pub(super) fn classic(self) -> bool {
        self != Self::Native
    }

    pub(super) fn native(self) -> bool {
        self != Self::Classic
    }
}

/// How much detail the metrics have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricsOptions {
    /// Form of the histograms.
    pub histograms: HistogramForm,
    /// Whether secondary histograms (all but TTFT, ITL, request latency and those of SLOs) are
    /// kept per workload. If not, their `workload` label is empty: the target as a whole.
    pub split_secondary: bool,
    /// Whether GPU values are exposed under dcgm-exporter's names as well.
    pub dcgm: bool,
}

impl Default for MetricsOptions {
    fn default() -> Self {
        Self { histograms: HistogramForm::Both, split_secondary: true, dcgm: false }
    }
}
