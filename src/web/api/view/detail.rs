//! A probe with everything but its texts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::closed::{ClockName, FinishName, Named, ObjectiveName, PhaseName, TokenSourceName};
use super::probe::{ProbeSummary, seconds};
use crate::answer::measure::PhaseSpan;
use crate::answer::recording::Recording;
use crate::answer::slo::{ObjectiveKind, Slo, Verdict};
use crate::answer::timeline::ServerTiming;
use crate::memory::history::{Entry, Flight};
use crate::report::headers;

/// One probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProbeView {
    /// In a line.
    pub summary: ProbeSummary,
    /// Everything else; null where the memory for recordings had to go to newer probes.
    pub detail: Option<ProbeDetail>,
}

/// Everything about a probe but its texts. Durations are in seconds, instants are seconds since
/// its start; a figure that could not be observed is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProbeDetail {
    /// How long after its intended start it began.
    pub schedule_delay: f64,
    /// Whether an idle connection was used.
    pub connection_reused: bool,
    /// The phases that happened, in order.
    pub phases: Vec<PhaseView>,
    /// Time to first byte.
    pub ttfb: Option<f64>,
    /// Time to first token from the probe's start; null on a reused connection.
    pub ttft_with_connect: Option<f64>,
    /// Time to first output token, reasoning excluded.
    pub ttfo: Option<f64>,
    /// Second token after the first.
    pub ttst: Option<f64>,
    /// Instants of the tokens: the events with content.
    pub content_at: Vec<f64>,
    /// Tokens that arrived together with a later one: their instants are upper bounds.
    pub coalesced_events: u64,
    /// Reads that brought the body.
    pub chunks: Vec<ChunkView>,
    /// Prompt tokens.
    pub input_tokens: Option<u64>,
    /// Prompt tokens from the server's prefix cache, as it reports.
    pub cached_input_tokens: Option<u64>,
    /// Reasoning tokens, as the server reports.
    pub reasoning_tokens: Option<u64>,
    /// Who counted the output tokens.
    pub output_tokens_source: Option<TokenSourceName>,
    /// Why generation ended.
    pub finish: Option<FinishName>,
    /// Stages as the server reports them.
    pub server_stages: ServerStages,
    /// The clock that the arrivals are read from; null where nothing arrived.
    pub timestamp_source: Option<ClockName>,
    /// The verdict of each SLO that covers the workload.
    pub verdicts: Vec<VerdictView>,
    /// Names of the checks that rejected the answer.
    pub rejected_by: Vec<String>,
    /// Response headers that are fit for showing; the value of any other is left out.
    pub headers: BTreeMap<String, String>,
    /// How many further response headers there were.
    pub other_headers: u32,
    /// Why it failed: the address that was asked, what came of it, and what helps. Nothing of an
    /// answer is in it. Null for a success.
    pub explanation: Option<String>,
    /// What went wrong in words, which may quote the server. Null for a success, and unless the
    /// program was started with --web.enable-recordings.
    pub message: Option<String>,
}

/// A phase that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PhaseView {
    /// Which.
    pub phase: PhaseName,
    /// When it began.
    pub start: f64,
    /// How long it took.
    pub duration: f64,
}

/// Body bytes that arrived with one read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChunkView {
    /// When they arrived.
    pub at: f64,
    /// How many bytes.
    pub bytes: u64,
    /// Number of the read; equal numbers arrived together.
    pub read: u32,
}

/// Stage durations as the server itself reports them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServerStages {
    /// Waiting for a slot.
    pub queue: Option<f64>,
    /// Loading the model.
    pub load: Option<f64>,
    /// Reading the prompt.
    pub prefill: Option<f64>,
    /// Generating.
    pub decode: Option<f64>,
}

/// One SLO's verdict over the probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VerdictView {
    /// Name of the SLO.
    pub slo: String,
    /// The probe succeeded and met every objective that applies.
    pub good: bool,
    /// The objectives that apply; none where the probe failed.
    pub objectives: Vec<ObjectiveView>,
}

