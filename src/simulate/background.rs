//! The other users: when their requests come and how long each holds a slot.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::Exp1;

use super::config::{Load, SimulatorConfig, Source};
use super::pace::Pace;
use super::script::{Conditions, highest_load_factor};

/// One user of [`Source::Users`]; for [`Source::Rate`] always 0.
pub(super) type User = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// The user asks.
    Arrive(User),
    /// The user's answer is complete and its slot free.
    Finish(User),
}

/// A heap of at most one event per user (or, with a rate, one arrival and one per busy slot).
#[derive(Debug)]
pub(super) struct Background {
    load: Load,
    peak: f64,
    pace: Pace,
    rng: ChaCha8Rng,
    /// The number in the middle keeps events of one instant in the order they were planned.
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    planned: u64,
}

impl Background {
    pub fn new(load: &Load, config: &SimulatorConfig) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        // Requests draw from streams counted up from 0.
        rng.set_stream(u64::MAX);
        let mut background = Self {
            load: load.clone(),
            peak: highest_load_factor(&config.script, load.swing),
            pace: Pace::new(config),
            rng,
            events: BinaryHeap::new(),
            planned: 0,
        };
        background.restart(Duration::ZERO);
        background
    }

    /// Forgets everyone and begins anew at `at`.
    pub fn restart(&mut self, at: Duration) {
        self.events.clear();
        for user in 0..self.most_users() {
            self.plan_arrival(at, user);
        }
    }

    pub fn next_event(&self) -> Option<Duration> {
        self.events.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes the next event if it is due at `at`.
    pub fn pop(&mut self, at: Duration) -> Option<Event> {
        self.next_event().filter(|due| *due <= at)?;
        self.events.pop().map(|Reverse((.., event))| event)
    }

    /// Whether an arrival at this instant is one: the source is drawn for its highest load, and
    /// thinned out to what holds now.
    pub fn comes(&mut self, user: User, now: Conditions) -> bool {
        match self.load.source {
            Source::Users { count, .. } => {
                f64::from(user) < (f64::from(count) * now.load_factor).round()
            }
            Source::Rate(_) => self.rng.random::<f64>() * self.peak < now.load_factor,
        }
    }

    /// Plans when the user asks next: after an answer, or after being turned away.
    pub fn plan_arrival(&mut self, at: Duration, user: User) {
        let mean = match self.load.source {
            Source::Users { think_time, .. } => think_time.as_secs_f64(),
            Source::Rate(rate) => (rate * self.peak).recip(),
        };
        let wait = self.rng.sample::<f64, _>(Exp1) * mean;
        self.plan(at + Duration::from_secs_f64(wait), Event::Arrive(user));
    }

    /// A request of the user has got a slot: plans when it gives it back.
    pub fn plan_finish(&mut self, at: Duration, user: User, now: Conditions) {
        let prefill = self.pace.prefill(self.load.input_tokens, now, &mut self.rng);
        let gap = self.pace.gap(now, &mut self.rng);
        let decode = gap.saturating_mul(self.load.output_tokens.saturating_sub(1));
        self.plan(at.saturating_add(prefill).saturating_add(decode), Event::Finish(user));
    }

    /// Whether a user comes back only after the answer.
    pub fn waits_for_answers(&self) -> bool {
        matches!(self.load.source, Source::Users { .. })
    }

    fn plan(&mut self, at: Duration, event: Event) {
        self.events.push(Reverse((at, self.planned, event)));
        self.planned += 1;
    }

    fn most_users(&self) -> u32 {
        match self.load.source {
            Source::Rate(_) => 1,
            // The configuration bounds the product far below 2³².
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Source::Users { count, .. } => (f64::from(count) * self.peak).round() as u32,
        }
    }
}

#[cfg(test)]
impl Background {
    /// Events planned since the simulator was made.
    pub fn planned(&self) -> u64 {
        self.planned
    }
}
