//! One probe as one JSON object: a stable interface. Durations are seconds, absent figures null.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::answer::measure::{ItlSource, Phase};
use crate::answer::recording::TimestampSource;
use crate::answer::timeline::Finish;
use crate::probe::Probe;

/// The object `llm-prober probe --output json` prints, one per line.
#[derive(Debug, Serialize)]
pub struct ProbeJson<'a> {
    probe_id: &'a str,
    target: &'a str,
    workload: &'a str,
    /// `success`, or the failure's reason.
    outcome: &'static str,
    /// Why it failed and what helps; null for a success.
    explanation: Option<&'a str>,
    http_status: Option<u16>,
    started_unix_nanos: i64,
    phases: BTreeMap<&'static str, Option<f64>>,
    ttfb: Option<f64>,
    ttft: Option<f64>,
    ttft_with_connect: Option<f64>,
    ttfo: Option<f64>,
    ttst: Option<f64>,
    itl: Option<f64>,
    /// How the tokens behind `itl` were counted.
    itl_source: Option<&'static str>,
    longest_gap: Option<f64>,
    request_latency: Option<f64>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    output_tokens_source: Option<&'static str>,
    timestamp_source: Option<&'static str>,
    coalesced_events: u64,
    /// Offsets of the content events from `started_unix_nanos`.
    content_at: Vec<f64>,
    finish: Option<&'static str>,
    /// Vectors, or documents in a new order; left out for an API that writes text.
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<u64>,
    /// Numbers of each vector; left out where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    dimension: Option<u64>,
    slos: BTreeMap<&'a str, bool>,
}

impl<'a> ProbeJson<'a> {
    /// The object of a probe of `target`.
    #[must_use]
    pub fn new(target: &'a str, probe: &'a Probe) -> Self {
        let (outcome, m) = (&probe.outcome, &probe.outcome.measurement);
        let seconds = |d: Option<Duration>| d.map(|d| d.as_secs_f64());
        let duration =
            |phase: Phase| m.phases.iter().find(|s| s.phase == phase).map(|s| s.duration);
        Self {
            probe_id: probe.id.as_str(),
            target,
            workload: &probe.workload.name,
            outcome: outcome.reason().map_or("success", |r| r.as_str()),
            explanation: outcome.explanation(),
            http_status: outcome.http_status,
            started_unix_nanos: probe.recording.started_unix_nanos,
            phases: Phase::ALL
                .iter()
                .copied()
                .map(|p| (p.as_str(), seconds(duration(p))))
                .collect(),
            ttfb: seconds(m.ttfb),
            ttft: seconds(m.ttft),
            ttft_with_connect: seconds(m.ttft_with_connect),
            ttfo: seconds(m.ttfo),
            ttst: seconds(m.ttst),
            itl: seconds(m.itl),
            itl_source: m.itl_source.map(ItlSource::as_str),
            longest_gap: seconds(m.longest_gap),
            request_latency: seconds(m.request_latency),
            input_tokens: m.input_tokens.map(|t| t.tokens),
            output_tokens: m.output_tokens.map(|t| t.tokens),
            output_tokens_source: m.output_tokens.map(|t| t.source.as_str()),
            timestamp_source: outcome.timestamp_source.map(TimestampSource::as_str),
            coalesced_events: m.coalesced,
            content_at: m.content_at.iter().map(|at| at.seconds()).collect(),
            finish: m.finish.map(Finish::as_str),
            results: m.results.map(|results| results.count),
            dimension: m.results.and_then(|results| results.dimension),
            slos: outcome.verdicts.iter().map(|v| (v.slo.as_str(), v.good)).collect(),
        }
    }
}
