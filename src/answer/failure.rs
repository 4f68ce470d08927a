//! Why a probe failed: a closed set, because it becomes a metric label.

use std::sync::Arc;

use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use crate::text::shorten::shorten;

/// The one reason a probe did not succeed. Free text never becomes a label; it travels beside
/// the reason in [`Failure::detail`].
/// Its text is that of [`FailureReason::as_str`], and is read back from it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum FailureReason {
    /// The host name could not be resolved.
    Resolve,
    /// No TCP connection could be made.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The whole request took longer than `timeout`, or its first token longer than
    /// `first_token_timeout`.
    Timeout,
    /// The answer began and then made no progress for `stall_timeout`.
    Stalled,
    /// The status was not 2xx (and not 429).
    HttpStatus,
    /// Status 429: the server refused for load or quota.
    Throttled,
    /// The server reported an error inside the answer, often under status 200.
    ErrorEvent,
    /// The answer was cut off, reset, or ended without a finish.
    Truncated,
    /// The answer ended properly but held no generated content.
    Empty,
    /// The answer does not follow the protocol.
    Malformed,
    /// The answer was larger than the configured limit.
    TooLarge,
    /// The answer arrived but a validator of the workload rejected it.
    Validation,
    /// The prober gave up on purpose (shutdown or reload).
    Cancelled,
    /// A defect of the prober itself.
    Internal,
}

impl FailureReason {
    /// Every reason, in the order of the metric's documentation.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Those that count as failures: not those of probes that the prober gave up itself.
    pub fn counted() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|reason| *reason != Self::Cancelled)
    }

    /// The label value, also the `outcome` in JSON output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A failed probe: the closed reason, and text for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Becomes a label.
    pub reason: FailureReason,
    /// For logs at debug level and for the person at the terminal; may quote the server.
    pub detail: String,
    /// What was asked, what came of it and what helps, in words of our own that everybody may
    /// read ([`crate::explain`]). Absent where nobody has looked into it.
    pub explanation: Option<Arc<str>>,
}

/// The longest text of a failure, in bytes. A server's own error may be as long as an answer, and is
/// held, written and logged with each probe.
const MOST_DETAIL: usize = 4 << 10;

impl Failure {
    /// A failure with its text, of which the first 4 KiB are kept.
    pub fn new(reason: FailureReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: shorten(detail.into(), MOST_DETAIL), explanation: None }
    }
}
