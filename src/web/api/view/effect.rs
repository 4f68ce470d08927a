//! By how much.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::regression::detect::Estimate;

/// A median ratio and the interval that holds it, with 95 % certainty at all times together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EffectView {
    /// The median; 0 where most of what it is compared with failed, left out where most of the rest
    /// did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// It is no less; left out while that cannot be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower: Option<f64>,
    /// It is no more; left out while that cannot be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
    /// Ratios seen.
    pub observations: u64,
}

impl From<Estimate> for EffectView {
    fn from(e: Estimate) -> Self {
        Self { ratio: e.ratio, lower: e.lower, upper: e.upper, observations: e.observations }
    }
}
