//! The section `change_detection`.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_yaml::Spanned;

use crate::change::{ChangeDetection, Tolerances};
use crate::config::error::Report;
use crate::config::percent::HumanPercent;
use crate::config::quantity::HumanCount;
use crate::config::raw;
use crate::detect::{REFERENCE_OBSERVATIONS, Tolerance};
use crate::units::HumanDuration;

/// With their words, because a duration's own form would speak of months.
struct Range(RangeInclusive<u64>, &'static str);

/// A shorter one would freeze a moment; with a longer one nothing is watched for a season.
const REFERENCES: Range = Range(60..=90 * 86_400, "1m to 90d");
const PERIODS: Range = Range(3600..=3660 * 86_400, "1h to 3660d");
const SAMPLES: RangeInclusive<u64> = REFERENCE_OBSERVATIONS..=10_000_000;

/// Of the targets' past.
pub(super) fn resolve(
    raw: &raw::ChangeDetection,
    report: &mut Report<'_>,
) -> Option<ChangeDetection> {
    let usual = ChangeDetection::usual();
    let (wanted, default) = (&raw.tolerance, usual.tolerances);
    let mut share = |key, raw: &raw::Maybe<HumanPercent>, default, most| {
        tolerance(key, raw.as_ref(), default, most, report)
    };
    let ttft = share("tolerance", &wanted.ttft, default.ttft, 1.0);
    let itl = share("tolerance", &wanted.itl, default.itl, 1.0);
    let request_latency = share("tolerance", &wanted.request_latency, default.request_latency, 1.0);
    let failure = share("failure_margin", &raw.failure_margin, default.failure, 0.5);
    let slo = share("slo_margin", &raw.slo_margin, default.slo, 0.5);
    let reference =
        duration("reference", raw.reference.as_ref(), usual.reference, &REFERENCES, report);
    let every = raw.false_alarm_every.as_ref();
    let every = duration("false_alarm_every", every, usual.false_alarm_every, &PERIODS, report);
    let min_samples = min_samples(raw.min_samples.as_ref(), usual.min_samples, report);
    Some(ChangeDetection {
        enabled: raw.enabled.unwrap_or(usual.enabled),
        tolerances: Tolerances {
            ttft: ttft?,
            itl: itl?,
            request_latency: request_latency?,
            failure: failure?,
            slo: slo?,
        },
        reference: reference?,
        min_samples: min_samples?,
        false_alarm_every: every?,
    })
}

/// Where state is kept; not looked at before the program runs.
pub(super) fn state_dir(
    folder: &Spanned<PathBuf>,
    base_dir: &Path,
    report: &mut Report<'_>,
) -> Option<PathBuf> {
    if folder.value.as_os_str().is_empty() {
        return report.add(folder.referenced, "state_dir is empty, expected the path of a folder");
    }
    Some(base_dir.join(&folder.value))
}

fn tolerance(
    key: &str,
    raw: Option<&Spanned<HumanPercent>>,
    default: Tolerance,
    most: f64,
    report: &mut Report<'_>,
) -> Option<Tolerance> {
    let Some(raw) = raw else { return Some(default) };
    let found = Tolerance::new(raw.value.0).filter(|t| t.delta() <= most);
    let why = || format!("{key} out of range, expected 0% to {}", HumanPercent(most));
    report.check(raw.referenced, found.ok_or_else(why))
}

fn min_samples(
    raw: Option<&Spanned<HumanCount>>,
    default: u64,
    report: &mut Report<'_>,
) -> Option<u64> {
    let Some(raw) = raw else { return Some(default) };
    let HumanCount(count) = raw.value;
    if !SAMPLES.contains(&count) {
        let least = SAMPLES.start();
        let why = format!("min_samples out of range, expected {least} to 10M");
        return report.add(raw.referenced, why);
    }
    Some(count)
}

fn duration(
    key: &str,
    raw: Option<&Spanned<HumanDuration>>,
    default: Duration,
    Range(seconds, words): &Range,
    report: &mut Report<'_>,
) -> Option<Duration> {
    let Some(raw) = raw else { return Some(default) };
    let HumanDuration(value) = raw.value;
    let [least, most] = [seconds.start(), seconds.end()].map(|s| Duration::from_secs(*s));
    if !(least..=most).contains(&value) {
        return report.add(raw.referenced, format!("{key} out of range, expected {words}"));
    }
    Some(value)
}
