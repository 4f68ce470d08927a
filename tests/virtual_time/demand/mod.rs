//! Load that looks like production: users who stop reading or ask again, servers that go cold, hours
//! of the week, recorded arrivals, and what all of it may cost.

mod arrivals;
mod behaviour;
mod budgets;
mod occasions;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use llm_prober::daemon::{Daemon, Memory};
use llm_prober::metrics::{Metrics, MetricsOptions};
use llm_prober::watcher::WallClock;
use tokio::time::Instant;

use crate::common::config;
use crate::common::simulated::{Dialers, dial};

/// A wall clock that goes with the paused one, from this moment on (seconds since the Unix epoch).
fn clock(from: u64) -> WallClock {
    let began = Instant::now();
    Arc::new(move || UNIX_EPOCH + Duration::from_secs(from) + began.elapsed())
}

/// A daemon by a wall clock of its own.
fn start_at(from: u64, yaml: &str, dialers: Dialers) -> Arc<Daemon> {
    let metrics = Metrics::new(MetricsOptions::default());
    let (clock, memory) = (clock(from), Memory::default());
    Daemon::start_with(clock, memory, config(yaml), None, metrics, dial(dialers)).unwrap()
}
