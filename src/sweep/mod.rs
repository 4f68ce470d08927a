//! What a server gives as a function of its load: levels of concurrency or of arrival rate, one after
//! the other, and what is made of them. No clock, and nothing is sent here.
//!
//! ```text
//! Request ─► Tally ─┬─► Level ─► Report: knee, confidence, conditions
//!                   ├─► SequentialTest ─► Search: the knee with few requests
//!                   └─► SweepRun ─► SweepPast: what is usual, of a sweep that is made every night
//! ```
//! A level has a **window**: from the instant at which all users are active (and the warm-up was sent)
//! until the first of them has nothing more to ask. Latencies, errors and attainment are of the
//! requests that were sent within it, whenever they ended; rates are of what arrived within it.

mod adaptive;
mod condition;
mod confidence;
mod figure;
mod goodput;
mod invalid_reason;
mod knee;
mod level;
mod load;
mod report;
mod request;
mod scheduled;
mod statistics;
mod tally;
#[cfg(test)]
mod tests;
mod validity;

pub use adaptive::{DEFAULT_CANDIDATES, Judgement, Search, SequentialTest};
pub use condition::{Condition, ConditionError, Finding};
pub use confidence::{Interval, confidence};
pub use figure::{Figure, Latency, Single, Statistic, Unit};
pub use goodput::{GoodputError, slo as parse_goodput};
pub use invalid_reason::InvalidReason;
pub use knee::{DEFAULT_ATTAINMENT, Knee, SAFE_SHARE, knee};
pub use level::Level;
pub use load::Load;
pub use report::{Adaptive, LevelConfidence, Report, Run, Subject};
pub use request::{Instants, LATE_READ, Request, Speed};
pub use scheduled::{
    LevelCounts, Percentiles, REMEMBERED_RUNS, ScheduledSweep, Strain, SweepCounts, SweepLevel,
    SweepPast, SweepResult, SweepRun, Timetable,
};
pub use statistics::{Statistics, quantile};
pub use tally::{Judged, Tally};
