//! A target's own schedule: arrivals do not wait for answers, so that a slow server is not asked
//! less often.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::driver::Policy;
use super::prober::{Prober, Refusal};
use crate::target::schedule::Schedule;
use crate::watcher::OutageWatch;
use crate::workload::mix::Mix;

/// Probes at the arrivals of a schedule, one at the start, and those that settle a doubt.
pub struct OpenLoop {
    prober: Arc<Prober>,
    schedule: Schedule,
    mix: Mix,
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

/// What an arrival is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    First,
    Confirming,
    Scheduled,
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
        // Random numbers that take none from the schedule's.
        let mut apart = rng.clone();
        apart.set_stream(1);
        Self {
            schedule: target.schedule,
            mix: Mix::new(&target.workloads, seed),
            rng,
            confirming_mix: None,
            confirming_seed: seed.wrapping_add(2),
            outage,
            first: Some(now + first_within.mul_f64(apart.random::<f64>())),
            next,
            prober,
        }
    }

    /// The next arrival; of those at the same instant the one that is named first.
    fn next(&self) -> (Arrival, Instant) {
        let confirm = self.outage.as_ref().and_then(|outage| outage.confirm_at());
        let early = [(Arrival::First, self.first), (Arrival::Confirming, confirm)];
        let early = early.into_iter().filter_map(|(arrival, at)| Some((arrival, at?)));
        let scheduled = (Arrival::Scheduled, self.next);
        early.chain([scheduled]).min_by_key(|(_, at)| *at).unwrap_or(scheduled)
    }

    fn scheduled(&mut self, at: Instant) -> Option<BoxFuture<'static, ()>> {
        let draw = self.mix.draw()?;
        let permit = self.prober.admit(&draw, at).ok()?;
        Some(Arc::clone(&self.prober).probe(permit, draw, Some(at)).map(drop).boxed())
    }

    /// A confirming probe, within the same limits as any other.
    fn confirm(&mut self, at: Instant) -> Option<BoxFuture<'static, ()>> {
        let outage = self.outage.clone()?;
        let workloads = &self.prober.target().workloads;
        let workload = outage.take_confirming(workloads)?;
        let fresh = || Box::new(Mix::new(workloads, self.confirming_seed));
        let draw = self.confirming_mix.get_or_insert_with(fresh).draw_from(workload)?;
        match self.prober.admit_uncounted(&draw, at) {
            Ok(permit) => {
                outage.confirm();
                Some(Arc::clone(&self.prober).confirm(permit, draw, at).map(drop).boxed())
            }
            Err(Refusal::Skipped(reason)) => {
                tracing::debug!(target_name = %self.prober.target().name, %reason, "not confirmed");
                outage.not_confirmed(reason);
                None
            }
            Err(Refusal::Stopped) => None,
        }
    }
}

impl Policy for OpenLoop {
    type Output = ();

    fn due(&self, _: usize) -> Option<Instant> {
        Some(self.next().1)
    }

    fn begin(&mut self, due: Instant, _: usize) -> Option<BoxFuture<'static, ()>> {
        let (arrival, at) = self.next();
        if at > due {
            return None; // the doubt has gone meanwhile
        }
        match arrival {
            Arrival::First => {
                self.first = None;
                self.scheduled(at)
            }
            Arrival::Confirming => self.confirm(at),
            Arrival::Scheduled => {
                let begun = self.scheduled(at);
                self.next += self.schedule.gap(&mut self.rng);
                begun
            }
        }
    }

    fn ended(&mut self, _: Option<()>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    async fn replanned(&self) {
        match &self.outage {
            Some(outage) => outage.replanned().await,
            None => std::future::pending().await,
        }
    }
}
