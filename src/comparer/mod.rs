//! One comparison's life: wait for the arrival, ask both probers, let both begin, judge.
//!
//! The probes are made by the targets' own probers, so limits, budgets, metrics and history hold
//! for them as for any other; a side that may not be asked drops the round before anything is sent.

mod begin;
mod fleet;
mod live;
mod round;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use begin::begin;
pub use fleet::{Fleet, Means, Remembered};
pub use live::{Live, UsedId};
use round::{Asked, LATE};

use crate::comparison::{DropReason, Next, Order, Source};
use crate::prober::commission::Desk;
use crate::skip::SkipReason;

/// Runs rounds until stopped.
pub struct Comparer {
    live: Arc<Live>,
    baseline: Desk,
    candidate: Desk,
    source: Source,
    rounds: JoinSet<()>,
    /// A round waits for the end of the one before, instead of being dropped.
    patient: bool,
    stop: CancellationToken,
}

impl Comparer {
    /// A comparer that brings its commissions to these desks.
    #[must_use]
    pub fn new(live: Arc<Live>, baseline: Desk, candidate: Desk, stop: CancellationToken) -> Self {
        // Fresh nonces: when a comparison begins anew because its candidate was replaced, only the
        // baseline would have the prompts of the same seed in its prefix cache.
        let source = Source::new(live.spec(), live.seed().wrapping_add(live.state().rounds()))
            .with_nonces(rand::random());
        let rounds = JoinSet::new();
        Self { live, baseline, candidate, source, rounds, patient: false, stop }
    }

    /// Makes one round at a time, the next one when it is over and the interval is, too.
    #[must_use]
    pub fn one_at_a_time(self) -> Self {
        Self { patient: true, ..self }
    }

    /// Runs until stopped; rounds under way are given up then, their probes are not.
    pub async fn run(mut self) {
        let spec = Arc::clone(self.live.spec());
        let name = &spec.name;
        let (seed, rounds) = (self.live.seed(), self.live.state().rounds());
        tracing::info!(comparison = %name, seed, rounds, "comparing");
        let mut next = self.source.next();
        let mut due = Instant::now() + next.as_ref().map_or(Duration::ZERO, |next| next.after);
        let stopped = self.stop.clone();
        loop {
            tokio::select! {
                biased;
                () = stopped.cancelled() => break,
                Some(ended) = self.rounds.join_next() => {
                    if ended.is_err_and(|e| e.is_panic()) {
                        tracing::error!(comparison = %name, "a round panicked");
                        self.live.dropped(DropReason::Prober);
                    }
                }
                () = tokio::time::sleep_until(due),
                    if next.is_some() && (!self.patient || self.rounds.is_empty()) =>
                {
                    if self.patient {
                        due = Instant::now();
                    }
                    if let Some(next) = next.take() {
                        self.arrival(next, due);
                    }
                    next = self.source.next();
                    due += next.as_ref().map_or(Duration::ZERO, |next| next.after);
                }
            }
        }
    }

    fn arrival(&mut self, next: Next, scheduled: Instant) {
        let spec = self.live.spec();
        let late = scheduled.elapsed() > spec.timing.interval().max(LATE);
        // Of stacks that share hardware, rounds may not overlap either.
        let most = match spec.order {
            Order::BackToBack => 1,
            Order::Simultaneous => spec.baseline.max_in_flight.min(spec.candidate.max_in_flight),
        };
        if late || self.rounds.len() >= most {
            let reason = if late { SkipReason::Late } else { SkipReason::InFlightLimit };
            self.live.dropped(DropReason::Skipped(reason));
            return;
        }
        let (live, begun_in) = (Arc::clone(&self.live), self.live.run());
        let baseline = Asked::new(&self.baseline, &next.draw, scheduled);
        let candidate = Asked::new(&self.candidate, &next.draw, scheduled);
        self.rounds.spawn(async move {
            match round::run(&live, &next, scheduled, baseline, candidate).await {
                Ok(round) => live.observe(&begun_in, &round),
                Err(reason) => live.dropped(reason),
            }
        });
    }
}
