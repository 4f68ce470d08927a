//! A target's own schedule: arrivals do not wait for answers, so that a slow server is not asked
//! less often. What follows from an arrival, such as the next turn of a conversation, does.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::cache_check::{CacheFinding, Checking};
use super::conversation::{Talks, Turn};
use super::driver::Policy;
use super::prober::{Prober, Refusal};
use crate::target::schedule::{Arrival as Arrivals, Schedule};
use crate::watcher::OutageWatch;
use crate::workload::mix::{Draw, Mix};
use crate::workload::replay::{Due, Replay};

/// Probes at the arrivals of a schedule, one at the start, the further turns of conversations, those
/// that settle a doubt, and those that look after the prefix cache.
pub struct OpenLoop {
    prober: Arc<Prober>,
    schedule: Schedule,
    /// Where arrivals are recorded: what comes when, and which comes next.
    recorded: Option<(Dues, Due)>,
    mix: Mix,
    talks: Talks,
    checking: Option<Checking>,
    rng: ChaCha8Rng,
    /// What confirming probes ask: drawn apart, so that the schedule's draws stay the same. Made for
    /// the first of them, which most targets never need.
    confirming_mix: Option<Box<Mix>>,
    confirming_seed: u64,
    /// Says when a failure is to be confirmed, if that is to be done.
    outage: Option<Arc<OutageWatch>>,
    /// The probe at the start, which comes on top of the schedule.
    first: Option<Instant>,
    next: Instant,
}

/// Recorded arrivals, for ever.
type Dues = Box<dyn Iterator<Item = Due> + Send + Sync>;

/// What an arrival is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    First,
    Confirming,
    Turn,
    CacheCheck,
    Scheduled,
}

/// What came of an arrival.
pub enum Came {
    /// Nothing follows from it.
    Done,
    /// Its user asks again.
    Turn(Box<Turn>),
    /// The prefix cache was looked after.
    Checked,
}

