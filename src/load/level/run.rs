//! A level under way: what it is to be, when it began, and what was seen of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::answer::slo::Slo;
use crate::load::{Permit, Prober};
use crate::probe::Probe;
use crate::sweep::{Instants, InvalidReason, Load, Request, Strain, Tally};
use crate::target::schedule::Arrival;
use crate::transport::Answered;
use crate::workload::mix::Draw;
use crate::workload::{Mix, Workload};

/// Requests of one level at most.
const MOST: u64 = 1_000_000;

/// How a level goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelPlan {
    /// Who asks, or how often.
    pub load: Load,
    /// How long it takes until all users are active, or arrivals come at the full rate.
    pub ramp: Duration,
    /// So many requests at the beginning do not count.
    pub warmup: u64,
    /// When it is over.
    pub until: Until,
    /// How arrivals of an open loop are spread.
    pub arrival: Arrival,
    /// What is asked follows from it, and when arrivals come.
    pub seed: u64,
    /// What the server's prefix cache must not know follows from it.
    pub nonces: u64,
}

/// When nothing more is asked. What is under way then is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// After so many requests that count.
    Requests(u64),
    /// So long after the window opened.
    Duration(Duration),
}

impl Until {
    /// Whether enough was asked, by now.
    pub(super) fn reached(self, counted: u64, opened: Option<Instant>, now: Instant) -> bool {
        counted >= MOST
            || match self {
                Self::Requests(count) => counted >= count,
                Self::Duration(duration) => opened.is_some_and(|opened| now >= opened + duration),
            }
    }
}

/// What is asked, without end.
pub struct Draws {
    mix: Mix,
    only: Option<Arc<Workload>>,
}

impl Draws {
    /// Of a mix, or of one of its workloads alone.
    #[must_use]
    pub fn new(mix: Mix, only: Option<Arc<Workload>>) -> Self {
        Self { mix, only }
    }

    pub(super) fn next(&mut self) -> Option<Draw> {
        match &self.only {
            Some(workload) => self.mix.draw_from(workload),
            None => self.mix.draw(),
        }
    }
}

/// Shared by the policy of a level and whoever watches it.
pub struct LevelRun {
    began: Instant,
    /// The wall clock at that instant, in nanoseconds since the Unix epoch.
    began_unix: i128,
    slos: Vec<Arc<Slo>>,
    from_arrival: bool,
    tally: Mutex<Tally>,
    watched: Mutex<Watched>,
}

/// What tells how the server bears it, while requests are under way.
#[derive(Default)]
struct Watched {
    strain: Strain,
    next: u64,
    /// Since when each request is under way, and whether its first token has come: as many as may be
    /// under way.
    under_way: HashMap<u64, (Instant, Answered)>,
}

/// A request that is over, as its driver hands it over.
pub struct Asked {
    /// Its number among all that were begun.
    number: u64,
    counted: Option<usize>,
    due: Instant,
    /// When it was begun, before anything else.
    begun: Instant,
    /// When everything about it was over, also looking into why it failed.
    done: Instant,
    probe: Probe,
}

/// When a user was free again, and whether there was an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Over {
    pub at: Instant,
    pub succeeded: bool,
}

impl LevelRun {
    /// A level that begins now.
    #[must_use]
    pub fn new(load: Load, slos: Vec<Arc<Slo>>) -> Arc<Self> {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Arc::new(Self {
            began: Instant::now(),
            began_unix: i128::try_from(unix.as_nanos()).unwrap_or_default(),
            slos,
            from_arrival: matches!(load, Load::Open { .. }),
            tally: Mutex::new(Tally::new(load)),
            watched: Mutex::default(),
        })
    }

    /// When it began.
    #[must_use]
    pub fn began(&self) -> Instant {
        self.began
    }

    /// An instant, counted from the beginning.
    #[must_use]
    pub fn since(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.began)
    }

    /// Looks at, or adds to, what was seen.
    pub fn tally<T>(&self, look: impl FnOnce(&mut Tally) -> T) -> T {
        look(&mut self.tally.lock())
    }

    /// What the requests that are over have shown, and how long one of those under way has waited for
    /// its first token by now.
    #[must_use]
    pub fn strain(&self) -> (Strain, Duration) {
        let watched = self.watched.lock();
        let without = watched.under_way.values().filter(|(_, answered)| !answered.has_begun());
        let longest = without.map(|(since, _)| since.elapsed()).max();
        (watched.strain, longest.unwrap_or_default())
    }

    /// Something ends the level before its time.
    pub(super) fn stop(&self, why: InvalidReason) {
        self.tally(|tally| {
            tally.stopped.get_or_insert(why);
        });
    }

    /// Sends what there is a place for.
    pub(super) fn ask(
        &self,
        prober: &Arc<Prober>,
        (permit, draw): (Permit, Draw),
        due: Instant,
    ) -> BoxFuture<'static, Asked> {
        let counted = self.tally(Tally::sent);
        let number = {
            let mut watched = self.watched.lock();
            let number = watched.next;
            watched.next += 1;
            watched.under_way.insert(number, (Instant::now(), permit.answered.clone()));
            number
        };
        let (prober, scheduled) = (Arc::clone(prober), self.from_arrival.then_some(due));
        async move {
            let begun = Instant::now();
            let probe = prober.probe(permit, draw, scheduled).await;
            Asked { number, counted, due, begun, done: Instant::now(), probe }
        }
        .boxed()
    }

    /// Enters a request that is over.
    pub(super) fn over(&self, asked: &Asked) -> Over {
        let Asked { number, counted, due, done, probe, .. } = asked;
        let (outcome, recording) = (&probe.outcome, &probe.recording);
        if let Err(failure) = &outcome.result {
            let (reason, detail) = (failure.reason, &failure.detail);
            tracing::debug!(probe = probe.id.as_str(), %reason, %detail, "request failed");
        }
        let took = Duration::from_nanos(u64::try_from(recording.ended.0).unwrap_or_default());
        let began = self.exchange_began(asked, took);
        let over = began + took;
        let covering = |slo: &&Arc<Slo>| slo.covers(&probe.workload.name);
        let slos: Vec<&Arc<Slo>> = self.slos.iter().filter(covering).collect();
        let instants =
            Instants { due: self.since(*due), began: self.since(began), over: self.since(over) };
        let request =
            Request::new(*counted, instants, self.from_arrival, &slos, (outcome, recording));
        {
            let mut watched = self.watched.lock();
            watched.under_way.remove(number);
            watched.strain.note(request.result, request.ttft);
        }
        self.tally(|tally| tally.over(&request));
        // Of a failure, the prober may have looked into the reason meanwhile: no fault of its speed.
        let succeeded = outcome.succeeded();
        Over { at: if succeeded { over } else { *done }, succeeded }
    }

    /// When the exchange itself began, on an I/O thread: by the wall clock, as far as that fits
    /// between what is known for sure.
    fn exchange_began(&self, asked: &Asked, took: Duration) -> Instant {
        let earliest = asked.begun;
        let latest = asked.done.checked_sub(took).map_or(earliest, |at| at.max(earliest));
        let after = i128::from(asked.probe.recording.started_unix_nanos) - self.began_unix;
        let after = Duration::from_nanos(u64::try_from(after).unwrap_or_default());
        (self.began + after).clamp(earliest, latest)
    }
}
