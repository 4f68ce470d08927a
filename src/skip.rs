//! Why an arrival was not probed: a closed set, because it becomes a metric label.

use std::fmt;

/// The one reason an arrival of the schedule was skipped. Skips are counted, never silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// `max_in_flight` probes of the target were still under way.
    InFlightLimit,
    /// The target's budget for the day is spent.
    Budget,
    /// The prober itself was too late for the arrival to mean anything.
    Late,
    /// Probing of the target is paused.
    Paused,
    /// Another prober of the fleet owns the target.
    NotOwner,
}

impl SkipReason {
    /// Every reason, in the order of the metric's documentation.
    pub const ALL: [Self; 5] =
        [Self::InFlightLimit, Self::Budget, Self::Late, Self::Paused, Self::NotOwner];

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InFlightLimit => "in_flight_limit",
            Self::Budget => "budget",
            Self::Late => "late",
            Self::Paused => "paused",
            Self::NotOwner => "not_owner",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
