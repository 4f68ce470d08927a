//! The recent past of each target, for people: a bounded ring per target.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::failure::FailureReason;
use crate::probe::Probe;

/// Probes remembered per target.
const PER_TARGET: usize = 32;

/// One probe in a line. No text of prompts, answers or servers is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The probe's id.
    pub id: String,
    /// Wall clock at its start, Unix nanoseconds.
    pub started_unix_nanos: i64,
    /// Which workload.
    pub workload: String,
    /// Why it failed, if it did.
    pub reason: Option<FailureReason>,
    /// HTTP status, if a response head arrived.
    pub http_status: Option<u16>,
    /// Time to first token.
    pub ttft: Option<Duration>,
    /// Inter-token latency.
    pub itl: Option<Duration>,
}

impl Entry {
    fn of(probe: &Probe) -> Self {
        Self {
            id: probe.id.as_str().to_owned(),
            started_unix_nanos: probe.recording.started_unix_nanos,
            workload: probe.workload.name.clone(),
            reason: probe.outcome.reason(),
            http_status: probe.outcome.http_status,
            ttft: probe.outcome.measurement.ttft,
            itl: probe.outcome.measurement.itl,
        }
    }
}

/// All rings.
#[derive(Debug, Default)]
pub struct History(Mutex<HashMap<String, VecDeque<Entry>>>);

impl History {
    fn rings(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a probe; the oldest of the target gives way.
    pub fn add(&self, target: &str, probe: &Probe) {
        let mut rings = self.rings();
        let ring = rings.entry(target.to_owned()).or_default();
        if ring.len() == PER_TARGET {
            ring.pop_front();
        }
        ring.push_back(Entry::of(probe));
    }

    /// Forgets every target that `keep` refuses.
    pub fn retain(&self, keep: impl Fn(&str) -> bool) {
        self.rings().retain(|target, _| keep(target));
    }

    /// The probes of a target, newest first.
    #[must_use]
    pub fn recent(&self, target: &str) -> Vec<Entry> {
        self.rings().get(target).map(|r| r.iter().rev().cloned().collect()).unwrap_or_default()
    }

    /// How many probes are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rings().values().map(VecDeque::len).sum()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
