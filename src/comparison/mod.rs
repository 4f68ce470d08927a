//! A candidate beside the stack in use: the same prompt to both, judged round by round.
//!
//! Pure: a [`Round`] comes in, the [`Judge`] holds per workload and [`Signal`] an alarm for the
//! long run ([`crate::detect::PairDetector`], [`crate::detect::MissDetector`]) and a promotion gate
//! with both verdicts, and a [`Snapshot`] of it all goes out. `crate::comparer` brings the rounds.

mod answers;
mod dropped;
mod fingerprint;
mod gate;
mod judge;
mod latency;
mod misses;
mod round;
mod signal;
mod snapshot;
mod source;
mod spec;
mod timing;
mod together;
mod workload;

pub use answers::{Answer, AnswerCheck, AnswerCounts, Answers};
pub use dropped::DropReason;
pub use gate::Needed;
pub use judge::{ALL_WORKLOADS, Event, Judge, What};
pub use round::{Round, Side};
pub use signal::Signal;
pub use snapshot::{
    Discordant, GateSnapshot, Snapshot, StreamSnapshot, TogetherSnapshot, WorkloadSnapshot,
};
pub use source::{Next, Source};
pub use spec::{AnswerRules, Comparison, Order};
pub use timing::Timing;

#[cfg(test)]
mod tests;
