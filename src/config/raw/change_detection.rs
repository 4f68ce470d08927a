//! `change_detection`.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::parts::Maybe;
use crate::config::percent::HumanPercent;
use crate::config::quantity::HumanCount;
use crate::regression::change::ChangeDetection as Settings;
use crate::regression::detect::{REFERENCE_OBSERVATIONS, Tolerance};
use crate::text::units::HumanDuration;

pub(in crate::config) const TOLERANCES: RangeInclusive<HumanPercent> =
    HumanPercent(0.0)..=HumanPercent(1.0);
pub(in crate::config) const MARGINS: RangeInclusive<HumanPercent> =
    HumanPercent(0.0)..=HumanPercent(0.5);
/// A shorter one would freeze a moment; with a longer one nothing is watched for a season.
pub(in crate::config) const REFERENCES: RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(90 * 86_400);
/// Between false alarms.
pub(in crate::config) const PERIODS: RangeInclusive<Duration> =
    Duration::from_secs(3_600)..=Duration::from_secs(3_660 * 86_400);
pub(in crate::config) const SAMPLES: RangeInclusive<HumanCount> =
    HumanCount(REFERENCE_OBSERVATIONS)..=HumanCount(10_000_000);

fn percent(tolerance: Tolerance) -> HumanPercent {
    HumanPercent(tolerance.delta())
}

fn usual() -> Settings {
    Settings::usual()
}

keys! {
    optional struct ChangeDetection {
        /// Whether targets are compared with their own past.
        enabled: Option<bool> => shown.default(usual().enabled),
        /// By how much a median may grow.
        tolerance: Tolerances => shown,
        /// By how much the share of failures may grow, of all probes.
        failure_margin: Maybe<HumanPercent> => shown
            .default(percent(usual().tolerances.failure))
            .range(MARGINS),
        /// By how much the share of missed SLOs may grow.
        slo_margin: Maybe<HumanPercent> => shown
            .default(percent(usual().tolerances.slo))
            .range(MARGINS),
        /// How long the reference is collected.
        reference: Maybe<HumanDuration> => shown.default(usual().reference).range(REFERENCES),
        /// How many probes of a workload the reference needs.
        min_samples: Maybe<HumanCount> => shown
            .default(HumanCount(usual().min_samples))
            .range(SAMPLES),
        /// The mean time between false alarms of all targets together.
        false_alarm_every: Maybe<HumanDuration> => shown
            .default(usual().false_alarm_every)
            .range(PERIODS),
        /// A folder on a disk of this machine, for a database of this process's own: what is learnt
        /// of targets and comparisons, 30 days of digests, the last failures with their recordings
        /// (which hold answers) and what was spent today.
        state_dir: Maybe<PathBuf> => shown.otherwise("all of it is forgotten at the end"),
    }
}

keys! {
    optional struct Tolerances {
        /// Time to first token.
        ttft: Maybe<HumanPercent> => shown
            .default(percent(usual().tolerances.ttft))
            .range(TOLERANCES),
        /// Inter-token latency.
        itl: Maybe<HumanPercent> => shown
            .default(percent(usual().tolerances.itl))
            .range(TOLERANCES),
        /// The whole request.
        request_latency: Maybe<HumanPercent> => shown
            .default(percent(usual().tolerances.request_latency))
            .range(TOLERANCES),
    }
}
