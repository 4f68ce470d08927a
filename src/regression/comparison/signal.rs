//! What is compared.

use serde::{Deserialize, Serialize};

use strum::{IntoStaticStr, VariantArray};

use crate::answer::measure::definition;

/// One figure of a round: a closed set, because it becomes a metric label.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Signal {
    /// Time to first token.
    Ttft,
    /// Inter-token latency.
    Itl,
    /// The whole request.
    RequestLatency,
    /// Whether the probe failed.
    Failure,
    /// Whether an SLO that both sides are held to was missed.
    Slo,
}

impl Signal {
    /// Every signal, in the order of tables.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The number of the figure's definition; an SLO's is in those of its objectives.
    #[must_use]
    pub fn definition(self) -> Option<u32> {
        match self {
            Self::Ttft => Some(definition::TTFT),
            Self::Itl => Some(definition::ITL),
            Self::RequestLatency => Some(definition::REQUEST_LATENCY),
            Self::Failure => Some(definition::FAILURE),
            Self::Slo => None,
        }
    }

    /// Whether a comparison needs this signal's *not worse*. A streamed request's latency is TTFT
    /// and ITL times the answer's length, which is noise: it may only speak against the candidate.
    #[must_use]
    pub fn decides(self, streamed: bool) -> bool {
        self != Self::RequestLatency || !streamed
    }
}
