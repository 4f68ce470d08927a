//! What a scrape looks at.

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::options::MetricsOptions;
use super::prober::ProberMetrics;
use super::target::TargetMetrics;
use crate::gpu::state::GpuView;
use crate::load::comparer::Live;
use crate::load::sweeps;
use crate::watcher::{OutageWatch, Watch};

/// The targets in force.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// Of the labels that every series of a target has.
    pub label_names: Arc<[String]>,
    /// In the order of the configuration.
    pub targets: Vec<Arc<TargetMetrics>>,
    /// Where the targets are, in the order of their names.
    by_name: Vec<usize>,
}

impl Loaded {
    pub fn new(label_names: Arc<[String]>, targets: Vec<Arc<TargetMetrics>>) -> Self {
        let mut by_name: Vec<_> = (0..targets.len()).collect();
        by_name.sort_by_key(|at| &targets[*at].target.name);
        Self { label_names, targets, by_name }
    }

    /// Where the target of this name is; `None` if there is none.
    pub fn position(&self, name: &str) -> Option<usize> {
        let name_at = |at: &usize| &*self.targets[*at].target.name;
        let found = self.by_name.binary_search_by(|at| name_at(at).cmp(name)).ok()?;
        Some(self.by_name[found])
    }

    /// The target of this name.
    pub fn target(&self, name: &str) -> Option<&Arc<TargetMetrics>> {
        self.position(name).map(|at| &self.targets[at])
    }
}

/// What a scrape looks at.
#[derive(Debug)]
pub(super) struct State {
    pub loaded: ArcSwap<Loaded>,
    pub comparisons: ArcSwap<Vec<Arc<Live>>>,
    pub sweeps: ArcSwap<Vec<Arc<sweeps::Live>>>,
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
            sweeps: ArcSwap::default(),
            watches: ArcSwap::default(),
            outages: ArcSwap::default(),
            prober: ProberMetrics::new(options),
            gpus: ArcSwapOption::default(),
            dcgm_host: None,
        }
    }
}
