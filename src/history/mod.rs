//! The recent past of each target, for people: single probes with their recordings, and the last
//! hour minute by minute.
//!
//! Everything is bounded. Per target: [`ORDINARY`] + [`ODD`] + [`FAILED`] probes in a line each
//! (about 300 bytes), and [`MINUTES`] minutes of counts and quantiles (about 20 kB when each has
//! probes). Over all targets: the whole recordings, in as many bytes as the history was given;
//! half of them are for failures and odd probes, so that ordinary ones never drive those out.
//! When a recording goes, its line stays.

mod digest;
mod entry;
mod flights;
mod hour;
mod minutes;
mod odd;
mod past;
mod state;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

pub use digest::Quantiles;
pub use entry::{Entry, Flight, Summary};
pub use hour::{Hour, Point, SloHour};
pub use minutes::MINUTES;
pub use odd::Oddity;
pub use past::{FAILED, FailureKind, ODD, ORDINARY};
pub use state::State;

use crate::flight::{Recorder, RecorderStatus};
use crate::probe::Probe;
use crate::target::Target;
use flights::Flights;
use minutes::minute_of;
use past::{Numbered, Past};

/// Memory for recordings where nothing else is said.
pub const DEFAULT_BYTES: usize = 64 << 20;

/// Finished probes that a slow listener may lag behind before it misses some.
const BACKLOG: usize = 1024;

/// A target now.
#[derive(Debug, Clone)]
pub struct Overview {
    /// In a word.
    pub state: State,
    /// Its newest probe.
    pub last: Option<Arc<Summary>>,
    /// Its newest failure that is remembered, however old.
    pub last_failure: Option<Arc<Summary>>,
    /// Its last hour.
    pub hour: Hour,
}

/// The past of all targets.
#[derive(Debug)]
pub struct History {
    inner: Mutex<Inner>,
    finished: broadcast::Sender<Arc<Summary>>,
    recorder: Option<Recorder>,
}

#[derive(Debug)]
struct Inner {
    pasts: HashMap<String, Past>,
    ordinary: Flights,
    notable: Flights,
    next: u64,
}

impl Default for History {
    fn default() -> Self {
        Self::new(DEFAULT_BYTES, None)
    }
}

impl History {
    /// Nothing yet; at most `bytes` of memory for recordings. What is worth it goes to `recorder`.
    #[must_use]
    pub fn new(bytes: usize, recorder: Option<Recorder>) -> Self {
        let (ordinary, notable) = (Flights::new(bytes / 2), Flights::new(bytes / 2));
        let inner = Inner { pasts: HashMap::new(), ordinary, notable, next: 0 };
        Self { inner: Mutex::new(inner), finished: broadcast::Sender::new(BACKLOG), recorder }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a probe; the oldest of its kind gives way.
    pub fn add(&self, target: &Arc<Target>, probe: Probe) -> Entry {
        let flight = Arc::new(Flight::new(target, probe));
        let summary = self.inner().add(&flight);
        if let Some(recorder) = &self.recorder {
            recorder.offer(&summary, &flight);
        }
        // Nobody listens where this fails.
        let _ = self.finished.send(Arc::clone(&summary));
        Entry { summary, flight: Some(flight) }
    }

    /// Forgets every target that `keep` refuses.
    pub fn retain(&self, keep: impl Fn(&str) -> bool) {
        self.inner().retain(keep);
    }

    /// The probes that end from now on. A listener that lags is told how many it missed.
    #[must_use]
    pub fn finished(&self) -> broadcast::Receiver<Arc<Summary>> {
        self.finished.subscribe()
    }

    /// The newest probes of a target, newest first: at least the last [`ORDINARY`], whatever their
    /// kind, and older ones that were odd or failed.
    #[must_use]
    pub fn probes(&self, target: &str) -> Vec<Entry> {
        let inner = self.inner();
        let Some(past) = inner.pasts.get(target) else { return Vec::new() };
        past.newest_first().into_iter().map(|numbered| inner.entry(numbered)).collect()
    }

    /// A probe by its id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Entry> {
        let inner = self.inner();
        let mut all = inner.pasts.values().flat_map(Past::all);
        all.find(|(_, summary)| summary.id.as_str() == id).map(|found| inner.entry(found))
    }

