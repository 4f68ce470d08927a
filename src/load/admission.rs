//! Whether a target may be asked now: the one place of its limits, whoever asks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::answer::skip::SkipReason;
use crate::target::budget::{Charge, Ledger};
use crate::target::{Budget, Price, Target};
use crate::transport::Answered;
use crate::workload::mix::Draw;

/// An arrival that is noticed later than this (and later than one interval) says nothing about
/// the server any more: the prober itself was stopped or starved.
const LATE: Duration = Duration::from_secs(1);

/// So many times the probes that may be under way, those included whose answer has ended.
const MOST_TAILS: usize = 4;

/// Whether an arrival of a schedule with this interval comes too late to mean anything.
#[must_use]
pub fn is_late(scheduled: Instant, interval: Duration) -> bool {
    scheduled.elapsed() > interval.max(LATE)
}

/// What may be under way at one target, and what it may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Probes that the server may work on.
    pub in_flight: usize,
    /// The interval of the schedule; `None` where nothing is scheduled, so that nothing is late.
    pub interval: Option<Duration>,
    /// The budget.
    pub budget: Budget,
    /// What tokens cost.
    pub price: Option<Price>,
}

impl Limits {
    /// Those of the target itself.
    #[must_use]
    pub fn of(target: &Target) -> Self {
        Self {
            in_flight: target.max_in_flight,
            interval: Some(target.schedule.interval),
            budget: target.budget,
            price: target.price,
        }
    }

    /// Those of somebody who asks so many at a time and knows what it costs.
    #[must_use]
    pub fn only_in_flight(in_flight: usize) -> Self {
        Self { in_flight, interval: None, budget: Budget::default(), price: None }
    }
}

/// Admits the probes of one target, for every driver that asks it.
pub struct Admission {
    limits: Limits,
    spending: Ledger,
    held: Arc<Mutex<Held>>,
    permits: TaskTracker,
}

/// The places that are taken.
#[derive(Debug, Default)]
struct Held {
    next: u64,
    /// Whether the server has done its work, for each.
    places: HashMap<u64, Answered>,
}

/// A place among the probes under way, and what the probe may cost. Without [`Permit::settle`] it
/// has cost nothing.
#[derive(Debug)]
pub struct Permit {
    /// Set when the server has done its work: who only waits for what may follow an answer holds no
    /// place, but those have a limit, too.
    pub answered: Answered,
    number: u64,
    held: Arc<Mutex<Held>>,
    reserved: Charge,
    spending: Ledger,
    price: Option<Price>,
    _counted: TaskTrackerToken,
}

impl Admission {
    /// Admits within these limits, and goes on with what was spent today.
    #[must_use]
    pub fn new(limits: Limits, spending: Ledger) -> Self {
        let permits = TaskTracker::new();
        permits.close(); // who waits for its end waits for the permits alone
        Self { limits, spending, held: Arc::default(), permits }
    }

    /// A place for what was drawn, or why there is none.
    ///
    /// # Errors
    /// The reason for which it is to be skipped.
    pub fn admit(&self, draw: &Draw, scheduled: Instant) -> Result<Permit, SkipReason> {
        let limits = &self.limits;
        if limits.interval.is_some_and(|interval| is_late(scheduled, interval)) {
            return Err(SkipReason::Late);
        }
        let mut held = self.held.lock();
        if held.is_full(limits.in_flight) {
            return Err(SkipReason::InFlightLimit);
        }
        let (budget, price) = (limits.budget, limits.price);
        let unlimited = budget == Budget::default();
        let reserved = if unlimited { Charge::default() } else { Charge::most(draw) };
        if !self.spending.reserve(&budget, price.as_ref(), reserved, today()) {
            return Err(SkipReason::Budget);
        }
        let (number, answered) = (held.next, Answered::default());
        held.next += 1;
        held.places.insert(number, answered.clone());
        let (held, spending) = (Arc::clone(&self.held), self.spending.clone());
        let counted = self.permits.token();
        Ok(Permit { answered, number, held, reserved, spending, price, _counted: counted })
    }

    /// Resolves when nobody has a permit.
    pub async fn idle(&self) {
        self.permits.wait().await;
    }
}

impl Held {
    /// Whether the server works on so many probes.
    fn is_full(&self, in_flight: usize) -> bool {
        let at_work = || self.places.values().filter(|answered| !answered.get()).count();
        self.places.len() >= MOST_TAILS.saturating_mul(in_flight) || at_work() >= in_flight
    }
}

impl Permit {
    /// Says what the probe has cost. The place is free when this is dropped.
    pub fn settle(&mut self, charge: Charge) {
        self.spending.settle(self.price.as_ref(), std::mem::take(&mut self.reserved), charge);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.settle(Charge::default());
        self.held.lock().places.remove(&self.number);
    }
}

/// Days since the Unix epoch, UTC.
fn today() -> u64 {
    const DAY: u64 = 86_400;
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs() / DAY)
}
