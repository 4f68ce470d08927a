//! A probe in a line.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::closed::{Named, OddityName, ReasonName};
use crate::memory::history::Summary;

/// One probe in a line. Durations are in seconds; a figure that could not be observed is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProbeSummary {
    /// 32 hex digits; also the trace id that the target was sent.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub id: String,
    /// Name of the target.
    pub target: String,
    /// Name of the workload.
    pub workload: String,
    /// Wall clock at its start, Unix seconds.
    pub started_unix_seconds: f64,
    /// From its start to its end.
    pub duration: f64,
    /// Whether it succeeded and was good by every SLO that covers its workload.
    pub good: bool,
    /// Why it failed; null for a success.
    pub reason: Option<ReasonName>,
    /// What is remarkable about a success; null where nothing is.
    pub odd: Option<OddityName>,
    /// Status of the response; null where none came.
    pub http_status: Option<u16>,
    /// Time to first token.
    pub ttft: Option<f64>,
    /// Inter-token latency.
    pub itl: Option<f64>,
    /// Longest gap between two tokens.
    pub longest_gap: Option<f64>,
    /// From the first byte sent to the last token; null for a failure.
    pub request_latency: Option<f64>,
    /// Output tokens, whoever counted them.
    pub output_tokens: Option<u64>,
    /// The SLOs that cover its workload, and whether it was good by each.
    pub slos: BTreeMap<String, bool>,
}

pub(super) fn seconds(duration: Option<Duration>) -> Option<f64> {
    duration.map(|d| d.as_secs_f64())
}

/// Microseconds are exact enough for a wall clock, and all that a number in JSON can carry.
#[allow(clippy::cast_precision_loss)]
pub(super) fn unix_seconds(nanos: i64) -> f64 {
    (nanos / 1_000) as f64 / 1e6
}

#[allow(clippy::cast_precision_loss)] // as above
pub(super) fn unix_seconds_of_millis(millis: u64) -> f64 {
    millis as f64 / 1e3
}

impl From<&Summary> for ProbeSummary {
    fn from(s: &Summary) -> Self {
        Self {
            id: s.id.as_str().to_owned(),
            target: s.target.name.clone(),
            workload: s.workload.name.clone(),
            started_unix_seconds: unix_seconds(s.started_unix_nanos),
            duration: s.duration.as_secs_f64(),
            good: s.good(),
            reason: s.reason.map(Named),
            odd: s.odd.map(Named),
            http_status: s.http_status,
            ttft: seconds(s.ttft),
            itl: seconds(s.itl),
            longest_gap: seconds(s.longest_gap),
            request_latency: seconds(s.request_latency),
            output_tokens: s.output_tokens,
            slos: s.slos.iter().map(|(slo, good)| (slo.name.clone(), *good)).collect(),
        }
    }
}
