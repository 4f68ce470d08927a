//! So many users, each of whom asks again when answered: a closed loop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::run::{Asked, Draws, LevelPlan, LevelRun, Over};
use crate::answer::skip::SkipReason;
use crate::load::{Policy, Prober, Refusal};
use crate::sweep::{InvalidReason, Tally};

/// A user whose request failed asks again after this: who is refused at once would else ask again
/// and again at once, and the share of good requests would say how fast a server refuses.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Users who come one after the other while the ramp lasts, and ask until there was enough.
pub struct Users<D> {
    run: Arc<LevelRun>,
    prober: Arc<Prober>,
    plan: LevelPlan,
    draws: Draws,
    /// So many have come.
    active: u32,
    /// Those of them who wait for nothing, and since when.
    free: BinaryHeap<Reverse<Instant>>,
    sent: u64,
    counted: u64,
    opened: Option<Instant>,
    stopped: bool,
    decide: D,
}

impl<D: FnMut(&Tally) -> ControlFlow<()>> Users<D> {
    /// The users of a level; `decide` looks at the tally after each request, and a break ends the
    /// asking.
    #[must_use]
    pub fn new(
        run: Arc<LevelRun>,
        prober: Arc<Prober>,
        plan: LevelPlan,
        draws: Draws,
        decide: D,
    ) -> Self {
        let (active, sent, counted, opened, stopped) = (0, 0, 0, None, false);
        let free = BinaryHeap::new();
        Self { run, prober, plan, draws, active, free, sent, counted, opened, stopped, decide }
    }

    fn users(&self) -> u32 {
        self.plan.load.concurrency()
    }

    /// When the user of this number comes.
    fn joins(&self, user: u32) -> Instant {
        let last = self.users().saturating_sub(1).max(1);
        self.run.began() + self.plan.ramp.mul_f64(f64::from(user) / f64::from(last))
    }

    /// The user who is to ask next: since when, and whether it is a new one.
    fn next(&self) -> Option<(Instant, bool)> {
        let new = (self.active < self.users()).then(|| (self.joins(self.active), true));
        let free = self.free.peek().map(|Reverse(since)| (*since, false));
        new.into_iter().chain(free).min()
    }

    fn is_done(&self, now: Instant) -> bool {
        self.stopped || self.plan.until.reached(self.counted, self.opened, now)
    }

    fn stop(&mut self) {
        self.stopped = true;
    }

    /// The first user has stopped.
    fn close(&self, at: Instant) {
        let at = self.run.since(at);
        self.run.tally(|tally| tally.end(at));
    }
}

impl<D: FnMut(&Tally) -> ControlFlow<()>> Policy for Users<D> {
    type Output = Asked;

    fn due(&self, _: usize) -> Option<Instant> {
        let (at, _) = self.next().filter(|_| !self.is_done(Instant::now()))?;
        Some(at)
    }

    fn begin(&mut self, due: Instant, _: usize) -> Option<BoxFuture<'static, Asked>> {
        let now = Instant::now();
        let (_, is_new) = self.next().filter(|_| !self.is_done(now))?;
        let Some(draw) = self.draws.next() else {
            self.stop();
            return None;
        };
        let permit = match self.prober.admit_uncounted(&draw, due) {
            Ok(permit) => permit,
            Err(refusal) => {
                match refusal {
                    Refusal::Skipped(SkipReason::Budget) => self.run.stop(InvalidReason::Budget),
                    // There is a place for each user.
                    Refusal::Skipped(_) => self.run.stop(InvalidReason::Internal),
                    Refusal::Stopped => {}
                }
                self.stop();
                return None;
            }
        };
        if is_new {
            self.active += 1;
        } else {
            self.free.pop();
        }
        let all_active = now >= self.joins(self.users().saturating_sub(1));
        if self.opened.is_none() && all_active && self.sent >= self.plan.warmup {
            // Those who come at the same instant as the last one do not make it later.
            self.opened = Some(due.max(self.joins(self.users().saturating_sub(1))));
            let at = self.opened.map(|at| self.run.since(at)).unwrap_or_default();
            self.run.tally(|tally| tally.open(at));
        }
        self.sent += 1;
        self.counted += u64::from(self.opened.is_some());
        if self.is_done(now) && !self.free.is_empty() {
            // The others have nothing more to ask.
            self.close(now);
        }
        Some(self.run.ask(&self.prober, (permit, draw), due))
    }

    fn ended(&mut self, asked: Option<Asked>) -> ControlFlow<()> {
        // A panic that came so far took its request along.
        let over = asked.as_ref().map(|asked| self.run.over(asked));
        let free = match over {
            Some(Over { at, succeeded: true }) => at,
            Some(Over { at, succeeded: false }) => at + AFTER_FAILURE,
            None => Instant::now() + AFTER_FAILURE,
        };
        self.free.push(Reverse(free));
        if !self.stopped && self.run.tally(|tally| (self.decide)(&*tally)).is_break() {
            self.stop();
        }
        if self.is_done(Instant::now()) {
            self.close(over.map_or_else(Instant::now, |over| over.at));
        }
        ControlFlow::Continue(())
    }
}
