//! Which targets go unanswered: one value per name, shared by its prober, the metrics and the
//! file it is kept in.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::confirming::Confirming;
use super::watch::WallClock;
use crate::answer::failure::FailureReason;
use crate::answer::recording::Ending;
use crate::answer::skip::SkipReason;
use crate::config::Config;
use crate::probe::Probe;
use crate::probe::sink::{ProbeEvent, Sink, SinkName, TargetSink, TargetStatus};
use crate::regression::outage::{Doubt, Evidence, Outage};
use crate::target::Target;
use crate::target::request::ProbeId;
use crate::workload::Workload;

/// Keeps one target's outage, for as long as there is a target of its name.
pub struct OutageWatch {
    name: String,
    outage: Mutex<Outage>,
    begun: AtomicU64,
    confirmed: AtomicU64,
    /// The probes that are to settle a doubt.
    confirming: Mutex<Confirming>,
    /// There is another next one of them, or none any more.
    replanned: Notify,
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
        Self {
            name: target.to_owned(),
            outage: Mutex::new(outage),
            begun: AtomicU64::new(0),
            confirmed: AtomicU64::new(0),
            confirming: Mutex::default(),
            replanned: Notify::new(),
            clock,
        }
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
        self.confirmed.load(Ordering::Relaxed)
    }

    /// When a confirming probe is due, if one is.
    #[must_use]
    pub fn confirm_at(&self) -> Option<Instant> {
        self.plan().next()
    }

    /// Resolves when that has changed.
    pub async fn replanned(&self) {
        self.replanned.notified().await;
    }

    /// Takes the confirming probe that is due: what to ask.
    pub fn take_confirming<'w>(&self, workloads: &'w [Arc<Workload>]) -> Option<&'w Arc<Workload>> {
        self.plan().take(workloads)
    }

    /// Counts a confirming probe.
    pub fn confirm(&self) {
        self.confirmed.fetch_add(1, Ordering::Relaxed);
    }

    /// A confirming probe could not be made. Where the day's budget is spent there will be no second
    /// answer today, and a lone one is believed.
    pub fn not_confirmed(&self, reason: SkipReason) {
        if reason == SkipReason::Budget && self.outage().doubt() == Doubt::Recovering {
            let now = self.now();
            self.lock().believe(now);
        }
    }

    fn plan(&self) -> MutexGuard<'_, Confirming> {
        self.confirming.lock()
    }

    /// Takes up whether the target answers, and plans what would settle a doubt.
    fn count(&self, number: u64, probe: &Probe) {
        if probe.no_news {
            return;
        }
        // Whoever stops reading an answer, or reads it slowly, had one.
        let read = probe.recording.ending == Ending::ReaderStopped
            && !probe.outcome.measurement.content_at.is_empty();
        let reason = probe.outcome.reason().filter(|_| !read);
        let Some(doubt) = self.observe(number, reason) else { return };
        let throttled = reason == Some(FailureReason::Throttled);
        let workload = &probe.workload.name;
        self.plan().settle(doubt, workload, throttled, probe.confirming, Instant::now());
        self.replanned.notify_one();
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
            tracing::info!(target = %self.name, "answers again");
        }
        doubt
    }

    fn now(&self) -> u64 {
        let since = (self.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock()
    }
}

/// Counts the probes of a target as it was when the sink was opened.
struct TargetOutage {
    watch: Arc<OutageWatch>,
    /// Where those under way stand in the order of beginnings; as many as may be in flight.
    under_way: Mutex<HashMap<ProbeId, u64>>,
}

impl TargetSink for TargetOutage {
    fn tell(&self, event: ProbeEvent<'_>, status: TargetStatus) {
        let under_way = || self.under_way.lock();
        match event {
            ProbeEvent::Began { id, .. } => {
                under_way().insert(id.clone(), self.watch.begin());
            }
            ProbeEvent::Over(probe) => {
                let number = under_way().remove(&probe.id);
                if let Some(number) = number.filter(|_| status == TargetStatus::Active) {
                    self.watch.count(number, probe);
                }
            }
            ProbeEvent::Skipped { .. } => {}
        }
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
        let names = config.target_names();
        self.watches.retain(|name, _| names.contains(name.as_str()));
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

impl Sink for OutageWatchers {
    fn name(&self) -> SinkName {
        SinkName::Outage
    }

    /// What was to settle a doubt is dropped: a target that was changed is asked at once.
    fn open(&self, target: &Arc<Target>) -> Option<Box<dyn TargetSink>> {
        let watch = self.get(&target.name)?;
        *watch.plan() = Confirming::default();
        Some(Box::new(TargetOutage { watch, under_way: Mutex::default() }))
    }
}
