//! Settings that trade detail for fewer series.

/// Which form histograms are exposed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistogramForm {
    /// Few classic buckets for the figures that people look at first, none for the others, and
    /// native buckets of all of them in protobuf. What explains the first figures is kept per target
    /// and, where it is the prober's own, once.
    #[default]
    Lean,
    /// Many classic buckets of every histogram in every format, native buckets besides in protobuf.
    All,
    /// Many classic buckets of every histogram, and nothing else.
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

    /// The form of a histogram that explains others: one that nobody's first look needs.
    pub(super) fn of_detail(self) -> Self {
        if self == Self::Lean { Self::Native } else { self }
    }
}

/// How much detail the metrics have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricsOptions {
    /// Form of the histograms.
    pub histograms: HistogramForm,
    /// Whether secondary histograms (all but TTFT, ITL, request latency, output tokens per second
    /// and goodput) are kept per workload, in every form but the lean one, which never does. If not,
    /// their `workload` label is empty: the target as a whole.
    pub split_secondary: bool,
    /// Whether GPU values are exposed under dcgm-exporter's names as well.
    pub dcgm: bool,
}

impl MetricsOptions {
    /// Whether secondary histograms are kept per target.
    pub(super) fn per_target(self) -> bool {
        !self.split_secondary || self.histograms == HistogramForm::Lean
    }

    /// Whether the lateness of the schedule is kept for the prober as a whole.
    pub(super) fn delay_of_prober(self) -> bool {
        self.histograms == HistogramForm::Lean
    }
}

impl Default for MetricsOptions {
    fn default() -> Self {
        Self { histograms: HistogramForm::Lean, split_secondary: true, dcgm: false }
    }
}
