//! What is remembered of one probe.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::odd::Oddity;
use crate::answer::failure::FailureReason;
use crate::answer::recording::{Chunk, Recording};
use crate::answer::slo::Slo;
use crate::probe::Probe;
use crate::target::Target;
use crate::target::request::ProbeId;
use crate::workload::Workload;

/// One probe in a line, about 300 bytes. Holds no text of prompts, answers or servers.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The probe's id.
    pub id: ProbeId,
    /// What was probed.
    pub target: Arc<Target>,
    /// With what.
    pub workload: Arc<Workload>,
    /// Wall clock at its start, Unix nanoseconds.
    pub started_unix_nanos: i64,
    /// From its start to its end.
    pub duration: Duration,
    /// Why it failed, if it did.
    pub reason: Option<FailureReason>,
    /// What is remarkable about it, if it succeeded all the same.
    pub odd: Option<Oddity>,
    /// HTTP status, if a response head arrived.
    pub http_status: Option<u16>,
    /// Time to first token.
    pub ttft: Option<Duration>,
    /// Inter-token latency.
    pub itl: Option<Duration>,
    /// Longest gap between tokens.
    pub longest_gap: Option<Duration>,
    /// Send to last content; absent when the probe failed.
    pub request_latency: Option<Duration>,
    /// Output tokens, whoever counted them.
    pub output_tokens: Option<u64>,
    /// Each SLO that covers the workload, and whether the probe was good.
    pub slos: Box<[(Arc<Slo>, bool)]>,
}

impl Summary {
    pub(crate) fn of(target: &Arc<Target>, probe: &Probe, odd: Option<Oddity>) -> Self {
        let (outcome, m) = (&probe.outcome, &probe.outcome.measurement);
        let verdicts = outcome.verdicts.iter().filter_map(|verdict| {
            let slo = target.slos.iter().find(|slo| slo.name == verdict.slo)?;
            Some((Arc::clone(slo), verdict.good))
        });
        Self {
            id: probe.id.clone(),
            target: Arc::clone(target),
            workload: Arc::clone(&probe.workload),
            started_unix_nanos: probe.recording.started_unix_nanos,
            duration: probe.recording.ended.since(crate::answer::recording::Offset::default()),
            reason: outcome.reason(),
            odd,
            http_status: outcome.http_status,
            ttft: m.ttft,
            itl: m.itl,
            longest_gap: m.longest_gap,
            request_latency: m.request_latency,
            output_tokens: m.output_tokens.map(|t| t.tokens),
            slos: verdicts.collect(),
        }
    }

    /// Whether the prober gave it up itself: it says nothing about the server.
    #[must_use]
    pub fn given_up(&self) -> bool {
        self.reason == Some(FailureReason::Cancelled)
    }

    /// Whether it succeeded and was good by every SLO that covers it.
    #[must_use]
    pub fn good(&self) -> bool {
        self.reason.is_none() && self.slos.iter().all(|(_, good)| *good)
    }
}

/// A whole probe: its bytes with their stamps, and what they amounted to.
#[derive(Debug, Clone)]
pub struct Flight {
    /// What was probed, as it was configured then.
    pub target: Arc<Target>,
    /// Recording and outcome.
    pub probe: Probe,
}

impl Flight {
    pub(crate) fn new(target: &Arc<Target>, mut probe: Probe) -> Self {
        compact(&mut probe.recording);
        Self { target: Arc::clone(target), probe }
    }

    /// About how much memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let (recording, m) = (&self.probe.recording, &self.probe.outcome.measurement);
        let body: usize = recording.chunks.iter().map(|c| c.bytes.len() + size_of::<Chunk>()).sum();
        let headers = recording.head.iter().flat_map(|h| &h.headers);
        let head: usize = headers.map(|(k, v)| k.len() + v.len() + 2 * size_of::<String>()).sum();
        let instants = size_of_val(&*m.content_at) + size_of_val(&*m.gaps);
        size_of::<Self>() + body + head + instants
    }
}

/// Copies the body into memory of its own: the chunks are slices of read buffers that are larger.
fn compact(recording: &mut Recording) {
    let length = recording.chunks.iter().map(|c| c.bytes.len()).sum();
    let mut whole = BytesMut::with_capacity(length);
    recording.chunks.iter().for_each(|c| whole.extend_from_slice(&c.bytes));
    let mut rest: Bytes = whole.freeze();
    for chunk in &mut recording.chunks {
        chunk.bytes = rest.split_to(chunk.bytes.len());
    }
    recording.chunks.shrink_to_fit();
}

/// A remembered probe.
#[derive(Debug, Clone)]
pub struct Entry {
    /// In a line.
    pub summary: Arc<Summary>,
    /// Whole; absent when the memory for recordings had to go to newer ones.
    pub flight: Option<Arc<Flight>>,
}
