//! A candidate next to the stack in use.

mod bets;
mod detector;
mod gate;
mod long;
mod miss_detector;
mod miss_gate;
mod misses;

pub use detector::PairDetector;
pub use gate::{CountsFor, PairGate, Verdict};
pub use long::LongMisses;
pub use miss_detector::MissDetector;
pub use miss_gate::MissGate;
pub use misses::Misses;

#[cfg(test)]
pub(super) use bets::{PairBets, distance};
