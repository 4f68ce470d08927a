//! How a watched stream stands, for metrics, the API and the pages.

use strum::{IntoStaticStr, VariantArray};

use crate::regression::comparison::{self, Signal};
use crate::regression::detect::Estimate;

/// One signal of one workload, watched for a change for the worse.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSnapshot {
    /// Which.
    pub signal: Signal,
    /// Decimal logarithm of the evidence; `None` before anything was bet.
    pub evidence_log10: Option<f64>,
    /// What an alarm needs.
    pub threshold_log10: f64,
    /// Median ratio since the alarm last changed; latencies only.
    pub effect: Option<Estimate>,
    /// Whether the alarm is on; `None` while there is nothing to compare with.
    pub alarmed: Option<bool>,
    /// How often it went off.
    pub alarms: u64,
    /// When it last went off.
    pub last_alarm_unix_millis: Option<u64>,
    /// The past that the stream is compared with; `None` for pairs, which need none.
    pub reference: Option<ReferenceSnapshot>,
}

impl StreamSnapshot {
    /// How far it is.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self.alarmed {
            None => Standing::Collecting,
            Some(false) => Standing::Watching,
            Some(true) => Standing::Alarm,
        }
    }
}

/// How far a watched stream is: a closed set, because it becomes a word of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Standing {
    /// What is usual is being found out.
    Collecting,
    /// Nothing speaks for a change.
    Watching,
    /// It has got worse than its own past.
    Alarm,
}

impl Standing {
    /// Every one.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A reference, or what there is of it so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceSnapshot {
    /// Observations in it.
    pub observations: u64,
    /// When it was complete; `None` while it is being collected.
    pub complete_unix_millis: Option<u64>,
}

impl From<&comparison::StreamSnapshot> for StreamSnapshot {
    fn from(stream: &comparison::StreamSnapshot) -> Self {
        Self {
            signal: stream.signal,
            evidence_log10: stream.evidence_log10,
            threshold_log10: stream.threshold_log10,
            effect: stream.effect,
            alarmed: Some(stream.alarmed),
            alarms: stream.alarms,
            last_alarm_unix_millis: stream.last_alarm_unix_millis,
            reference: None,
        }
    }
}