    /// As [`History::find`], where the target's name is known.
    #[must_use]
    pub fn find_of(&self, target: &str, id: &str) -> Option<Entry> {
        let inner = self.inner();
        let mut all = inner.pasts.get(target)?.all();
        all.find(|(_, summary)| summary.id.as_str() == id).map(|found| inner.entry(found))
    }

    /// A target as it is at `now`, Unix nanoseconds.
    #[must_use]
    pub fn overview(&self, target: &Target, now_unix_nanos: i64) -> Overview {
        let now = minute_of(now_unix_nanos);
        let inner = self.inner();
        let past = inner.pasts.get(&target.name);
        let hour = past
            .map_or_else(|| Hour::empty(target, now), |past| Hour::of(target, &past.minutes, now));
        let last = past.and_then(Past::last).cloned();
        let last_failure = past.and_then(|p| p.failures().next()).map(|(_, s)| Arc::clone(s));
        Overview { state: State::of(last.as_deref(), &hour.slos), last, last_failure, hour }
    }

    /// The state of [`History::overview`] alone, for a fraction of its cost.
    #[must_use]
    pub fn state(&self, target: &Target, now_unix_nanos: i64) -> State {
        let inner = self.inner();
        let Some(past) = inner.pasts.get(&target.name) else { return State::NotProbed };
        let slos = hour::slos(target, &past.minutes, minute_of(now_unix_nanos));
        State::of(past.last().map(|s| &**s), &slos)
    }

    /// The newest failures over all targets, one for each target and reason, newest first, at most
    /// so many.
    #[must_use]
    pub fn failures(&self, most: usize) -> Vec<FailureKind> {
        let inner = self.inner();
        let mut all: Vec<_> = inner.pasts.values().flat_map(Past::failure_kinds).collect();
        all.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        all.into_iter().take(most).map(|(_, kind)| kind).collect()
    }

    /// How many probes are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner().pasts.values().map(Past::len).sum()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the flight recorder does, if there is one.
    #[must_use]
    pub fn recorder(&self) -> Option<RecorderStatus> {
        self.recorder.as_ref().map(Recorder::status)
    }

    /// Memory that recordings take at this moment, in bytes.
    #[must_use]
    pub fn recorded_bytes(&self) -> usize {
        let inner = self.inner();
        inner.ordinary.bytes() + inner.notable.bytes()
    }
}

impl Inner {
    fn add(&mut self, flight: &Arc<Flight>) -> Arc<Summary> {
        let (target, probe) = (&flight.target, &flight.probe);
        let past = self.pasts.entry(target.name.clone()).or_default();
        let minute = minute_of(probe.recording.started_unix_nanos);
        let odd = Oddity::of(&probe.outcome, &past.minutes.ttft(minute));
        let summary = Arc::new(Summary::of(target, probe, odd));
        past.minutes.add(&summary, probe.outcome.tokens_per_second());
        let number = self.next;
        self.next += 1;
        if let Some(gone) = past.add(number, Arc::clone(&summary)) {
            self.ordinary.remove(gone);
            self.notable.remove(gone);
        }
        let notable = summary.reason.is_some() || summary.odd.is_some();
        let flights = if notable { &mut self.notable } else { &mut self.ordinary };
        flights.add(number, Arc::clone(flight));
        summary
    }

    fn entry(&self, (number, summary): &Numbered) -> Entry {
        let flight = self.notable.get(*number).or_else(|| self.ordinary.get(*number));
        Entry { summary: Arc::clone(summary), flight: flight.cloned() }
    }

    fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        let Self { pasts, ordinary, notable, .. } = self;
        for (_, past) in pasts.extract_if(|target, _| !keep(target)) {
            for (number, _) in past.all() {
                ordinary.remove(*number);
                notable.remove(*number);
            }
        }
    }
}
