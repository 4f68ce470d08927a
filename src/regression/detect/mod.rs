//! Whether latency or failures got worse, judged anew at every observation without crying wolf.
//!
//! Pure: no clock, no file, no randomness. The caller brings observations and the hour of the day,
//! and stores the state.
//!
//! A *bet* is a factor `L ≥ 0` whose mean given the past is at most 1 while nothing has changed.
//! From bets grow two things (Shin, Ramdas, Rinaldo, *E-detectors*, NEJSDS 2024):
//! - an **e-detector** `M ← L·(M + 1)`: an alarm at `M ≥ A` comes falsely at most once in `A`
//!   observations on average, however often one looks;
//! - an **e-process** `W ← L·W`: a verdict at `W ≥ 1/α` is ever wrong with probability at most α.
//!
//! No distribution is assumed, but that the mean holds *given the past*. Noise with a memory, such as
//! a queue that one side has for itself, breaks that for plain bets: so what a figure has said already
//! is taken off before it is bet on (`correlation`), by a share that is measured all the time, and what
//! one episode can earn a verdict is limited (`wealth`).
//!
//! Means of either kind are again of that kind, so each stream averages a few bets of different
//! courage instead of choosing one.
//!
//! | question | type |
//! |---|---|
//! | has the candidate got slower than the baseline? | [`PairDetector`] |
//! | may the candidate be promoted, by latency? | [`PairGate`] |
//! | has the candidate begun to fail, or to miss the SLO, more often? | [`MissDetector`] |
//! | may it be promoted, by failures or misses? | [`MissGate`] |
//! | has an endpoint got slower than its own past? | [`PastDetector`] |
//! | does it fail, or miss the SLO, more often than in its past? | [`ShareDetector`] |
//!
//! Detectors report an [`Alarm`] as [`Change`]; [`Threshold`] says how much evidence one needs.

mod alarm;
mod alpha;
mod bins;
mod correlation;
mod delay;
mod effect;
mod exact;
mod latency_alarm;
mod observed;
mod pairs;
mod past;
mod recent;
mod recovery;
mod repeats;
mod rise;
mod scale;
mod sketch;
mod threshold;
mod tolerance;
mod wealth;

pub use alarm::{Alarm, Change};
pub use alpha::Alpha;
pub use effect::{Effect, Estimate};
pub use observed::{Observed, Pair};
pub use pairs::{
    CountsFor, LongMisses, MissDetector, MissGate, Misses, PairDetector, PairGate, Verdict,
};
pub use past::{
    DayFit, HourOfDay, LatencyReference, LatencyReferenceBuilder, PastDetector,
    REFERENCE_OBSERVATIONS, ReferenceError, ShareDetector, ShareReference, ShareReferenceBuilder,
};
pub use threshold::{DEFAULT_PERIOD, Threshold};
pub use tolerance::Tolerance;

#[cfg(test)]
mod tests;
