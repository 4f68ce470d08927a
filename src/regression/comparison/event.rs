//! What a comparison has to tell.

use super::signal::Signal;
use crate::regression::detect::{Change, Verdict};

/// Stands for the name of a workload where all are meant: no workload has it.
pub const ALL_WORKLOADS: &str = "";

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Of which workload, or [`ALL_WORKLOADS`].
    pub workload: String,
    /// Of which signal.
    pub signal: Signal,
    /// What happened.
    pub what: What,
}

/// What happened to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Its alarm.
    Alarm(Change),
    /// Its part in the verdict is another one.
    Part(Verdict),
}
