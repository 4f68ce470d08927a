//! A target against its own past.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::closed::{Named, SignalName, StandingName};
use super::effect::EffectView;
use super::probe::unix_seconds_of_millis;
use crate::regression::change::{ChangeDetection, StreamSnapshot};

/// One signal of one workload against its own past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    /// Name of the workload.
    pub workload: String,
    /// Which figure.
    pub signal: SignalName,
    /// How far it is.
    pub state: StandingName,
    /// What is usual.
    pub reference: ReferenceView,
    /// By how much it may grow: a share of a latency, percentage points (as a share) of the rest.
    pub tolerance: f64,
    /// Decimal logarithm of the evidence for a change; left out before anything was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence_log10: Option<f64>,
    /// Decimal logarithm of the evidence that an alarm needs.
    pub threshold_log10: f64,
    /// Now / usually, since the alarm last changed; latencies only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectView>,
    /// How often the alarm went off.
    pub alarms: u64,
    /// When it last did, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_alarm_unix_seconds: Option<f64>,
}

/// A reference, or what there is of it so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReferenceView {
    /// Observations in it.
    pub observations: u64,
    /// How many it needs, at least.
    pub min_samples: u64,
    /// For how long they are collected, at least, in seconds.
    pub min_duration: f64,
    /// When it was complete, Unix seconds; left out while it is being collected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete_unix_seconds: Option<f64>,
}

impl ChangeView {
    /// A stream that goes by `settings`.
    #[must_use]
    pub fn new(workload: String, s: &StreamSnapshot, settings: &ChangeDetection) -> Self {
        let complete = s.reference.and_then(|r| r.complete_unix_millis);
        Self {
            workload,
            signal: Named(s.signal),
            state: Named(s.standing()),
            reference: ReferenceView {
                observations: s.reference.map_or(0, |r| r.observations),
                min_samples: settings.min_samples,
                min_duration: settings.reference.as_secs_f64(),
                complete_unix_seconds: complete.map(unix_seconds_of_millis),
            },
            tolerance: settings.tolerances.of(s.signal).delta(),
            evidence_log10: s.evidence_log10,
            threshold_log10: s.threshold_log10,
            effect: s.effect.map(EffectView::from),
            alarms: s.alarms,
            last_alarm_unix_seconds: s.last_alarm_unix_millis.map(unix_seconds_of_millis),
        }
    }
}
