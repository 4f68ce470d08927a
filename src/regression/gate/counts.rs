//! How many probes of a profile ended how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::answer::failure::FailureReason;

/// How many probes ended how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// All.
    pub probes: u64,
    /// Succeeded.
    pub succeeded: u64,
    /// Succeeded and met every SLO that covers the workload.
    pub good: u64,
    /// Began with a 2xx status and failed before the answer was whole.
    pub stream_errors: u64,
    /// Failed, by reason.
    pub failures: BTreeMap<String, u64>,
    /// Those of them in which the server refused the credentials (status 401).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unauthorized: u64,
}

impl Counts {
    /// Whether any probe got as far as the target: an answer, even a bad one, was to be had. To be
    /// refused for one's credentials is none.
    #[must_use]
    pub fn reached(&self) -> bool {
        let before = [
            FailureReason::Resolve,
            FailureReason::Connect,
            FailureReason::Tls,
            FailureReason::Cancelled,
            FailureReason::Internal,
        ];
        let unreached = before.iter().filter_map(|reason| self.failures.get(reason.as_str()));
        unreached.sum::<u64>() + self.unauthorized < self.probes
    }

    /// `3 connect, 1 truncated`.
    #[must_use]
    pub fn failures_in_words(&self) -> String {
        let parts: Vec<_> =
            self.failures.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        parts.join(", ")
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as the library wants it
fn is_zero(count: &u64) -> bool {
    *count == 0
}
