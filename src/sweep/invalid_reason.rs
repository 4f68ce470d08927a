//! Why a level says nothing about the server: a closed set.

use serde::Serialize;
use strum::{Display, IntoStaticStr};

/// Why the figures of a level are not to be relied on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, IntoStaticStr, Serialize,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum InvalidReason {
    /// Requests began later than they were to: less load than the level says.
    ScheduleDelay,
    /// Tokens shared reads that came late.
    Coalesced,
    /// The prober missed arrivals altogether.
    Late,
    /// The prober's own process took nearly all of the machine.
    Cpu,
    /// A defect of the prober.
    Internal,
    /// The target's budget was spent before the level was over.
    Budget,
    /// Somebody asked for an end.
    Interrupted,
    /// Not one request counts.
    Empty,
}

impl InvalidReason {
    /// For people: what happened, and what to do about it.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::ScheduleDelay => {
                "requests began late, so the load was lower than it says: run the prober on an \
                 idle machine, or with more --io.threads"
            }
            Self::Coalesced => {
                "the prober read late and put tokens together: run it on an idle machine, or with \
                 more --io.threads"
            }
            Self::Late => "the prober was stopped or starved for more than a second",
            Self::Cpu => "the prober took nearly all of this machine: run it on a larger one",
            Self::Internal => "a defect of the prober, see its log",
            Self::Budget => "the target's budget for this hour or day is spent",
            Self::Interrupted => "somebody asked for an end",
            Self::Empty => "no request was sent while all users were active",
        }
    }
}
