//! A target's state in a word.

use super::entry::Summary;
use super::hour::SloHour;

/// How a target does, by its last probe and by its SLOs over the last hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No probe has ended yet.
    NotProbed,
    /// The last probe failed.
    Failing,
    /// The last probe succeeded, but over the last hour an SLO was met by too few.
    Degraded,
    /// The last probe succeeded, and every SLO holds over the last hour.
    Healthy,
}

impl State {
    /// Every state, worst first.
    pub const ALL: [Self; 4] = [Self::Failing, Self::Degraded, Self::NotProbed, Self::Healthy];

    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotProbed => "not_probed",
            Self::Failing => "failing",
            Self::Degraded => "degraded",
            Self::Healthy => "healthy",
        }
    }

    pub(super) fn of(last: Option<&Summary>, slos: &[SloHour]) -> Self {
        let missed = || slos.iter().any(|s| s.attainment().is_some_and(|a| a < s.slo.objective));
        match last {
            None => Self::NotProbed,
            Some(last) if last.reason.is_some() => Self::Failing,
            Some(_) if missed() => Self::Degraded,
            Some(_) => Self::Healthy,
        }
    }
}
