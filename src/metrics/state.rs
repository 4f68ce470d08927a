//! What a scrape looks at.

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::options::MetricsOptions;
use super::prober::ProberMetrics;
use super::target::TargetMetrics;
use crate::gpu::state::GpuView;
use crate::load::comparer::Live;
use crate::watcher::{OutageWatch, Watch};

/// The targets in force.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub label_keys: Vec<String>,
    pub targets: Vec<Arc<TargetMetrics>>,
}

/// What a scrape looks at.
#[derive(Debug)]
pub(super) struct State {
    pub loaded: ArcSwap<Loaded>,
    pub comparisons: ArcSwap<Vec<Arc<Live>>>,
    pub watches: ArcSwap<Vec<Arc<Watch>>>,
    pub outages: ArcSwap<Vec<Arc<OutageWatch>>>,
    pub prober: ProberMetrics,
    /// Where GPUs are watched.
    pub gpus: ArcSwapOption<GpuView>,
    /// Whether GPU values are exposed under dcgm-exporter's names as well, and on which host.
    pub dcgm_host: Option<String>,
}

impl State {
    /// Nothing is loaded, and nothing compared or watched.
    pub fn new(options: MetricsOptions) -> Self {
        Self {
            loaded: ArcSwap::default(),
            comparisons: ArcSwap::default(),
            watches: ArcSwap::default(),
            outages: ArcSwap::default(),
            prober: ProberMetrics::new(options),
            gpus: ArcSwapOption::default(),
            dcgm_host: None,
        }
    }
}
