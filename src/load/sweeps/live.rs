//! A scheduled sweep, shared by its runner, the metrics and the pages.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::sweep::{ScheduledSweep, SweepCounts, SweepPast, SweepRun};

/// What is swept, and what was found so far.
#[derive(Debug)]
pub struct Live {
    spec: Arc<ScheduledSweep>,
    state: Mutex<Snapshot>,
}

/// How a sweep stands.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The runs that are remembered.
    pub past: SweepPast,
    /// Counts since the start of the program.
    pub counts: SweepCounts,
    /// When the run under way began, milliseconds since the Unix epoch; `None` between runs.
    pub running: Option<u64>,
    /// When the next run is due, the same. One that waits for another sweep of its server is overdue.
    pub next: Option<u64>,
}

impl Live {
    /// Goes on from a past.
    #[must_use]
    pub fn new(spec: Arc<ScheduledSweep>, past: SweepPast) -> Self {
        let counts = SweepCounts::new(&spec.levels);
        let state = Snapshot { past, counts, running: None, next: None };
        Self { spec, state: Mutex::new(state) }
    }

    /// What is swept.
    #[must_use]
    pub fn spec(&self) -> &Arc<ScheduledSweep> {
        &self.spec
    }

    /// How it stands.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.state.lock().clone()
    }

    /// The next run is due then.
    pub fn plan(&self, next: u64) {
        self.state.lock().next = Some(next);
    }

    /// A run begins.
    pub fn begin(&self, now: u64) {
        self.state.lock().running = Some(now);
    }

    /// A run is over.
    pub fn end(&self, run: SweepRun) {
        let mut state = self.state.lock();
        state.running = None;
        state.counts.add(&run);
        state.past.add(run);
    }
}
