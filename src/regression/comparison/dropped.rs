//! Why a round was not judged.

use crate::answer::skip::SkipReason;

/// The one reason why a round of two probes says nothing: a closed set, because it becomes a
/// metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// A side could not be asked.
    Skipped(SkipReason),
    /// A side's probe was given up, or met a defect of the prober.
    Prober,
    /// It began in an earlier run.
    OtherRun,
    /// The server of a side was swept meanwhile.
    Sweep,
}

impl DropReason {
    /// Every reason, in the order of the metric's documentation.
    /// What is kept across restarts counts on it: new ones come last.
    pub const ALL: [Self; 7] = [
        Self::Skipped(SkipReason::InFlightLimit),
        Self::Skipped(SkipReason::Budget),
        Self::Skipped(SkipReason::Late),
        Self::Prober,
        Self::OtherRun,
        Self::Skipped(SkipReason::OffHours),
        Self::Sweep,
    ];

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skipped(reason) => reason.as_str(),
            Self::Prober => "prober",
            Self::OtherRun => "other_run",
            Self::Sweep => "sweep",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_to_skip_is_one_to_drop() {
        for reason in SkipReason::ALL {
            let labels = DropReason::ALL.map(DropReason::as_str);
            assert!(labels.contains(&DropReason::Skipped(*reason).as_str()), "{reason}");
        }
        // One stands for both ways in which the prober itself is to blame; two are no skips.
        assert_eq!(DropReason::ALL.len(), SkipReason::ALL.len() + 2);
    }
}
