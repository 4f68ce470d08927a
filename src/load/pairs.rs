//! Rounds of two probes: the same prompt to two targets, at once or one after the other.
//!
//! A round takes a place at both targets or at neither, before anything is sent to either. Places are
//! taken in the order of the targets' names, so that of two comparisons of the same targets one gets
//! both, and not each one of them.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::admission::{Permit, is_late};
use super::driver::Policy;
use super::prober::{Prober, Refusal};
use crate::answer::skip::SkipReason;
use crate::probe::Probe;
use crate::regression::comparison::{Comparison, DropReason, Next, Order, Source};
use crate::workload::mix::Draw;

/// What a round of two probes brings.
#[derive(Debug)]
pub struct Pair {
    /// Of the stack in use.
    pub baseline: Probe,
    /// Of the one that may replace it.
    pub candidate: Probe,
}

/// Takes up what came of a round that was begun.
pub type PairDone = Box<dyn FnOnce(Result<Pair, DropReason>) + Send>;

/// Is called for every round that is to begin.
pub type PairBegun = Box<dyn FnMut() -> PairDone + Send + Sync>;

/// Makes the rounds of a comparison.
pub struct Pairs {
    baseline: Arc<Prober>,
    candidate: Arc<Prober>,
    order: Order,
    /// Mean time between two rounds.
    interval: Duration,
    source: Source,
    next: Option<Next>,
    due: Instant,
    /// A round waits for the end of the one before, instead of being dropped: a closed loop, in which
    /// nothing is late.
    one_at_a_time: bool,
    begun: PairBegun,
}

/// A side with its place.
struct Side {
    prober: Arc<Prober>,
    permit: Permit,
}

impl Side {
    async fn probe(self, draw: Draw, scheduled: Instant) -> Probe {
        self.prober.probe(self.permit, draw, Some(scheduled)).await
    }
}

impl Pairs {
    /// The rounds of `spec` as `source` has them, from now on. `begun` is called for every round, and
    /// what it returns when the round is over or dropped.
    #[must_use]
    pub fn new(
        spec: &Comparison,
        (baseline, candidate): (Arc<Prober>, Arc<Prober>),
        mut source: Source,
        begun: PairBegun,
    ) -> Self {
        let next = source.next();
        let due = Instant::now() + next.as_ref().map_or(Duration::ZERO, |next| next.after);
        let (order, interval) = (spec.order, spec.timing.interval());
        let one_at_a_time = false;
        Self { baseline, candidate, order, interval, source, next, due, one_at_a_time, begun }
    }

    /// Makes one round at a time, the next one when it is over and the interval is, too.
    #[must_use]
    pub fn one_at_a_time(self) -> Self {
        Self { one_at_a_time: true, ..self }
    }

    /// A place at both sides.
    fn admit(&self, draw: &Draw, scheduled: Instant) -> Result<(Side, Side), DropReason> {
        let admit = |prober: &Arc<Prober>| {
            let permit = prober.admit(draw, scheduled).map_err(|refusal| match refusal {
                Refusal::Skipped(reason) => DropReason::Skipped(reason),
                Refusal::Stopped => DropReason::Prober,
            })?;
            Ok(Side { prober: Arc::clone(prober), permit })
        };
        let (baseline, candidate);
        if self.baseline.target().name <= self.candidate.target().name {
            baseline = admit(&self.baseline);
            candidate = admit(&self.candidate);
        } else {
            candidate = admit(&self.candidate);
            baseline = admit(&self.baseline);
        }
        Ok((baseline?, candidate?))
    }

    fn refused(&self, scheduled: Instant, under_way: usize) -> Option<SkipReason> {
        if is_late(scheduled, self.interval) {
            return Some(SkipReason::Late);
        }
        // Of stacks that share hardware, rounds may not overlap either.
        let overlaps = self.order == Order::BackToBack && under_way > 0;
        overlaps.then_some(SkipReason::InFlightLimit)
    }
}

impl Policy for Pairs {
    type Output = ();

    fn due(&self, under_way: usize) -> Option<Instant> {
        let waits = self.one_at_a_time && under_way > 0;
        self.next.as_ref().filter(|_| !waits).map(|_| self.due)
    }

    fn begin(&mut self, due: Instant, under_way: usize) -> Option<BoxFuture<'static, ()>> {
        let Next { draw, baseline_first, .. } = self.next.take()?;
        let scheduled = if self.one_at_a_time { Instant::now() } else { due };
        self.next = self.source.next();
        self.due = scheduled + self.next.as_ref().map_or(Duration::ZERO, |next| next.after);
        let done = (self.begun)();
        let refused = self.refused(scheduled, under_way).map(DropReason::Skipped);
        let sides = refused.map_or_else(|| self.admit(&draw, scheduled), Err);
        match sides {
            Ok((baseline, candidate)) => {
                let round = Round { baseline, candidate, draw, scheduled, baseline_first };
                Some(round.run(self.order).map(done).boxed())
            }
            Err(reason) => {
                done(Err(reason));
                None
            }
        }
    }

    fn ended(&mut self, done: Option<()>) -> ControlFlow<()> {
        if done.is_none() {
            tracing::error!("a round panicked");
            (self.begun)()(Err(DropReason::Prober));
        }
        ControlFlow::Continue(())
    }
}

/// A round that both sides have a place for.
struct Round {
    baseline: Side,
    candidate: Side,
    draw: Draw,
    scheduled: Instant,
    baseline_first: bool,
}

impl Round {
    async fn run(self, order: Order) -> Result<Pair, DropReason> {
        let Self { baseline, candidate, draw, scheduled, baseline_first } = self;
        let (first, second) =
            if baseline_first { (baseline, candidate) } else { (candidate, baseline) };
        let (first, second) = match order {
            Order::Simultaneous => at_once(first, second, draw, scheduled).await?,
            Order::BackToBack => {
                let first = first.probe(draw.clone(), scheduled).await;
                if second.prober.stop().arrivals.is_cancelled() {
                    return Err(DropReason::Prober);
                }
                (first, second.probe(draw, Instant::now()).await)
            }
        };
        let (baseline, candidate) = if baseline_first { (first, second) } else { (second, first) };
        Ok(Pair { baseline, candidate })
    }
}

/// Each in a task of its own: what is done with one answer does not hold up the other one.
async fn at_once(
    first: Side,
    second: Side,
    draw: Draw,
    scheduled: Instant,
) -> Result<(Probe, Probe), DropReason> {
    let (mut one, mut other) = (JoinSet::new(), JoinSet::new());
    one.spawn(first.probe(draw.clone(), scheduled));
    // Lets the first one go: else the scheduler, not chance, would say who is ahead.
    tokio::task::yield_now().await;
    other.spawn(second.probe(draw, scheduled));
    let (first, second) = tokio::join!(one.join_next(), other.join_next());
    match (first, second) {
        (Some(Ok(first)), Some(Ok(second))) => Ok((first, second)),
        _ => Err(DropReason::Prober), // a probe's panic does not come so far
    }
}
