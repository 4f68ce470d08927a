//! Whether a target may be asked now: the one place of its limits, whoever asks.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::answer::skip::SkipReason;
use crate::target::budget::{Charge, Ledger, Reserved, SharedBudget, hour_of};
use crate::target::hours::{ActiveHours, is_active};
use crate::target::{Budget, Price, Target};
use crate::transport::Answered;
use crate::watcher::WallClock;
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
#[derive(Debug, Clone)]
pub struct Limits {
    /// Probes that the server may work on.
    pub in_flight: usize,
    /// Of those the ones that wait for their first token; `None`: all of them may.
    pub in_prefill: Option<usize>,
    /// The interval of the schedule; `None` where nothing is scheduled, so that nothing is late.
    pub interval: Option<Duration>,
    /// When the target is probed at all; always, if there are none.
    pub active_hours: Vec<ActiveHours>,
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
            in_prefill: target.max_in_prefill,
            interval: Some(target.schedule.interval),
            active_hours: target.active_hours.clone(),
            budget: target.budget,
            price: target.price,
        }
    }

    /// Those of somebody who asks so many at a time and knows what it costs.
    #[must_use]
    pub fn only_in_flight(in_flight: usize) -> Self {
        let (active_hours, budget) = (Vec::new(), Budget::default());
        Self { in_flight, in_prefill: None, interval: None, active_hours, budget, price: None }
    }
}

/// What all targets share: their money, and the places for their probes.
#[derive(Debug, Default)]
pub struct InAll {
    /// What they may cost together.
    pub money: SharedBudget,
    places: Mutex<Places>,
    /// There is no memory for another probe.
    short_of_memory: AtomicBool,
}

#[derive(Debug, Default)]
struct Places {
    taken: usize,
    /// `None`: as many as the targets have.
    most: Option<usize>,
}

impl InAll {
    /// One that goes on from what was spent.
    #[must_use]
    pub fn new(spending: Ledger) -> Self {
        Self { money: SharedBudget::new(spending), ..Self::default() }
    }

    /// Puts other limits in force: of the money, and of the probes under way.
    pub fn set(&self, budget: Budget, max_in_flight: Option<usize>) {
        self.money.set(budget);
        self.places.lock().most = max_in_flight;
    }

    /// Says whether there is memory for another probe.
    pub fn set_short_of_memory(&self, short: bool) {
        self.short_of_memory.store(short, Ordering::Relaxed);
    }

    /// A place, unless all are taken, or there is no memory.
    fn take(self: &Arc<Self>) -> Result<Place, SkipReason> {
        if self.short_of_memory.load(Ordering::Relaxed) {
            return Err(SkipReason::Prober);
        }
        let mut places = self.places.lock();
        if places.most.is_some_and(|most| places.taken >= most) {
            return Err(SkipReason::InFlightLimit);
        }
        places.taken += 1;
        Ok(Place(Arc::clone(self)))
    }
}

/// A place among the probes of all targets, until it is dropped.
#[derive(Debug)]
struct Place(Arc<InAll>);

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.0.places.lock();
        places.taken = places.taken.saturating_sub(1);
    }
}

/// Output tokens that somebody's probes may cost together, whatever the hour: put aside and settled as
/// a budget is. A clone is the same.
#[derive(Debug, Clone)]
pub struct Allowance {
    spending: Ledger,
    budget: Budget,
    /// A probe was refused.
    used_up: Arc<AtomicBool>,
}

impl Allowance {
    /// So many.
    #[must_use]
    pub fn new(output_tokens: u64) -> Self {
        let budget = Budget { output_tokens_per_day: Some(output_tokens), ..Budget::default() };
        Self { spending: Ledger::default(), budget, used_up: Arc::default() }
    }

    /// Whether a probe was refused.
    #[must_use]
    pub fn is_used_up(&self) -> bool {
        self.used_up.load(Ordering::Relaxed)
    }

    fn reserve(&self, most: Charge) -> bool {
        // It is always the same day.
        let granted = self.spending.reserve(&self.budget, None, most, 0).is_granted();
        self.used_up.fetch_or(!granted, Ordering::Relaxed);
        granted
    }

    fn settle(&self, reserved: Charge, charge: Charge) {
        self.spending.settle(None, reserved, charge);
    }
}

/// Admits the probes of one target, for every driver that asks it.
pub struct Admission {
    target: String,
    limits: Limits,
    spending: Ledger,
    /// Of all targets.
    in_all: Arc<InAll>,
    /// Its probes take places among those of all targets.
    takes_places: bool,
    allowance: Option<Allowance>,
    clock: WallClock,
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
    /// The target's own, and that of all.
    spending: [Ledger; 2],
    allowance: Option<Allowance>,
    price: Option<Price>,
    settled: bool,
    _place: Option<Place>,
    _counted: TaskTrackerToken,
}

impl Admission {
    /// Admits within these limits, and goes on with what was spent today.
    #[must_use]
    pub fn new(limits: Limits, spending: Ledger) -> Self {
        let permits = TaskTracker::new();
        permits.close(); // who waits for its end waits for the permits alone
        let (target, in_all) = (String::new(), Arc::default());
        let clock: WallClock = Arc::new(SystemTime::now);
        let (takes_places, allowance, held) = (true, None, Arc::default());
        Self { target, limits, spending, in_all, takes_places, allowance, clock, held, permits }
    }

