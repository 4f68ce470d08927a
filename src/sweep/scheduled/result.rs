//! How a run of a sweep ended: a closed set, because it becomes a metric label.

use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

/// How a run ended.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    IntoStaticStr,
    VariantArray,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum SweepResult {
    /// Every level was made, and says something about the server.
    Complete,
    /// Every level was made, but the prober was the bottleneck of one of them.
    Invalid,
    /// The server refused a request for load or quota (status 429).
    RateLimited,
    /// Too many requests failed.
    Errors,
    /// A first token took, or was waited for, far longer than the SLO allows.
    Ttft,
    /// It took longer than it may.
    Time,
    /// The output tokens that it may cost were used up.
    Tokens,
    /// The budget of the target, or of all targets, is spent.
    Budget,
    /// The configuration was changed, or the prober ended.
    Stopped,
}

impl SweepResult {
    /// Every one, in the order of the metric's documentation.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// For people: what happened.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Invalid => "invalid: the prober was the bottleneck",
            Self::RateLimited => "broken off: the server refused a request (429)",
            Self::Errors => "broken off: 5 % of the requests failed",
            Self::Ttft => "broken off: a first token took ten times as long as the SLO allows",
            Self::Time => "broken off after max_duration",
            Self::Tokens => "broken off: max_output_tokens were used up",
            Self::Budget => "broken off: the budget is spent",
            Self::Stopped => "broken off: the configuration was changed, or the prober ended",
        }
    }

    /// Whether it was broken off because the server could not take the load: at the level under way
    /// users would not have been served well.
    #[must_use]
    pub(super) fn is_overload(self) -> bool {
        matches!(self, Self::RateLimited | Self::Errors | Self::Ttft)
    }
}