/// One objective of an SLO against the probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectiveView {
    /// What it bounds.
    pub objective: ObjectiveName,
    /// The bound: seconds, or tokens per second.
    pub threshold: f64,
    /// How much of the bound was used: up to 1 is good.
    pub consumption: f64,
}

impl ProbeView {
    /// `texts` says whether the server's words may be shown.
    #[must_use]
    pub fn new(entry: &Entry, texts: bool) -> Self {
        Self {
            summary: ProbeSummary::from(&*entry.summary),
            detail: entry.flight().map(|flight| ProbeDetail::new(&flight, texts)),
        }
    }
}

impl ProbeDetail {
    fn new(flight: &Flight, texts: bool) -> Self {
        let (recording, outcome) = (&flight.probe.recording, &flight.probe.outcome);
        let m = &outcome.measurement;
        let words = outcome.result.as_ref().err().map(|failure| failure.detail.clone());
        let all = recording.head.as_ref().map_or(&[][..], |head| &head.headers);
        let headers = headers::public(all);
        Self {
            schedule_delay: recording.schedule_delay.as_secs_f64(),
            connection_reused: recording.connection.reused,
            phases: m.phases.iter().map(PhaseView::from).collect(),
            ttfb: seconds(m.ttfb),
            ttft_with_connect: seconds(m.ttft_with_connect),
            ttfo: seconds(m.ttfo),
            ttst: seconds(m.ttst),
            content_at: m.content_at.iter().map(|at| at.seconds()).collect(),
            coalesced_events: m.coalesced,
            chunks: chunks(recording),
            input_tokens: m.input_tokens.map(|t| t.tokens),
            cached_input_tokens: m.cached_input_tokens,
            reasoning_tokens: m.reasoning_tokens,
            output_tokens_source: m.output_tokens.map(|t| Named(t.source)),
            finish: m.finish.map(Named),
            server_stages: ServerStages::from(m.server_timing),
            timestamp_source: outcome.timestamp_source.map(Named),
            verdicts: outcome.verdicts.iter().map(|v| verdict(v, &flight.target.slos)).collect(),
            rejected_by: outcome.rejected_by.iter().map(|&name| name.to_owned()).collect(),
            other_headers: u32::try_from(all.len().saturating_sub(headers.len())).unwrap_or(0),
            headers,
            explanation: outcome.explanation().map(str::to_owned),
            message: words.filter(|_| texts),
        }
    }
}

fn chunks(recording: &Recording) -> Vec<ChunkView> {
    let source = recording.timestamp_source();
    let view = |chunk: &crate::answer::recording::Chunk| ChunkView {
        at: recording.at(&chunk.arrival, source).seconds(),
        bytes: chunk.bytes.len() as u64,
        read: chunk.arrival.read,
    };
    recording.chunks.iter().map(view).collect()
}

impl From<&PhaseSpan> for PhaseView {
    fn from(span: &PhaseSpan) -> Self {
        Self {
            phase: Named(span.phase),
            start: span.start.seconds(),
            duration: span.duration.as_secs_f64(),
        }
    }
}

impl From<ServerTiming> for ServerStages {
    fn from(timing: ServerTiming) -> Self {
        Self {
            queue: seconds(timing.queue),
            load: seconds(timing.load),
            prefill: seconds(timing.prefill),
            decode: seconds(timing.decode),
        }
    }
}

fn verdict(verdict: &Verdict, slos: &[std::sync::Arc<Slo>]) -> VerdictView {
    let objectives = slos.iter().find(|s| s.name == verdict.slo).map(|s| &*s.objectives);
    let threshold = |kind: ObjectiveKind| {
        let found = objectives.unwrap_or_default().iter().find(|o| o.kind == kind);
        found.map(|o| o.threshold)
    };
    let view = |&(kind, consumption): &(ObjectiveKind, f64)| {
        Some(ObjectiveView { objective: Named(kind), threshold: threshold(kind)?, consumption })
    };
    VerdictView {
        slo: verdict.slo.clone(),
        good: verdict.good,
        objectives: verdict.consumption.iter().filter_map(view).collect(),
    }
}
