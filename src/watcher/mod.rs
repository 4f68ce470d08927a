//! Keeps every target's past: brings finished probes to [`change`](crate::regression::change), and
//! tells what it finds.

mod confirming;
mod fleet;
mod outages;
mod watch;

pub use fleet::Watchers;
pub use outages::{OutageWatch, OutageWatchers};
pub use watch::{WallClock, Watch};
