//! The configuration as everything else knows it.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::regression::change::ChangeDetection;
use crate::regression::comparison::Comparison;
use crate::sweep::ScheduledSweep;
use crate::target::gpu_settings::GpuSettings;
use crate::target::{Budget, Target};

/// A configuration that has passed every check.
#[derive(Clone, PartialEq)]
pub struct Config {
    /// At least one.
    pub targets: Vec<Arc<Target>>,
    /// Pairs of targets that get the same prompts.
    pub comparisons: Vec<Arc<Comparison>>,
    /// Levels of load that targets are asked at now and then.
    pub sweeps: Vec<Arc<ScheduledSweep>>,
    /// How targets are compared with their own past.
    pub change_detection: ChangeDetection,
    /// Where what was learnt is kept; `None` forgets it at the end.
    pub state_dir: Option<PathBuf>,
    /// The union of the targets' own label keys, sorted: the same for every probe series.
    pub label_keys: Vec<String>,
    /// Seed of every random draw; `None` takes a fresh one at start.
    pub seed: Option<u64>,
    /// How this machine's GPUs are watched.
    pub gpu: GpuSettings,
    /// Probes of all targets under way, at most.
    pub max_in_flight: Option<usize>,
    /// What all targets together may cost.
    pub budget: Budget,
}

impl Config {
    /// The names of the targets.
    #[must_use]
    pub fn target_names(&self) -> HashSet<&str> {
        self.targets.iter().map(|target| target.name.as_str()).collect()
    }

    /// How many streams can raise an alarm: they share the false alarms that are allowed.
    #[must_use]
    pub fn watched_streams(&self) -> usize {
        let past = self.targets.iter().map(|t| self.change_detection.streams(t));
        past.chain(self.comparisons.iter().map(|c| c.streams())).sum()
    }
}

/// By hand, and brief: a debug print must not show what [`Config::redacted`] leaves out.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.targets.iter().map(|t| &t.name).collect();
        f.debug_struct("Config").field("targets", &names).finish_non_exhaustive()
    }
}
