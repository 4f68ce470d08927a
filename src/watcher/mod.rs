//! Keeps every target's past: brings finished probes to [`crate::regression::change`], and tells what it finds.

mod confirming;
mod fleet;
mod outages;
mod watch;

pub use fleet::Watchers;
pub use outages::{OutageWatch, OutageWatchers};
pub use watch::Watch;

use std::sync::Arc;
use std::time::SystemTime;

/// Reads the wall clock. Of the hour of the day and of how old a reference is, the monotonic one
/// knows nothing after a restart.
pub type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;
