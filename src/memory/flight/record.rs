//! One probe, ready to be written or just read.

use std::sync::Arc;

use serde_json::Value;

use crate::answer::failure::FailureReason;
use crate::answer::measure::Tokenized;
use crate::answer::recording::Recording;
use crate::answer::slo::Slo;
use crate::dialect::{Shape, SharedDialect};
use crate::interpret::{Terms, reinterpret};
use crate::probe::Probe;
use crate::report::json::ProbeJson;
use crate::target::request::ProbeId;
use crate::workload::Workload;

/// One probe, ready to be written or just read.
#[derive(Debug, Clone)]
pub struct FlightRecord {
    /// The probe's id.
    pub id: ProbeId,
    /// Name of the target.
    pub target: String,
    /// How the answer is to be read.
    pub dialect: SharedDialect,
    /// What was asked for.
    pub shape: Shape,
    /// Body bytes at most.
    pub max_body_bytes: usize,
    /// The SLOs it was held to.
    pub slos: Vec<Arc<Slo>>,
    /// Name, limit and validators; prompts are not kept.
    pub workload: Arc<Workload>,
    /// Results that the answer had to have at least.
    pub results: u64,
    /// The tokenizer's counts, for which prompt and tokenizer would be needed.
    pub tokenized: Tokenized,
    /// Bytes and instants.
    pub recording: Recording,
    /// What it amounted to when it was recorded: the keys of `--output=json`.
    pub outcome: Value,
}

impl FlightRecord {
    /// Interprets it as if it had just been recorded.
    #[must_use]
    pub fn interpret(&self) -> Probe {
        let terms = Terms {
            dialect: &*self.dialect,
            shape: self.shape,
            max_body_bytes: self.max_body_bytes,
            slos: &self.slos,
            workload: &self.workload,
            results: self.results,
        };
        let mut outcome = reinterpret(&terms, &self.recording, self.tokenized);
        if let Err(failure) = &mut outcome.result {
            // Of what was known then and is not recorded: the address, answers to questions.
            failure.explanation = self.explanation(failure.reason);
        }
        let (workload, recording) = (Arc::clone(&self.workload), self.recording.clone());
        Probe::new(self.id.clone(), workload, recording, outcome)
    }

    /// What was said when it was recorded, unless the probe is taken for another failure now.
    fn explanation(&self, reason: FailureReason) -> Option<Arc<str>> {
        let same = self.outcome.get("outcome")?.as_str() == Some(reason.as_str());
        let said = self.outcome.get("explanation")?.as_str();
        said.filter(|_| same).map(Arc::from)
    }

    /// The keys in which a new interpretation differs from the one that was recorded.
    #[must_use]
    pub fn differences(&self, probe: &Probe) -> Vec<String> {
        let now = serde_json::to_value(ProbeJson::new(&self.target, probe)).unwrap_or_default();
        // Inter-token latency had another definition before its source was recorded.
        let redefined = |key: &str| key == "itl" && self.outcome.get("itl_source").is_none();
        let then = self.outcome.as_object().into_iter().flatten();
        let differing =
            then.filter(|(key, value)| !redefined(key.as_str()) && now.get(key) != Some(value));
        differing.map(|(key, _)| key.clone()).collect()
    }
}
