//! A candidate beside the stack in use: the same prompt to both, judged round by round.
//!
//! Pure: a [`Round`] comes in, the [`Judge`] holds per workload and [`Signal`] an alarm for the
//! long run ([`PairDetector`](super::detect::PairDetector),
//! [`MissDetector`](super::detect::MissDetector)) and a promotion gate, and a [`Snapshot`] of it all
//! goes out, with the one verdict ([`Standing`]). `load::comparer` brings the rounds.
//!
//! The verdict on the whole, within a [`Run`]:
//!
//! | verdict | from | until |
//! |---|---|---|
//! | *regressed* | one signal's evidence for it, wrong with probability α | the end of the run |
//! | *changed* | an alarm goes on | all alarms are off |
//! | *not worse* | every signal's evidence for it (of several workloads: of all their pairs together, and of each that no latency is a quarter longer), all from pairs since the last alarm, at least [`ANSWERED_PAIRS`] of each workload answered by both, neither side half dead | an alarm goes on |
//! | *undecided* | else | |

mod answers;
mod dropped;
mod event;
mod fingerprint;
mod gate;
mod judge;
mod latency;
mod misses;
mod parts;
mod round;
mod run;
mod signal;
mod snapshot;
mod source;
mod spec;
mod standing;
mod timing;
mod together;
mod workload;

pub use answers::{Answer, AnswerCheck, AnswerCounts, Answers};
pub use dropped::DropReason;
pub use event::{ALL_WORKLOADS, Event, What};
pub use gate::{ANSWERED_PAIRS, Needed};
pub use judge::Judge;
pub use round::{Round, Side, SideFailure};
pub use run::{Cause, NoRunId, Run, RunId};
pub use signal::Signal;
pub use snapshot::{
    Discordant, GateSnapshot, PooledSnapshot, Snapshot, StreamSnapshot, TogetherSnapshot,
    WorkloadSnapshot,
};
pub use source::{Next, Source};
pub use spec::{AnswerRules, Comparison, Order};
pub use standing::{SideName, Standing, Waits};
pub use timing::Timing;

#[cfg(test)]
mod standing_tests;
#[cfg(test)]
mod tests;
