//! The flight record of one probe: a file that holds everything needed to interpret the probe
//! again, today or in years.
//!
//! JSON lines. The first line is the head (`file::Head`): whose probe it was, the terms to read
//! it by, instants, and what it amounted to when it was recorded. Each further line is a portion of
//! the body with its stamps: as text, or in base64 where it is not UTF-8. All stamps are
//! nanoseconds. Request headers and the prompt are not in it, response headers only where they are
//! needed; **the answer is**, and what the workload expects of it.

mod convert;
mod file;
mod folder;
mod read;
mod recorder;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;

pub use read::{MAX_FILE_BYTES, ReadError};
pub use recorder::{Keep, Recorder, RecorderOptions, RecorderSink, RecorderStatus};

use crate::answer::failure::FailureReason;
use crate::answer::measure::Tokenized;
use crate::answer::recording::{Ending, Recording};
use crate::answer::slo::Slo;
use crate::dialect::{Shape, SharedDialect};
use crate::interpret::{Terms, reinterpret};
use crate::memory::history::Flight;
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
    /// The tokenizer's counts, for which prompt and tokenizer would be needed.
    pub tokenized: Tokenized,
    /// Bytes and instants.
    pub recording: Recording,
    /// What it amounted to when it was recorded: the keys of `--output=json`.
    pub outcome: Value,
}

impl FlightRecord {
    /// The record of a probe. `None` where nothing was ever sent: there is nothing to interpret.
    #[must_use]
    pub fn of(flight: &Flight) -> Option<Self> {
        let Flight { target, probe } = flight;
        let not_sent = probe.recording.send.is_none() && probe.recording.first_byte.is_none();
        if not_sent && matches!(probe.recording.ending, Ending::Internal(_)) {
            return None;
        }
        let mut recording = probe.recording.clone();
        convert::redact(&mut recording);
        Some(Self {
            id: probe.id.clone(),
            target: target.name.clone(),
            dialect: target.dialect.clone(),
            shape: target.shape(),
            max_body_bytes: target.limits.max_body_bytes,
            slos: target.slos.clone(),
            workload: Arc::clone(&probe.workload),
            tokenized: probe.outcome.measurement.tokenized,
            recording,
            outcome: serde_json::to_value(ProbeJson::new(&target.name, probe)).ok()?,
        })
    }

    /// Interprets it as if it had just been recorded.
    #[must_use]
    pub fn interpret(&self) -> Probe {
        let terms = Terms {
            dialect: &*self.dialect,
            shape: self.shape,
            max_body_bytes: self.max_body_bytes,
            slos: &self.slos,
            workload: &self.workload,
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

    /// The text of the file.
    ///
    /// # Errors
    /// The library's, if it cannot write a value.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string(&convert::head(self))?;
        for chunk in &self.recording.chunks {
            text.push('\n');
            text += &serde_json::to_string(&convert::portion(chunk))?;
        }
        text.push('\n');
        Ok(text)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// Which line is wrong, and what was expected.
    pub fn read(text: &[u8]) -> Result<Self, ReadError> {
        read::read(text)
    }
}
