//! The watches of a configuration: a reload forgets what is outdated and nothing else.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::watch::WallClock;
use super::watch::Watch;
use crate::config::Config;
use crate::memory::history::History;
use crate::probe::sink::{Sink, SinkName, TargetSink};
use crate::regression::change::{FieldNames, TargetState, TargetWatch};
use crate::target::Target;

/// Every target's watch.
pub struct Watchers {
    clock: WallClock,
    history: Arc<History>,
    /// Of the run before, until the first configuration is in force.
    saved: BTreeMap<String, TargetState>,
    watches: HashMap<String, Arc<Watch>>,
}

impl Watchers {
    /// No target yet; those that come first go on where `saved` ends. Alarms are told to `history`.
    #[must_use]
    pub fn new(
        clock: WallClock,
        history: Arc<History>,
        saved: BTreeMap<String, TargetState>,
    ) -> Self {
        Self { clock, history, saved, watches: HashMap::new() }
    }

    /// Puts a configuration in force, and returns its watches.
    pub fn apply(&mut self, config: &Config) -> Vec<Arc<Watch>> {
        let settings = &config.change_detection;
        let fleet = config.watched_streams();
        let names = config.target_names();
        self.watches.retain(|name, _| names.contains(name.as_str()));
        let mut saved = std::mem::take(&mut self.saved);
        let mut watches = Vec::with_capacity(config.targets.len());
        let mut names = FieldNames::default();
        for target in &config.targets {
            let next = TargetWatch::new(settings, target, &config.comparisons, fleet, &mut names);
            let (clock, history) = (&self.clock, &self.history);
            let fresh =
                || Arc::new(Watch::new(&target.name, Arc::clone(clock), Arc::clone(history)));
            let watch = self.watches.entry(target.name.clone()).or_insert_with(fresh);
            watch.renew(next, saved.remove(&target.name).as_ref());
            watches.push(Arc::clone(watch));
        }
        watches
    }

    /// The watch of a target.
    #[must_use]
    pub fn get(&self, target: &str) -> Option<Arc<Watch>> {
        self.watches.get(target).cloned()
    }

    /// Every watch.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Watch>> {
        self.watches.values().cloned().collect()
    }
}

impl Sink for Watchers {
    fn name(&self) -> SinkName {
        SinkName::Change
    }

    fn open(&self, target: &Arc<Target>) -> Option<Box<dyn TargetSink>> {
        self.get(&target.name).map(|watch| Box::new(watch) as Box<dyn TargetSink>)
    }
}
