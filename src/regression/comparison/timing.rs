//! When the rounds of a comparison come.

use std::time::Duration;

use crate::target::schedule::Schedule;
use crate::workload::Workload;
use crate::workload::replay::Replay;

/// When rounds come, and of which workload.
#[derive(Debug, Clone, PartialEq)]
pub enum Timing {
    /// By chance, each of a workload drawn by weight.
    Drawn(Schedule),
    /// When users asked, with what they asked.
    Recorded(Replay),
}

impl From<Schedule> for Timing {
    fn from(schedule: Schedule) -> Self {
        Self::Drawn(schedule)
    }
}

impl Timing {
    /// Mean time between two rounds.
    #[must_use]
    pub fn interval(&self) -> Duration {
        match self {
            Self::Drawn(schedule) => schedule.interval,
            Self::Recorded(replay) => replay.interval(),
        }
    }

    /// How often this workload comes, relative to the others.
    pub(super) fn weight(&self, workload: &Workload) -> f64 {
        match self {
            Self::Drawn(_) => workload.weight,
            Self::Recorded(_) => {
                f64::from(u32::try_from(workload.prompts.len()).unwrap_or(u32::MAX))
            }
        }
    }
}
