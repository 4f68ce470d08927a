//! When a target is asked, by whom, and how often at a time.
//!
//! ```text
//! OpenLoop   ┐                                    ┌─► Admission: in flight, budget, lateness
//! ClosedLoop ├─► Driver, one loop ─► Prober, one ─┼─► Probing: the probe itself
//! Pairs      │   of them each        per target   └─► TargetSinks: who is told
//! Users, Arrivals (a level of a sweep) ┘
//! ```
//! A [`Policy`] says when the next probe is due and what it is; the [`Driver`] waits and keeps track.
//! Whoever asks a target does so through its one [`Prober`], so that limits, budget, lateness and
//! skips are the same for all: a comparison takes a place of each of its targets, and counts there
//! like their own probes.

mod admission;
mod cache_check;
mod closed_loop;
pub mod comparer;
mod conversation;
mod driver;
pub mod level;
mod open_loop;
mod pairs;
mod prober;
mod sweeping;
pub mod sweeps;
#[cfg(test)]
mod tests;

pub use admission::{Admission, Allowance, InAll, Limits, Permit, is_late};
pub use cache_check::CacheFinding;
pub use closed_loop::ClosedLoop;
pub use driver::{Driver, Policy};
pub use open_loop::OpenLoop;
pub use pairs::{Pair, PairBegun, PairDone, Pairs};
pub use prober::{Prober, Refusal, Stop};
pub use sweeping::{Servers, Sweeping, Turn, server_of};
