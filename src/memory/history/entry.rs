//! What is remembered of one probe.

use std::sync::Arc;
use std::time::Duration;

use super::digest::Digest;
use super::flight::Flight;
use super::held::Held;
use super::odd::Oddity;
use crate::answer::failure::FailureReason;
use crate::answer::measure::Measurement;
use crate::answer::slo::Slo;
use crate::probe::Probe;
use crate::target::Target;
use crate::target::request::ProbeId;
use crate::workload::Workload;

/// With fewer probes in the hour before, being the slowest says little.
const FEW: u64 = 20;

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

    /// What is remarkable about it, by the times to first token of the hour before it, if it has to
    /// know them. `coalesced`: see [`is_coalesced`].
    pub(super) fn oddity(
        &self,
        coalesced: bool,
        ttft_before: impl FnOnce() -> Digest,
    ) -> Option<Oddity> {
        let slower = |ttft: Duration| {
            let before = ttft_before();
            before.count() >= FEW && ttft > before.max()
        };
        if self.reason.is_some() {
            None
        } else if self.slos.iter().any(|(_, good)| !good) {
            Some(Oddity::SloMissed)
        } else if self.ttft.is_some_and(slower) {
            Some(Oddity::Slowest)
        } else if coalesced {
            Some(Oddity::Coalesced)
        } else {
            None
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

/// Whether at least half of an answer's tokens arrived together with a later one.
pub(super) fn is_coalesced(m: &Measurement) -> bool {
    m.coalesced > 0 && 2 * m.coalesced >= m.content_at.len() as u64
}

/// A remembered probe.
#[derive(Debug, Clone)]
pub struct Entry {
    /// In a line.
    pub summary: Arc<Summary>,
    /// Whole; absent when the memory for recordings had to go to newer ones.
    pub(super) held: Option<Arc<Held>>,
}

impl Entry {
    /// Whether the whole probe is there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.held.is_some()
    }

    /// The whole probe; absent when the memory for recordings had to go to newer ones. It is unpacked
    /// for this.
    #[must_use]
    pub fn flight(&self) -> Option<Flight> {
        self.held.as_ref()?.flight()
    }

    /// The failure in words that everybody may read, if it failed, somebody looked into it, and the
    /// whole probe is there.
    #[must_use]
    pub fn explanation(&self) -> Option<&str> {
        self.held.as_ref()?.explanation()
    }
}
