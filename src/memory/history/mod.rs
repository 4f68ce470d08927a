//! The past of each target, for people: single probes with their recordings, the last hour minute
//! by minute, thirty days hour by hour, and the moments at which something became another.
//!
//! Everything is bounded. Per target: [`ORDINARY`] + [`ODD`] + [`FAILED`] probes in a line each
//! (about 300 bytes), [`MINUTES`] minutes of counts and quantiles (about 6 kB when each has
//! probes), [`HOURS`] hours (about 60 kB at four probes a minute, at most 200 kB) and [`MARKS`]
//! marks. Over all targets: the whole recordings, compressed, in as many bytes as the history was
//! given; half of them are for failures and odd probes, so that ordinary ones never drive those
//! out. When a recording goes, its line stays.
//!
//! With a state folder all of it but the successes' lines and recordings outlives a restart.

mod digest;
pub(in crate::memory) mod entry;
mod flight;
mod flights;
mod held;
mod hour;
mod hours;
mod keeping;
mod mark;
mod minutes;
mod numbers;
mod odd;
mod packed;
mod past;
mod saved;
mod sink;
mod state;
mod tally;
#[cfg(test)]
mod tests;
mod unsaved;
mod window;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::broadcast;

pub use digest::Quantiles;
pub use entry::{Entry, Summary};
pub use flight::Flight;
pub use hour::{Hour, Point, SloHour};
pub use hours::HOURS;
pub use mark::{MARKS, Mark, Occasion};
pub use minutes::MINUTES;
pub use odd::Oddity;
pub use past::{FAILED, FailureKind, ODD, ORDINARY};
pub use state::State;
pub use unsaved::Unsaved;
pub use window::Window;

use crate::probe::Probe;
use crate::target::Target;
use entry::is_coalesced;
use flights::Flights;
use held::{Held, Packer};
use hours::hour_of;
use minutes::minute_of;
use past::{Numbered, Past};
use saved::Kind;
use tally::Tally;

/// Memory for recordings where nothing else is said.
pub const DEFAULT_BYTES: usize = 16 << 20;

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
    /// The last few minutes: five, or as many as five probes take on the average.
    pub now: Window,
    /// Its last hour.
    pub hour: Hour,
    /// The last 24 hours, the current one among them.
    pub day: Window,
    /// The last 30 days, in hours, too.
    pub month: Window,
    /// What it went through, newest first.
    pub marks: Vec<Mark>,
}

/// How many minutes back *now* reaches: five, or as many as five probes take on the average, at most
/// an hour.
fn minutes_of_now(target: &Target) -> u32 {
    let five = target.schedule.interval.as_secs_f64() * 5.0 / 60.0;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped first
    let minutes = five.ceil().clamp(5.0, 60.0) as u32;
    minutes
}

/// The past of all targets.
#[derive(Debug)]
pub struct History {
    inner: Mutex<Inner>,
    /// Without one, no recording is held.
    packer: Option<Packer>,
    finished: broadcast::Sender<Arc<Summary>>,
}

#[derive(Debug)]
struct Inner {
    pasts: HashMap<Arc<str>, Past>,
    ordinary: Flights,
    notable: Flights,
    next: u64,
    /// What is to be written down; `None` where nothing is.
    unsaved: Option<Unsaved>,
}

impl Default for History {
    fn default() -> Self {
        Self::new(DEFAULT_BYTES)
    }
}

impl History {
    /// Nothing yet; at most `bytes` of memory for recordings.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let (ordinary, notable) = (Flights::new(bytes / 2), Flights::new(bytes / 2));
        let inner = Inner { pasts: HashMap::new(), ordinary, notable, next: 0, unsaved: None };
        let (inner, packer) = (Mutex::new(inner), Packer::new());
        Self { inner, packer, finished: broadcast::Sender::new(BACKLOG) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }

    /// Adds a probe; the oldest of its kind gives way. One that the prober gave up itself is
    /// remembered among the failures, because it may have hung, but counts in no figure.
    pub fn add(&self, target: &Arc<Target>, probe: Probe) -> Entry {
        let (coalesced, rate) =
            (is_coalesced(&probe.outcome.measurement), probe.outcome.tokens_per_second());
        let summary = Summary::of(target, &probe, None);
        // Before the others have to wait.
        let held = self.hold(Flight::new(target, probe));
        let summary = self.inner().add(summary, coalesced, rate, held.clone());
        // Nobody listens where this fails.
        let _ = self.finished.send(Arc::clone(&summary));
        Entry { summary, held }
    }

