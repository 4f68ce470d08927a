//! What one probe amounts to.

use crate::answer::failure::{Failure, FailureReason};
use crate::answer::measure::Measurement;
use crate::answer::rate_limit::RateLimit;
use crate::answer::recording::TimestampSource;
use crate::answer::slo::Verdict;

/// The interpretation of one recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// `Ok` only if the terminal marker was seen, content was produced and nothing went wrong.
    pub result: Result<(), Failure>,
    /// HTTP status, when a response head arrived.
    pub http_status: Option<u16>,
    /// The figures.
    pub measurement: Measurement,
    /// One verdict per SLO that covers the workload.
    pub verdicts: Vec<Verdict>,
    /// The clock the figures are read from; absent when no byte of a response arrived.
    pub timestamp_source: Option<TimestampSource>,
    /// The names of the validators that rejected the answer.
    pub rejected_by: Vec<&'static str>,
    /// Requests left and allowed, from response headers.
    pub request_limit: RateLimit,
    /// Tokens left and allowed, from response headers.
    pub token_limit: RateLimit,
}

impl Outcome {
    /// Whether the probe succeeded.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.result.is_ok()
    }

    /// Whether the prober itself gave the probe up, to end or for a reload: that says nothing about
    /// the server.
    #[must_use]
    pub fn given_up(&self) -> bool {
        self.reason() == Some(FailureReason::Cancelled)
    }

    /// Output tokens / request latency: unlike 1 / ITL it exists for an answer of one token, too.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
    pub fn tokens_per_second(&self) -> Option<f64> {
        let latency = self.measurement.request_latency.filter(|d| !d.is_zero())?;
        Some(self.measurement.output_tokens?.tokens as f64 / latency.as_secs_f64())
    }

    /// The failure in words that everybody may read, if it failed and somebody looked into it.
    #[must_use]
    pub fn explanation(&self) -> Option<&str> {
        self.result.as_ref().err()?.explanation.as_deref()
    }

    /// The failure's reason, if it failed.
    #[must_use]
    pub fn reason(&self) -> Option<FailureReason> {
        self.result.as_ref().err().map(|f| f.reason)
    }
}
