//! One target's past, shared by its prober, the metrics and the file it is kept in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::memory::history::{History, Mark, Occasion};
use crate::probe::Probe;
use crate::probe::sink::{ProbeEvent, TargetSink, TargetStatus};
use crate::regression::change::{
    Event, Observation, StreamSnapshot, TargetState, TargetWatch, What,
};
use crate::regression::detect::Change;
use crate::regression::fingerprint::in_words;
use parking_lot::{Mutex, MutexGuard};

/// Reads the wall clock. Of the hour of the day and of how old a reference is, the monotonic one
/// knows nothing after a restart.
pub type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// A probe that began later than this after it was meant to says that the prober is short of time,
/// and its figures may be the prober's own: nothing is learnt from it.
const DELAYED: Duration = Duration::from_millis(100);

/// Watches one target, for as long as there is a target of its name.
pub struct Watch {
    name: String,
    learnt: Mutex<TargetWatch>,
    clock: WallClock,
    history: Arc<History>,
    /// Rises with everything that is learnt.
    edition: AtomicU64,
}

impl TargetSink for Arc<Watch> {
    fn tell(&self, event: ProbeEvent<'_>, status: TargetStatus) {
        if let ProbeEvent::Over(probe) = event
            && !probe.confirming
            && probe.apart.is_none()
            && status == TargetStatus::Active
        {
            self.observe(probe);
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("target", &self.name).finish_non_exhaustive()
    }
}

impl Watch {
    /// Watches nothing yet.
    pub(super) fn new(target: &str, clock: WallClock, history: Arc<History>) -> Self {
        Self {
            name: target.to_owned(),
            learnt: Mutex::default(),
            clock,
            history,
            edition: AtomicU64::new(0),
        }
    }

    /// The name of the target.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.name
    }

    /// As long as it stays the same, so does [`Watch::state`].
    #[must_use]
    pub fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// After everything that changes what is learnt, so that nothing is missed.
    fn changed(&self) {
        self.edition.fetch_add(1, Ordering::Release);
    }

    fn watch(&self) -> MutexGuard<'_, TargetWatch> {
        self.learnt.lock()
    }

    /// Takes up a finished probe. Takes microseconds; once per reference a few milliseconds.
    pub(crate) fn observe(&self, probe: &Probe) {
        if probe.recording.schedule_delay > DELAYED {
            return;
        }
        let Some(observation) = Observation::of(&probe.outcome, (self.clock)()) else { return };
        let events = self.watch().observe(&probe.workload.name, &observation);
        self.changed();
        for event in &events {
            self.tell(event);
        }
    }

    /// Collects anew what is usual; returns how many workloads that concerns.
    pub fn begin_anew(&self, workload: Option<&str>) -> usize {
        let workloads = self.watch().begin_anew(workload);
        self.changed();
        if workloads > 0 {
            tracing::info!(target = %self.name, workload, "reference begins anew, as asked");
        }
        workloads
    }

    /// How every stream stands, each with its workload.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(String, StreamSnapshot)> {
        self.watch().snapshot()
    }

    /// What is to be written down.
    #[must_use]
    pub fn state(&self) -> TargetState {
        self.watch().state()
    }

    /// Puts another watch in the place of this one, which goes on with `saved` or with what was
    /// learnt so far.
    pub(super) fn renew(&self, mut next: TargetWatch, saved: Option<&TargetState>) {
        let events = {
            let mut watch = self.watch();
            let earlier = saved.map_or_else(|| watch.state(), Clone::clone);
            let events = next.adopt(&earlier);
            *watch = next;
            events
        };
        self.changed();
        for event in &events {
            self.tell(event);
        }
    }

    /// Remembers when it was.
    fn mark(&self, event: &Event) {
        let (workload, signal) = (event.workload.clone(), event.signal.as_str().to_owned());
        let what = match event.what {
            What::Alarm(Change::Raised) => Occasion::AlarmRaised { workload, signal },
            What::Alarm(Change::Cleared) => Occasion::AlarmCleared { workload, signal },
            What::Complete | What::Unfit(_) | What::Outdated(_) => return,
        };
        let since = (self.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_nanos = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
        self.history.mark(&self.name, Mark { unix_nanos, what });
    }

    fn tell(&self, event: &Event) {
        self.mark(event);
        let (target, workload, signal) = (&self.name, &event.workload, event.signal.as_str());
        match &event.what {
            What::Complete => {
                tracing::info!(%target, %workload, signal, "reference complete");
            }
            What::Unfit(error) => {
                tracing::warn!(%target, %workload, signal, %error, "reference begins anew");
            }
            What::Alarm(Change::Raised) => {
                tracing::warn!(%target, %workload, signal, "worse than its own past");
            }
            What::Alarm(Change::Cleared) => {
                tracing::info!(%target, %workload, signal, "no longer worse than its past");
            }
            What::Outdated(fields) => {
                let changed = in_words(fields);
                tracing::info!(%target, %workload, signal, changed, "reference begins anew");
            }
        }
    }
}
