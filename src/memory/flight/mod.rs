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
pub(in crate::memory) mod read;
pub(in crate::memory) mod record;
mod recorder;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use read::{MAX_FILE_BYTES, ReadError};
pub use record::FlightRecord;
pub use recorder::{Keep, Recorder, RecorderOptions, RecorderSink, RecorderStatus};

use crate::answer::recording::Ending;
use crate::interpret::results_asked;
use crate::memory::history::Flight;
use crate::report::json::ProbeJson;

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
            results: results_asked(target, &probe.workload),
            tokenized: probe.outcome.measurement.tokenized,
            recording,
            outcome: serde_json::to_value(ProbeJson::new(&target.name, probe)).ok()?,
        })
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