    /// As it is held; `None` where that is impossible.
    fn hold(&self, flight: Flight) -> Option<Arc<Held>> {
        let held = self.packer.as_ref()?.hold(flight);
        let held = held.inspect_err(|error| tracing::error!(%error, "a recording is not held"));
        held.ok().map(Arc::new)
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
        let mut nothing = Past::default();
        let mut inner = self.inner();
        let past = inner.pasts.get_mut(&*target.name).unwrap_or(&mut nothing);
        let mut hour = Hour::of(target, &past.minutes, now);
        hour.moved = past.marks.moved().collect();
        let last = past.last().map(|(_, summary)| Arc::clone(summary));
        let few = minutes_of_now(target);
        let mut lately = Tally::default();
        past.minutes.last(few.into(), now).for_each(|minute| lately.merge(&minute.tally));
        let (day, month) = past.hours.windows(hour_of(now_unix_nanos));
        Overview {
            state: State::of(past.last_telling().map(|(_, s)| &**s), &hour.slos),
            last,
            last_failure: past.telling_failures().next().map(|(_, s)| Arc::clone(s)),
            now: Window::of(target, few, &lately),
            hour,
            day: Window::of(target, 24 * 60, &day),
            month: Window::of(target, 30 * 24 * 60, &month),
            marks: past.marks.iter().rev().map(|(_, mark)| mark.clone()).collect(),
        }
    }

    /// The state of [`History::overview`] alone, for a fraction of its cost.
    #[must_use]
    pub fn state(&self, target: &Target, now_unix_nanos: i64) -> State {
        let inner = self.inner();
        let Some(past) = inner.pasts.get(&*target.name) else { return State::NotProbed };
        let slos = hour::slos(target, &past.minutes, minute_of(now_unix_nanos));
        State::of(past.last_telling().map(|(_, s)| &**s), &slos)
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

    /// Memory that recordings take at this moment, in bytes.
    #[must_use]
    pub fn recorded_bytes(&self) -> usize {
        let inner = self.inner();
        inner.ordinary.bytes() + inner.notable.bytes()
    }
}

impl Inner {
    fn add(
        &mut self,
        summary: Summary,
        coalesced: bool,
        rate: Option<f64>,
        held: Option<Arc<Held>>,
    ) -> Arc<Summary> {
        let (name, number) = (self.name_of(&summary.target.name), self.number());
        let past = self.past(&name);
        let minute = minute_of(summary.started_unix_nanos);
        let odd = summary.oddity(coalesced, || past.minutes.ttft(minute));
        let summary = Arc::new(Summary { odd, ..summary });
        let (mut minutes, mut hours) = (Vec::new(), Vec::new());
        if !summary.given_up() {
            minutes = past.minutes.add(&summary, rate);
            hours = past.hours.add(&summary, rate);
        }
        let before = past.last_telling().map(|(number, _)| *number);
        let gone = past.add(number, Arc::clone(&summary));
        if let Some(gone) = gone {
            self.ordinary.remove(gone);
            self.notable.remove(gone);
        }
        self.changed(&name, Kind::Minute, minutes);
        self.changed(&name, Kind::Hour, hours);
        self.changed(&name, Kind::Last, before.into_iter().chain([number]).map(u64::cast_signed));
        if let Some(held) = held {
            self.remember(number, held, &summary);
        }
        let failed = summary.reason.map(|_| number);
        for number in failed.into_iter().chain(gone.filter(|_| failed.is_some())) {
            self.changed(&name, Kind::Failure, [number.cast_signed()]);
            self.changed(&name, Kind::Recording, [number.cast_signed()]);
        }
        summary
    }

    /// Holds the whole recording, for as long as there is room.
    fn remember(&mut self, number: u64, held: Arc<Held>, summary: &Summary) {
        if summary.reason.is_none() && summary.odd.is_none() {
            self.ordinary.add(number, held);
            return;
        }
        for (gone, held) in self.notable.add(number, held) {
            if held.reason().is_some() {
                let name = self.name_of(&held.target().name);
                self.changed(&name, Kind::Recording, [gone.cast_signed()]);
            }
        }
    }

    fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// The name as it is shared by all that know it.
    fn name_of(&self, target: &str) -> Arc<str> {
        self.pasts.get_key_value(target).map_or_else(|| target.into(), |(name, _)| Arc::clone(name))
    }

    fn past(&mut self, name: &Arc<str>) -> &mut Past {
        self.pasts.entry(Arc::clone(name)).or_default()
    }

    fn entry(&self, (number, summary): &Numbered) -> Entry {
        let held = self.notable.get(*number).or_else(|| self.ordinary.get(*number));
        Entry { summary: Arc::clone(summary), held: held.cloned() }
    }

    fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        let Self { pasts, ordinary, notable, unsaved, .. } = self;
        for (target, past) in pasts.extract_if(|target, _| !keep(target)) {
            if let Some(unsaved) = unsaved {
                unsaved.target_gone(&target);
            }
            for (number, _) in past.all() {
                ordinary.remove(*number);
                notable.remove(*number);
            }
        }
    }
}