    /// The same for a target of this name, which has to do with what all share, too.
    #[must_use]
    pub fn within(self, target: &str, in_all: &Arc<InAll>) -> Self {
        Self { target: target.to_owned(), in_all: Arc::clone(in_all), ..self }
    }

    /// The same, which spends of what all share, and leaves them their places.
    #[must_use]
    pub fn beside(self, target: &str, in_all: &Arc<InAll>) -> Self {
        Self { takes_places: false, ..self.within(target, in_all) }
    }

    /// The same within an allowance.
    #[must_use]
    pub fn allowing(self, allowance: Allowance) -> Self {
        Self { allowance: Some(allowance), ..self }
    }

    /// The same by another wall clock.
    #[must_use]
    pub fn by(self, clock: WallClock) -> Self {
        Self { clock, ..self }
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
        let now = (self.clock)();
        if !is_active(&limits.active_hours, unix_seconds(now)) {
            return Err(SkipReason::OffHours);
        }
        let mut held = self.held.lock();
        if held.is_full(limits.in_flight) || held.is_reading(limits.in_prefill) {
            return Err(SkipReason::InFlightLimit);
        }
        let place = if self.takes_places { Some(self.in_all.take()?) } else { None };
        let reserved = self.reserve(draw, hour_of(now))?;
        let (number, answered) = (held.next, Answered::default());
        held.next += 1;
        held.places.insert(number, answered.clone());
        let (held, price) = (Arc::clone(&self.held), limits.price);
        let spending = [self.spending.clone(), self.in_all.money.spending.clone()];
        let counted = self.permits.token();
        Ok(Permit {
            answered,
            number,
            held,
            reserved,
            spending,
            allowance: self.allowance.clone(),
            price,
            settled: false,
            _place: place,
            _counted: counted,
        })
    }

    /// Puts aside what a probe may cost, of the allowance, of the target's budget and of that of all,
    /// or of none of them.
    fn reserve(&self, draw: &Draw, hour: u64) -> Result<Charge, SkipReason> {
        let (own, all) = (self.limits.budget, self.in_all.money.budget());
        let unlimited =
            own == Budget::default() && all == Budget::default() && self.allowance.is_none();
        let most = if unlimited { Charge::default() } else { Charge::most(draw) };
        let Some(allowance) = &self.allowance else { return self.reserve_money(most, hour) };
        if !allowance.reserve(most) {
            return Err(SkipReason::Budget);
        }
        let reserved = self.reserve_money(most, hour);
        reserved.inspect_err(|_| allowance.settle(most, Charge::default()))
    }

    fn reserve_money(&self, most: Charge, hour: u64) -> Result<Charge, SkipReason> {
        let (own, all) = (self.limits.budget, self.in_all.money.budget());
        let price = self.limits.price.as_ref();
        let reserved = self.spending.reserve(&own, price, most, hour);
        tell(reserved, &self.target);
        if !reserved.is_granted() {
            return Err(SkipReason::Budget);
        }
        let reserved = self.in_all.money.spending.reserve(&all, price, most, hour);
        tell(reserved, "");
        if !reserved.is_granted() {
            self.spending.settle(price, most, Charge::default());
            return Err(SkipReason::Budget);
        }
        Ok(most)
    }

    /// Resolves when nobody has a permit.
    pub async fn idle(&self) {
        self.permits.wait().await;
    }
}

/// Seconds since the Unix epoch.
fn unix_seconds(at: SystemTime) -> i64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Says once that a budget is spent, and once that there is money again. Without a target: of all.
fn tell(reserved: Reserved, target: &str) {
    match (reserved, target) {
        (Reserved::Yes | Reserved::Spent, _) => {}
        (Reserved::SpentNow, "") => {
            tracing::warn!(
                "the budget of all targets is spent: nothing is probed until the next hour \
                or day"
            );
        }
        (Reserved::Again, "") => tracing::info!("there is budget again, probing goes on"),
        (Reserved::SpentNow, target) => {
            tracing::warn!(%target, "the budget is spent: not probed until the next hour or day");
        }
        (Reserved::Again, target) => {
            tracing::info!(%target, "there is budget again, probing goes on");
        }
    }
}

impl Held {
    /// Whether the server reads so many prompts.
    fn is_reading(&self, in_prefill: Option<usize>) -> bool {
        let reading = || self.places.values().filter(|answered| !answered.has_begun()).count();
        in_prefill.is_some_and(|most| reading() >= most)
    }

    /// Whether the server works on so many probes.
    fn is_full(&self, in_flight: usize) -> bool {
        let at_work = || self.places.values().filter(|answered| !answered.get()).count();
        self.places.len() >= MOST_TAILS.saturating_mul(in_flight) || at_work() >= in_flight
    }
}

impl Permit {
    /// Says what the probe has cost. The place is free when this is dropped.
    pub fn settle(&mut self, charge: Charge) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        for ledger in &self.spending {
            ledger.settle(self.price.as_ref(), self.reserved, charge);
        }
        if let Some(allowance) = &self.allowance {
            allowance.settle(self.reserved, charge);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.settle(Charge::default());
        self.held.lock().places.remove(&self.number);
    }
}
