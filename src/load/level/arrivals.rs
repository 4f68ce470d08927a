//! Requests that come whether or not earlier ones were answered: an open loop.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::run::{Asked, Draws, LevelPlan, LevelRun, Until};
use crate::answer::skip::SkipReason;
use crate::load::{Policy, Prober, Refusal};
use crate::sweep::InvalidReason;
use crate::target::schedule::Schedule;

/// A stream of random numbers apart from the draws'.
const ARRIVALS: u64 = 2;

/// Arrivals at a rate that rises evenly while the ramp lasts.
pub struct Arrivals {
    run: Arc<LevelRun>,
    prober: Arc<Prober>,
    plan: LevelPlan,
    draws: Draws,
    rate: f64,
    /// Gaps of one second on average.
    gaps: Schedule,
    rng: ChaCha8Rng,
    /// How many arrivals there were to be until the next one, on average.
    expected: f64,
    next: Instant,
    arrived: u64,
    counted: u64,
    opened: Option<Instant>,
    stopped: bool,
}

impl Arrivals {
    /// The arrivals of a level, `rate` a second.
    #[must_use]
    pub fn new(
        run: Arc<LevelRun>,
        prober: Arc<Prober>,
        (plan, rate): (LevelPlan, f64),
        draws: Draws,
    ) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
        rng.set_stream(ARRIVALS);
        let gaps = Schedule { interval: Duration::from_secs(1), arrival: plan.arrival };
        let expected = gaps.first_gap(&mut rng).as_secs_f64();
        let (arrived, counted, opened, stopped) = (0, 0, None, false);
        let next = run.began();
        let mut arrivals = Self {
            run,
            prober,
            plan,
            draws,
            rate,
            gaps,
            rng,
            expected,
            next,
            arrived,
            counted,
            opened,
            stopped,
        };
        arrivals.next = arrivals.at(expected);
        arrivals
    }

    /// When so many arrivals are expected to have come: the rate rises evenly, and then stays.
    fn at(&self, expected: f64) -> Instant {
        let ramp = self.plan.ramp.as_secs_f64();
        let by_then = self.rate * ramp / 2.0;
        let seconds = if expected < by_then {
            (2.0 * ramp * expected / self.rate).sqrt()
        } else {
            ramp + (expected - by_then) / self.rate
        };
        self.run.began() + Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }

    fn is_done(&self) -> bool {
        self.stopped || self.plan.until.reached(self.counted, self.opened, self.next)
    }

    /// When the window ends, once that is known.
    fn end(&self) -> Option<Instant> {
        match (self.plan.until, self.opened) {
            (Until::Duration(duration), Some(opened)) => Some(opened + duration),
            _ => self.is_done().then_some(self.next),
        }
    }
}

impl Policy for Arrivals {
    type Output = Asked;

    fn due(&self, _: usize) -> Option<Instant> {
        (!self.is_done()).then_some(self.next)
    }

    fn begin(&mut self, due: Instant, _: usize) -> Option<BoxFuture<'static, Asked>> {
        let Some(draw) = self.draws.next().filter(|_| !self.is_done()) else {
            self.stopped = true;
            return None;
        };
        self.expected += self.gaps.gap(&mut self.rng).as_secs_f64();
        self.next = self.at(self.expected);
        let in_full = due >= self.run.began() + self.plan.ramp;
        if self.opened.is_none() && in_full && self.arrived >= self.plan.warmup {
            self.opened = Some(due);
            let at = self.run.since(due);
            self.run.tally(|tally| tally.open(at));
        }
        self.arrived += 1;
        self.counted += u64::from(self.opened.is_some());
        let begun = match self.prober.admit_uncounted(&draw, due) {
            Ok(permit) => Some(self.run.ask(&self.prober, (permit, draw), due)),
            Err(Refusal::Skipped(reason)) => {
                self.run.tally(|tally| tally.not_sent(reason));
                if reason == SkipReason::Budget {
                    self.run.stop(InvalidReason::Budget);
                    self.stopped = true;
                }
                None
            }
            Err(Refusal::Stopped) => {
                self.stopped = true;
                None
            }
        };
        if let Some(end) = self.end() {
            let at = self.run.since(end);
            self.run.tally(|tally| tally.end(at));
        }
        begun
    }

    fn ended(&mut self, asked: Option<Asked>) -> ControlFlow<()> {
        if let Some(asked) = asked {
            self.run.over(&asked);
        }
        ControlFlow::Continue(())
    }
}
