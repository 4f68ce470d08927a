//! Moments in a target's past.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::closed::{MovedName, Named};
use crate::memory::history::{Mark, Occasion};

/// A moment at which something became another.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct MarkView {
    /// When, Unix seconds.
    pub unix_seconds: f64,
    /// What happened: `moved` (from here on the figures are of another server or model),
    /// `alarm_raised` and `alarm_cleared` (a signal is worse than its own past, or no longer), or
    /// `verdict` (a comparison in which the target is the candidate has another verdict).
    pub kind: String,
    /// What the configuration changed, where it was moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<MovedName>,
    /// The workload of an alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// The signal of an alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// The name of the comparison that has another verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<String>,
    /// The verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
}

impl From<&Mark> for MarkView {
    fn from(mark: &Mark) -> Self {
        #[allow(clippy::cast_precision_loss)] // microseconds are exact enough for an instant
        let unix_seconds = mark.unix_nanos as f64 / 1e9;
        let view = |kind: &str| Self { unix_seconds, kind: kind.to_owned(), ..Self::default() };
        let alarm = |kind: &str, workload, signal| Self {
            workload: Some(workload),
            signal: Some(signal),
            ..view(kind)
        };
        match mark.what.clone() {
            Occasion::Moved(moved) => Self { changed: Some(Named(moved)), ..view("moved") },
            Occasion::AlarmRaised { workload, signal } => alarm("alarm_raised", workload, signal),
            Occasion::AlarmCleared { workload, signal } => alarm("alarm_cleared", workload, signal),
            Occasion::Verdict { comparison, verdict } => {
                Self { comparison: Some(comparison), verdict: Some(verdict), ..view("verdict") }
            }
        }
    }
}
