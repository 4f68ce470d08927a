//! SLOs that others use, by their names.

use crate::answer::slo::ObjectiveKind;
use crate::config::raw;

/// A share of good probes, and what makes one good.
pub(super) struct Preset {
    pub objective: f64,
    /// Seconds.
    pub bounds: &'static [(ObjectiveKind, f64)],
}

impl Preset {
    /// What it bounds a figure by; `None` where it does not.
    pub fn bound(&self, kind: ObjectiveKind) -> Option<f64> {
        self.bounds.iter().find(|(bounded, _)| *bounded == kind).map(|(_, bound)| *bound)
    }
}

/// The first two are the limits of `MLPerf` Inference for Llama 2 70B. In front of a chat a person
/// notices half a second to the first token, less than 20 tokens per second, and a stall of more than
/// one second.
pub(super) fn of(name: raw::Preset) -> Preset {
    use ObjectiveKind::{Itl, LongestGap, RequestLatency, Ttft};
    let (objective, bounds): (f64, &[(ObjectiveKind, f64)]) = match name {
        raw::Preset::MlperfInteractive => (0.99, &[(Ttft, 0.45), (Itl, 0.04)]),
        raw::Preset::MlperfServer => (0.99, &[(Ttft, 2.0), (Itl, 0.2)]),
        raw::Preset::Chat => (0.99, &[(Ttft, 0.5), (Itl, 0.05), (LongestGap, 1.0)]),
        raw::Preset::CodeCompletion => (0.95, &[(Ttft, 0.2), (RequestLatency, 1.0)]),
        raw::Preset::Batch => (0.95, &[(RequestLatency, 30.0)]),
    };
    Preset { objective, bounds }
}
