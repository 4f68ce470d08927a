//! The simulated server as its users hold it, and what all its requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::config::SimulatorConfig;
use super::line::{Clock, Line};
use super::pace::Pace;
use super::prefix_cache::PrefixCache;
use super::queue::Queue;
use super::script::Script;
use super::speak::Finish;

/// A simulated server. Clones are the same server: one queue, one clock, one script.
#[derive(Debug, Clone)]
pub struct Simulator {
    pub(super) shared: Arc<Shared>,
}

impl Simulator {
    /// A server whose script begins now.
    #[must_use]
    pub fn new(config: SimulatorConfig) -> Self {
        Self { shared: Arc::new(Shared::new(config)) }
    }

    /// Requests for generation that were complete so far, whatever came of them.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

/// What all requests of one server share.
#[derive(Debug)]
pub(super) struct Shared {
    pub config: SimulatorConfig,
    pub clock: Clock,
    pub script: Script,
    pub pace: Pace,
    pub line: Arc<Line>,
    pub prefixes: Mutex<PrefixCache>,
    pub requests: AtomicU64,
    pub totals: Mutex<Totals>,
}

impl Shared {
    pub fn new(config: SimulatorConfig) -> Self {
        let clock = Clock::start();
        Self {
            clock,
            script: Script::new(&config),
            pace: Pace::new(&config),
            line: Line::new(clock, Queue::new(&config)),
            prefixes: Mutex::default(),
            requests: AtomicU64::new(0),
            totals: Mutex::default(),
            config,
        }
    }

    pub fn prefixes(&self) -> MutexGuard<'_, PrefixCache> {
        self.prefixes.lock()
    }

    pub fn totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock()
    }

    pub fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }
}

/// What was counted since the simulator's creation.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub finished_stop: u64,
    pub finished_length: u64,
    /// Of all requests that got a slot.
    pub prompt_tokens: u64,
    pub generated_tokens: u64,
    pub prefix_queries: u64,
    pub prefix_hits: u64,
    pub queue_time: Duration,
    pub prefill_time: Duration,
    /// Of the finished requests.
    pub finished_prompt_tokens: u64,
}

impl Totals {
    /// Adds a request whose answer is complete.
    pub fn finished(&mut self, how: Finish, input: u32, queue: Duration, prefill: Duration) {
        match how {
            Finish::Stop => self.finished_stop += 1,
            Finish::Length => self.finished_length += 1,
        }
        self.finished_prompt_tokens += u64::from(input);
        self.queue_time += queue;
        self.prefill_time += prefill;
    }
}