impl OpenLoop {
    /// Begins now, with a first probe at a random moment within `first_within`. All arrivals and
    /// draws follow from `seed`.
    #[must_use]
    pub fn new(
        prober: Arc<Prober>,
        seed: u64,
        first_within: Duration,
        outage: Option<Arc<OutageWatch>>,
    ) -> Self {
        let target = Arc::clone(prober.target());
        let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_add(1));
        let now = Instant::now();
        // The schedule begins at a phase of its own.
        let next = now + target.schedule.first_gap(&mut rng);
        let mut dues: Option<Dues> = match target.schedule.arrival {
            // It was looked at when the configuration was read.
            Arrivals::Recorded { speed } => {
                let replay = Replay::of(&target.workloads, speed).ok();
                replay.map(|replay| Box::new(replay.dues()) as Dues)
            }
            _ => None,
        };
        let due = dues.as_mut().and_then(Iterator::next);
        // Random numbers that take none from the schedule's.
        let mut apart = rng.clone();
        apart.set_stream(1);
        Self {
            schedule: target.schedule,
            recorded: dues.zip(due),
            mix: Mix::new(&target.workloads, seed),
            talks: Talks::default(),
            checking: target.cache_check.map(|check| Checking::new(check, &target, &mut apart)),
            rng,
            confirming_mix: None,
            confirming_seed: seed.wrapping_add(2),
            outage,
            first: Some(now + first_within.mul_f64(apart.random::<f64>())),
            next,
            prober,
        }
    }

    /// The same, which tells what it finds of the prefix cache.
    #[must_use]
    pub fn telling(mut self, tell: impl Fn(CacheFinding) + Send + Sync + 'static) -> Self {
        if let Some(checking) = &mut self.checking {
            checking.tell = Arc::new(tell);
        }
        self
    }

    /// The next arrival; of those at the same instant the one that is named first.
    fn next(&self) -> (Arrival, Instant) {
        let confirm = self.outage.as_ref().and_then(|outage| outage.confirm_at());
        let early = [
            (Arrival::First, self.first),
            (Arrival::Confirming, confirm),
            (Arrival::Turn, self.talks.next()),
            (Arrival::CacheCheck, self.checking.as_ref().and_then(Checking::next)),
        ];
        let early = early.into_iter().filter_map(|(arrival, at)| Some((arrival, at?)));
        let scheduled = (Arrival::Scheduled, self.next);
        early.chain([scheduled]).min_by_key(|(_, at)| *at).unwrap_or(scheduled)
    }

    /// An arrival of the schedule, and when the next one comes.
    fn scheduled(&mut self, at: Instant) -> Option<BoxFuture<'static, Came>> {
        let Some((dues, due)) = &mut self.recorded else {
            let draw = self.mix.draw();
            self.next += self.schedule.gap(&mut self.rng);
            return self.ask(draw?, at);
        };
        let now = *due;
        *due = dues.next()?;
        self.next += due.after;
        let workload = self.prober.target().workloads.get(now.workload)?;
        let draw = self.mix.pick(&Arc::clone(workload), now.prompt)?;
        self.ask(draw, at)
    }

    fn ask(&mut self, draw: Draw, at: Instant) -> Option<BoxFuture<'static, Came>> {
        if let Some(turn) = Turn::first(&draw) {
            return self.talk(turn, at);
        }
        let permit = self.prober.admit(&draw, at).ok()?;
        let probe = Arc::clone(&self.prober).probe(permit, draw, Some(at));
        Some(probe.map(|_| Came::Done).boxed())
    }

    /// A turn of a conversation; without a place for it the conversation is over.
    fn talk(&mut self, turn: Turn, at: Instant) -> Option<BoxFuture<'static, Came>> {
        let permit = self.prober.admit(turn.draw(), at).ok()?;
        let prober = Arc::clone(&self.prober);
        let asked = async move {
            let probe = prober.probe(permit, turn.draw().clone(), Some(at)).await;
            turn.answered(&probe).map_or(Came::Done, |turn| Came::Turn(Box::new(turn)))
        };
        Some(asked.boxed())
    }

    /// A confirming probe, within the same limits as any other.
    fn confirm(&mut self, at: Instant) -> Option<BoxFuture<'static, Came>> {
        let outage = self.outage.clone()?;
        let workloads = &self.prober.target().workloads;
        let workload = outage.take_confirming(workloads)?;
        let fresh = || Box::new(Mix::new(workloads, self.confirming_seed));
        let draw = self.confirming_mix.get_or_insert_with(fresh).draw_from(workload)?;
        match self.prober.admit_uncounted(&draw, at) {
            Ok(permit) => {
                outage.confirm();
                let probe = Arc::clone(&self.prober).confirm(permit, draw, at);
                Some(probe.map(|_| Came::Done).boxed())
            }
            Err(Refusal::Skipped(reason)) => {
                tracing::debug!(target = %self.prober.target().name, %reason, "not confirmed");
                outage.not_confirmed(reason);
                None
            }
            Err(Refusal::Stopped) => None,
        }
    }
}

impl Policy for OpenLoop {
    type Output = Came;

    fn due(&self, _: usize) -> Option<Instant> {
        Some(self.next().1)
    }

    fn begin(&mut self, due: Instant, _: usize) -> Option<BoxFuture<'static, Came>> {
        let (arrival, at) = self.next();
        if at > due {
            return None; // the doubt has gone meanwhile
        }
        match arrival {
            Arrival::First => {
                self.first = None;
                let draw = self.mix.draw()?;
                self.ask(draw, at)
            }
            Arrival::Confirming => self.confirm(at),
            Arrival::Turn => {
                let turn = self.talks.take(at)?;
                self.talk(turn, at)
            }
            Arrival::CacheCheck => {
                let check = self.checking.as_mut()?.begin(&self.prober)?;
                Some(check.map(|()| Came::Checked).boxed())
            }
            Arrival::Scheduled => self.scheduled(at),
        }
    }

    fn ended(&mut self, came: Option<Came>) -> ControlFlow<()> {
        match came {
            Some(Came::Turn(turn)) => self.talks.add(*turn, &mut self.mix),
            // It may have been the one that panicked.
            Some(Came::Checked) | None => self.checking.iter_mut().for_each(Checking::ended),
            Some(Came::Done) => {}
        }
        ControlFlow::Continue(())
    }

    async fn replanned(&self) {
        match &self.outage {
            Some(outage) => outage.replanned().await,
            None => std::future::pending().await,
        }
    }
}
