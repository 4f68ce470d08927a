//! Why an arrival was not probed: a closed set, because it becomes a metric label.

use strum::{Display, IntoStaticStr, VariantArray};

/// The one reason an arrival of the schedule was skipped. Skips are counted, never silent.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum SkipReason {
    /// `max_in_flight` probes of the target were still under way.
    InFlightLimit,
    /// The budget of the hour or the day is spent, the target's or that of all.
    Budget,
    /// The prober itself was too late for the arrival to mean anything, or stood still while it was
    /// probed.
    Late,
    /// The prober had no file descriptor left for it, or no memory.
    Prober,
    /// The target is not probed at this hour of the week.
    OffHours,
}

impl SkipReason {
    /// Every reason, in the order of the metric's documentation.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
