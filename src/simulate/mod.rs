//! A server with a queue, a clock and faults, to rehearse alerts against and to
//! test a prober with.
//!
//! ```text
//! server ─► request ─► line (queue, background) ─► generation (script, pace, faults) ─► answer | whole
//!  HTTP      speak      wait for a slot             which token when                     speak
//! ```
//!
//! It speaks every dialect of the table in `speak`, all at the same time.
//!
//! - Deadlines are absolute instants on tokio's clock, so a paused clock gives exact figures: with
//!   `ttft` 200 ms, `itl` 10 ms and no jitter, the first content leaves 200 ms after the request
//!   was complete, and every further token 10 ms after the one before. On a running clock a token
//!   leaves a millisecond or two late, the resolution of the timer, and the lateness does not
//!   add up.
//! - Every token is a write of its own (unless a fault says otherwise), and the role chunk before
//!   the first one is, too.
//! - The same configuration, the same requests in the same order at the same instants: the same
//!   bytes at the same instants. Hence no `date` header, and `created` counts from a fixed origin.
//! - Waiting in line is bounded, and so are connections, bodies and answers. A client that goes
//!   away gives back its slot.
//! - No prompt is kept or logged; the prefix cache holds hashes.
//!
//! Deliberately absent: batching effects (more requests do not slow each other's tokens down, they
//! wait for a slot), TLS, authentication, tools, several choices.

mod answer;
mod args;
mod background;
mod config;
mod fault_file;
mod faults;
mod file;
mod generation;
mod line;
mod metrics_page;
mod pace;
mod prefix_cache;
mod queue;
mod reply;
mod request;
mod script;
mod server;
mod speak;
mod whole;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use args::{SimulateArgs, SimulateError, bind, run};
pub use config::{Load, Phase, SimulatorConfig, Source, Swing};
pub use faults::{Chance, Fault};
pub use file::parse;

use line::{Clock, Line};
use metrics_page::Totals;
use pace::Pace;
use parking_lot::{Mutex, MutexGuard};
use prefix_cache::PrefixCache;
use queue::Queue;
use script::Script;

/// A simulated server. Clones are the same server: one queue, one clock, one script.
#[derive(Debug, Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
}

/// What all requests of one server share.
#[derive(Debug)]
struct Shared {
    config: SimulatorConfig,
    clock: Clock,
    script: Script,
    pace: Pace,
    line: Arc<Line>,
    prefixes: Mutex<PrefixCache>,
    requests: AtomicU64,
    totals: Mutex<Totals>,
}

impl Simulator {
    /// A server whose script begins now.
    #[must_use]
    pub fn new(config: SimulatorConfig) -> Self {
        let clock = Clock::start();
        let shared = Shared {
            clock,
            script: Script::new(&config),
            pace: Pace::new(&config),
            line: Line::new(clock, Queue::new(&config)),
            prefixes: Mutex::default(),
            requests: AtomicU64::new(0),
            totals: Mutex::default(),
            config,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Requests for generation that were complete so far, whatever came of them.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn prefixes(&self) -> MutexGuard<'_, PrefixCache> {
        self.prefixes.lock()
    }

    fn totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock()
    }

    fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // tasks of a test end with its runtime
mod tests;
