//! Streams watched for a change for the worse: a target's against its own past, and a comparison's.
//! The latter carry the labels of the candidate.

use std::fmt;

use super::family::{Family, counter, gauge};
use crate::metrics::change::ChangeMetrics;
use crate::metrics::samples::SampleWriter;
use crate::regression::detect::Estimate;

const LABELS: &[&str] = &["signal", "comparison"];

pub(in crate::metrics) static CHANGE: &[Family<ChangeMetrics>] = &[
    gauge(
        "change_evidence",
        LABELS,
        "Decimal logarithm of the evidence that a figure has got worse than it used to be \
         (comparison empty) or than the baseline's. Absent before the first observation that is \
         judged.",
        |c, s| optional(c, s, c.stream.evidence_log10),
    ),
    gauge(
        "change_evidence_threshold",
        LABELS,
        "Decimal logarithm of the evidence that an alarm needs.",
        |c, s| optional(c, s, Some(c.stream.threshold_log10)),
    ),
    gauge(
        "change_effect_ratio",
        LABELS,
        "Median ratio to the median of the past, or to the baseline, since the alarm last went on \
         or off. Latencies only; absent where most of the probes failed.",
        |c, s| effect(c, s, |e| e.ratio),
    ),
    gauge(
        "change_effect_lower_ratio",
        LABELS,
        "The median ratio is no less, with 95 % certainty at all times together. Absent while the \
         observations are too few to say.",
        |c, s| effect(c, s, |e| e.lower),
    ),
    gauge(
        "change_effect_upper_ratio",
        LABELS,
        "The median ratio is no more, with 95 % certainty at all times together. Absent while the \
         observations are too few to say.",
        |c, s| effect(c, s, |e| e.upper),
    ),
    gauge(
        "change_alarm_active",
        LABELS,
        "Whether the alarm is on (1): the evidence has reached its threshold, and the effect has \
         not gone since. Absent while the reference is being collected.",
        |c, s| optional(c, s, c.stream.alarmed.map(|on| f64::from(u8::from(on)))),
    ),
    counter(
        "change_alarms_total",
        LABELS,
        "How often the alarm went off, as far as the state reaches back.",
        |c, s| s.counter(&labels(c), c.stream.alarms),
    ),
    gauge(
        "change_last_alarm_timestamp_seconds",
        LABELS,
        "Unix time at which the alarm last went off. Absent before the first.",
        |c, s| optional(c, s, c.stream.last_alarm_unix_millis.map(seconds)),
    ),
    gauge(
        "change_reference_samples",
        LABELS,
        "Observations in the reference, or collected for it so far. Absent for comparisons.",
        |c, s| {
            let reference = c.stream.reference.map(|r| r.observations);
            reference.map_or(Ok(()), |n| s.gauge(&labels(c), i64::try_from(n).unwrap_or(i64::MAX)))
        },
    ),
    gauge(
        "change_reference_timestamp_seconds",
        LABELS,
        "Unix time at which the reference was complete. Absent while it is being collected, and \
         for comparisons.",
        |c, s| {
            let complete = c.stream.reference.and_then(|r| r.complete_unix_millis);
            optional(c, s, complete.map(seconds))
        },
    ),
];

fn labels(change: &ChangeMetrics) -> [&str; 2] {
    [change.stream.signal.as_str(), &change.comparison]
}

fn optional(
    change: &ChangeMetrics,
    samples: &mut SampleWriter<'_, '_>,
    value: Option<f64>,
) -> fmt::Result {
    value.map_or(Ok(()), |value| samples.gauge(&labels(change), value))
}

fn effect(
    change: &ChangeMetrics,
    samples: &mut SampleWriter<'_, '_>,
    of: impl Fn(&Estimate) -> Option<f64>,
) -> fmt::Result {
    optional(change, samples, change.stream.effect.as_ref().and_then(of))
}

#[allow(clippy::cast_precision_loss)] // below 2^53 for 280,000 years
fn seconds(unix_millis: u64) -> f64 {
    unix_millis as f64 / 1e3
}
