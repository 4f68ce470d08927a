//! Which targets go unanswered: one value per name, shared by its prober, the metrics and the
//! file it is kept in.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use super::WallClock;
use crate::config::Config;
use crate::failure::FailureReason;
use crate::outage::{Doubt, Evidence, Outage};

/// Keeps one target's outage, for as long as there is a target of its name.
pub struct OutageWatch {
    name: String,
    outage: Mutex<Outage>,
    begun: AtomicU64,
    confirming: AtomicU64,
    clock: WallClock,
}

impl std::fmt::Debug for OutageWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutageWatch").field("target", &self.name).finish_non_exhaustive()
    }
}

impl OutageWatch {
    /// Goes on where `outage` ends.
    #[must_use]
    pub fn new(target: &str, clock: WallClock, outage: Outage) -> Self {
        let (begun, confirming) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { name: target.to_owned(), outage: Mutex::new(outage), begun, confirming, clock }
    }

    /// The name of the target.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.name
    }

    /// How the target stands.
    #[must_use]
    pub fn outage(&self) -> Outage {
        *self.lock()
    }

    /// Confirming probes so far.
    #[must_use]
    pub fn confirming(&self) -> u64 {
        self.confirming.load(Ordering::Relaxed)
    }

    /// Counts a confirming probe.
    pub(crate) fn confirm(&self) {
        self.confirming.fetch_add(1, Ordering::Relaxed);
    }

    /// A probe begins; its number.
    pub(crate) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::Relaxed)
    }

    /// The probe of this number is over. `None` where that says nothing new about whether there
    /// are answers.
    pub(crate) fn observe(&self, number: u64, reason: Option<FailureReason>) -> Option<Doubt> {
        let evidence = Evidence::of(reason)?;
        let now = self.now();
        let (was_down, is_down, doubt) = {
            let mut outage = self.lock();
            let was_down = outage.is_down(now);
            let doubt = outage.observe(evidence, number, now);
            (was_down, outage.is_down(now), doubt)
        };
        if was_down && !is_down {
            tracing::info!(target_name = %self.name, "answers again");
        }
        doubt
    }

    /// Believes a lone answer that no second probe can confirm.
    pub(crate) fn believe(&self) {
        let now = self.now();
        self.lock().believe(now);
    }

    fn now(&self) -> u64 {
        let since = (self.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The outages of all targets.
pub struct OutageWatchers {
    clock: WallClock,
    /// Of the run before, until the first configuration is in force.
    saved: BTreeMap<String, Outage>,
    watches: HashMap<String, Arc<OutageWatch>>,
}

impl OutageWatchers {
    /// No target yet; those that come first go on where `saved` ends.
    #[must_use]
    pub fn new(clock: WallClock, saved: BTreeMap<String, Outage>) -> Self {
        Self { clock, saved, watches: HashMap::new() }
    }

    /// Puts a configuration in force, and returns its watches. A target of a known name goes on:
    /// what is wrong with it may be what was edited, and until it answers it is down.
    pub fn apply(&mut self, config: &Config) -> Vec<Arc<OutageWatch>> {
        self.watches.retain(|name, _| config.targets.iter().any(|t| t.name == *name));
        let mut saved = std::mem::take(&mut self.saved);
        let targets = config.targets.iter();
        let watches = targets.map(|target| {
            let fresh = || {
                let outage = saved.remove(&target.name).unwrap_or_default();
                Arc::new(OutageWatch::new(&target.name, Arc::clone(&self.clock), outage))
            };
            Arc::clone(self.watches.entry(target.name.clone()).or_insert_with(fresh))
        });
        watches.collect()
    }

    /// The watch of a target.
    #[must_use]
    pub fn get(&self, target: &str) -> Option<Arc<OutageWatch>> {
        self.watches.get(target).cloned()
    }

    /// What is to be written down.
    #[must_use]
    pub fn state(&self) -> BTreeMap<String, Outage> {
        self.watches.iter().map(|(name, watch)| (name.clone(), watch.outage())).collect()
    }
}
