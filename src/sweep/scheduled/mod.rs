//! Sweeps that are made again and again: what each is, when it is due, when it is broken off, and
//! what its runs come to. No clock, and nothing is sent here.

mod counts;
mod past;
mod result;
mod run;
mod spec;
mod strain;
mod timetable;

pub use counts::{LevelCounts, SweepCounts};
pub use past::{REMEMBERED_RUNS, SweepPast};
pub use result::SweepResult;
pub use run::{Percentiles, SweepLevel, SweepRun};
pub use spec::ScheduledSweep;
pub use strain::Strain;
pub use timetable::Timetable;
