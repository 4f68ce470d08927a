//! Decode slots and the line in front of them: first come, first served.
//!
//! A value without a clock: callers say what time it is, counted from the simulator's creation,
//! and everything that happened since the last call is worked through in order. So background
//! users cost nothing while nobody looks.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::oneshot;

use super::background::{Background, Event, User};
use super::config::SimulatorConfig;
use super::script::Script;

/// Background traffic further back than this no longer matters, so it is not worked through.
const MEMORY: Duration = Duration::from_secs(300);

/// Names a request in line or in a slot.
pub(super) type TicketId = u64;

#[derive(Debug)]
enum Waiting {
    Request(TicketId, oneshot::Sender<Duration>),
    Background(User),
}

/// Slots and line at one instant, background users included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occupancy {
    pub running: u32,
    pub waiting: usize,
    pub slots: u32,
    /// Background requests that were answered; of them only their number counts.
    pub background_finished: u64,
}

#[derive(Debug)]
pub(super) struct Queue {
    script: Script,
    bound: usize,
    clock: Duration,
    running_requests: u32,
    running_background: u32,
    background_finished: u64,
    waiting: VecDeque<Waiting>,
    background: Option<Background>,
    next_ticket: TicketId,
}

impl Queue {
    pub fn new(config: &SimulatorConfig) -> Self {
        Self {
            script: Script::new(config),
            bound: usize::try_from(config.queue).unwrap_or(usize::MAX),
            clock: Duration::ZERO,
            running_requests: 0,
            running_background: 0,
            background_finished: 0,
            waiting: VecDeque::new(),
            background: config.load.as_ref().map(|load| Background::new(load, config)),
            next_ticket: 0,
        }
    }

    /// Joins the line; the receiver gets the instant at which a slot was granted.
    /// `None` if the line is full.
    pub fn enter(&mut self, now: Duration) -> Option<(TicketId, oneshot::Receiver<Duration>)> {
        self.advance(now);
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let (sender, receiver) = oneshot::channel();
        self.admit(Waiting::Request(ticket, sender)).then_some((ticket, receiver))
    }

    /// Gives back the slot, or leaves the line.
    pub fn leave(&mut self, ticket: TicketId, now: Duration) {
        self.advance(now);
        let in_line =
            self.waiting.iter().position(|w| matches!(w, Waiting::Request(t, _) if *t == ticket));
        match in_line {
            Some(place) => drop(self.waiting.remove(place)),
            None => self.running_requests = self.running_requests.saturating_sub(1),
        }
        self.grant();
    }

    /// How full it is.
    pub fn occupancy(&mut self, now: Duration) -> Occupancy {
        self.advance(now);
        Occupancy {
            running: self.running_requests + self.running_background,
            waiting: self.waiting.len(),
            slots: self.script.at(self.clock).slots,
            background_finished: self.background_finished,
        }
    }

    /// Works through everything up to `now`.
    pub fn advance(&mut self, now: Duration) {
        self.forget_the_distant_past(now);
        while let Some(at) = self.next_change().filter(|at| *at <= now) {
            self.clock = self.clock.max(at);
            self.next_of_background();
            self.grant();
        }
        self.clock = self.clock.max(now);
    }

    /// When something may change without a call of `enter` or `leave`.
    pub fn next_change(&self) -> Option<Duration> {
        let background = self.background.as_ref().and_then(Background::next_event);
        // The script matters to those in line only: it may open more slots.
        let script =
            if self.waiting.is_empty() { None } else { self.script.next_change(self.clock) };
        background.into_iter().chain(script).min()
    }

    fn admit(&mut self, newcomer: Waiting) -> bool {
        self.waiting.push_back(newcomer);
        self.grant();
        let fits = self.waiting.len() <= self.bound;
        if !fits {
            // Those before it were in line already, so the last one is the newcomer.
            self.waiting.pop_back();
        }
        fits
    }

    fn grant(&mut self) {
        let now = self.script.at(self.clock);
        while self.running_requests + self.running_background < now.slots {
            match self.waiting.pop_front() {
                None => return,
                Some(Waiting::Request(_, granted)) => {
                    // A receiver that is gone has left already, and has no slot to give back.
                    self.running_requests += u32::from(granted.send(self.clock).is_ok());
                }
                Some(Waiting::Background(user)) => {
                    self.running_background += 1;
                    if let Some(background) = &mut self.background {
                        background.plan_finish(self.clock, user, now);
                    }
                }
            }
        }
    }

    fn next_of_background(&mut self) {
        let now = self.script.at(self.clock);
        let Some(background) = &mut self.background else { return };
        match background.pop(self.clock) {
            None => {}
            Some(Event::Finish(user)) => {
                self.running_background -= 1;
                self.background_finished += 1;
                if background.waits_for_answers() {
                    background.plan_arrival(self.clock, user);
                }
            }
            Some(Event::Arrive(user)) => {
                let waits = background.waits_for_answers();
                let comes = background.comes(user, now);
                if !waits {
                    background.plan_arrival(self.clock, user);
                }
                let admitted = comes && self.admit(Waiting::Background(user));
                if waits && !admitted {
                    self.plan_another_try(user);
                }
            }
        }
    }

    fn plan_another_try(&mut self, user: User) {
        if let Some(background) = &mut self.background {
            background.plan_arrival(self.clock, user);
        }
    }

    fn forget_the_distant_past(&mut self, now: Duration) {
        let Some(background) = &mut self.background else { return };
        let horizon = now.saturating_sub(MEMORY);
        if self.clock >= horizon {
            return;
        }
        self.clock = horizon;
        background.restart(horizon);
        self.running_background = 0;
        self.waiting.retain(|w| matches!(w, Waiting::Request(..)));
        self.grant();
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
