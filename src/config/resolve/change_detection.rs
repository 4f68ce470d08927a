//! The section `change_detection`.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde_yaml::Spanned;

use super::timing::duration;
use crate::config::error::Report;
use crate::config::keys::range_in_words;
use crate::config::percent::HumanPercent;
use crate::config::quantity::HumanCount;
use crate::config::raw::{self, MARGINS, PERIODS, REFERENCES, SAMPLES, TOLERANCES};
use crate::regression::change::{ChangeDetection, Tolerances};
use crate::regression::detect::Tolerance;

/// Of the targets' past.
pub(super) fn resolve(
    raw: &raw::ChangeDetection,
    report: &mut Report<'_>,
) -> Option<ChangeDetection> {
    let usual = ChangeDetection::usual();
    let (wanted, default) = (&raw.tolerance, usual.tolerances);
    let mut share = |key, raw: &raw::Maybe<HumanPercent>, default, range| {
        tolerance(key, raw.as_ref(), default, range, report)
    };
    let ttft = share("tolerance", &wanted.ttft, default.ttft, &TOLERANCES);
    let itl = share("tolerance", &wanted.itl, default.itl, &TOLERANCES);
    let request_latency =
        share("tolerance", &wanted.request_latency, default.request_latency, &TOLERANCES);
    let failure = share("failure_margin", &raw.failure_margin, default.failure, &MARGINS);
    let slo = share("slo_margin", &raw.slo_margin, default.slo, &MARGINS);
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
    range: &RangeInclusive<HumanPercent>,
    report: &mut Report<'_>,
) -> Option<Tolerance> {
    let Some(raw) = raw else { return Some(default) };
    let found = Tolerance::new(raw.value.0).filter(|_| range.contains(&raw.value));
    let why = || format!("{key} out of range, expected {}", range_in_words(range));
    report.check(raw.referenced, found.ok_or_else(why))
}

fn min_samples(
    raw: Option<&Spanned<HumanCount>>,
    default: u64,
    report: &mut Report<'_>,
) -> Option<u64> {
    let Some(raw) = raw else { return Some(default) };
    let HumanCount(count) = raw.value;
    if !SAMPLES.contains(&raw.value) {
        let range = range_in_words(&SAMPLES);
        let why = format!("min_samples out of range, expected {range}");
        return report.add(raw.referenced, why);
    }
    Some(count)
}
