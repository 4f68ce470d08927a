//! Service level objectives and the verdict over one probe.

use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use crate::answer::deadline::{Deadline, GOOD_FLUIDITY};
use crate::answer::measure::{Measurement, definition};

/// The fastest burn rate that the alert rules look for (of a 30-day budget, 2 % in one hour).
pub const PAGE_BURN_RATE: f64 = 14.4;

/// Which figure an objective bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ObjectiveKind {
    /// Time to first token, at most.
    Ttft,
    /// Inter-token latency, at most.
    Itl,
    /// Whole request, at most.
    RequestLatency,
    /// Longest silence between two content events, at most.
    LongestGap,
    /// Output tokens per second, at least.
    TokensPerSecond,
    /// Share of the tokens' deadlines that were met, at least.
    Deadline,
}

impl ObjectiveKind {
    /// Every kind.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The label value, also the key in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The number of the figure's definition.
    #[must_use]
    pub fn definition(self) -> u32 {
        match self {
            Self::Ttft => definition::TTFT,
            Self::Itl => definition::ITL,
            Self::RequestLatency => definition::REQUEST_LATENCY,
            Self::LongestGap => definition::LONGEST_GAP,
            Self::TokensPerSecond => definition::TOKENS_PER_SECOND,
            Self::Deadline => definition::DEADLINE,
        }
    }
}

/// One bound: a duration in seconds (at most), or tokens per second or a share (at least).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// The bounded figure.
    pub kind: ObjectiveKind,
    /// Seconds, tokens per second for [`ObjectiveKind::TokensPerSecond`], or a share for
    /// [`ObjectiveKind::Deadline`].
    pub threshold: f64,
    /// When tokens are due; of [`ObjectiveKind::Deadline`] alone.
    pub deadline: Option<Deadline>,
}

impl Objective {
    /// A bound on a duration or on tokens per second.
    #[must_use]
    pub fn new(kind: ObjectiveKind, threshold: f64) -> Self {
        Self { kind, threshold, deadline: None }
    }

    /// A bound on the share of these deadlines that are met.
    #[must_use]
    pub fn deadlines(deadline: Deadline) -> Self {
        let kind = ObjectiveKind::Deadline;
        Self { kind, threshold: GOOD_FLUIDITY, deadline: Some(deadline) }
    }

    /// The figure this objective looks at; `None` where it does not apply to the probe.
    #[must_use]
    pub fn observed(&self, m: &Measurement) -> Option<f64> {
        let seconds = |d: Option<Duration>| d.map(|d| d.as_secs_f64());
        match self.kind {
            ObjectiveKind::Ttft => seconds(m.ttft),
            ObjectiveKind::Itl => seconds(m.itl),
            ObjectiveKind::RequestLatency => seconds(m.request_latency),
            ObjectiveKind::LongestGap => seconds(m.longest_gap),
            ObjectiveKind::TokensPerSecond => m.output_tokens_per_second(),
            ObjectiveKind::Deadline => self.deadline.and_then(|deadline| deadline.fluidity(m)),
        }
    }

    /// How much of the allowance was used: observed / threshold, threshold / observed for tokens per
    /// second, and missed / what may be missed for deadlines, so that 1 or less is always good.
    fn consumption(&self, observed: f64) -> f64 {
        match self.kind {
            ObjectiveKind::TokensPerSecond => self.threshold / observed,
            // In this order the threshold itself is exactly 1.
            ObjectiveKind::Deadline => (1.0 - observed) / (1.0 - self.threshold),
            _ => observed / self.threshold,
        }
    }
}

/// A named set of objectives with the share of probes that shall meet all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// Name, a label value.
    pub name: String,
    /// Target share of good probes, in (0, 1).
    pub objective: f64,
    /// The period the share is counted over.
    pub window: Duration,
    /// At least one.
    pub objectives: Vec<Objective>,
    /// Only these workloads count; `None` means all.
    pub workloads: Option<Vec<String>>,
}

/// What makes a probe good by an SLO, as a fingerprint: counts of an earlier configuration are about
/// the same thing exactly where it is equal. The same in every release, on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SloBasis(pub u64);

impl Slo {
    /// Of its name and its bounds, in whatever order they are written. Neither the share of probes
    /// that shall be good nor the window is in it: they say what is made of the counts.
    #[must_use]
    pub fn basis(&self) -> SloBasis {
        let bound = |o: &Objective| (o.kind.as_str(), o.threshold.to_bits(), o.deadline);
        let mut bounds: Vec<_> = self.objectives.iter().map(bound).collect();
        bounds.sort_unstable_by_key(|(kind, threshold, _)| (*kind, *threshold));
        // FNV-1a. A separator that is no UTF-8 keeps names from running into each other.
        let mut hash = 0xcbf2_9ce4_8422_2325;
        let mut eat = |bytes: &[u8]| {
            for byte in bytes.iter().chain(&[0xff]) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        eat(self.name.as_bytes());
        for (kind, threshold, deadline) in bounds {
            eat(kind.as_bytes());
            eat(&threshold.to_le_bytes());
            if let Some(Deadline { ttft, per_token }) = deadline {
                eat(&ttft.as_nanos().to_le_bytes());
                eat(&per_token.as_nanos().to_le_bytes());
            }
        }
        SloBasis(hash)
    }

    /// Whether probes of this workload count.
    #[must_use]
    pub fn covers(&self, workload: &str) -> bool {
        self.workloads.as_ref().is_none_or(|names| names.iter().any(|n| n == workload))
    }
}

/// The verdict of one SLO over one probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The SLO's name.
    pub slo: String,
    /// The probe succeeded and every objective that applies holds.
    pub good: bool,
    /// Consumption per objective that applies (1 = exactly at the threshold). Empty when the probe
    /// failed: a failed probe's figures are not comparable.
    pub consumption: Vec<(ObjectiveKind, f64)>,
}

impl Verdict {
    /// The objectives that were missed.
    pub fn missed(&self) -> impl Iterator<Item = ObjectiveKind> + '_ {
        self.consumption.iter().filter(|(_, c)| *c > 1.0).map(|(k, _)| *k)
    }
}

/// Judges one probe.
#[must_use]
pub fn judge(slo: &Slo, succeeded: bool, measurement: &Measurement) -> Verdict {
    let consumption: Vec<_> = if succeeded {
        let used = |o: &Objective| o.observed(measurement).map(|v| (o.kind, o.consumption(v)));
        slo.objectives.iter().filter_map(used).collect()
    } else {
        Vec::new()
    };
    let good = succeeded && consumption.iter().all(|(_, c)| *c <= 1.0);
    Verdict { slo: slo.name.clone(), good, consumption }
}
