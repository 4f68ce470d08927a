//! What is watched for a change for the worse: a target against its own past, and comparisons. The
//! latter carry the labels of the candidate. What is the same for all signals of a workload is told
//! once.

use std::fmt;

use super::family::{Family, counter, gauge};
use crate::metrics::change::{ChangeMetrics, StreamMetrics};
use crate::metrics::samples::SampleWriter;
use crate::regression::detect::Estimate;
use crate::text::units::unix_seconds;

const LABELS: &[&str] = &["signal", "comparison"];

pub(in crate::metrics) static CHANGE: &[Family<ChangeMetrics>] = &[
    gauge(
        "change_evidence",
        LABELS,
        "Decimal logarithm of the evidence that a figure has got worse than it used to be \
         (comparison empty) or than the baseline's. Absent before the first observation that is \
         judged.",
        |c, s| each(c, s, |stream| stream.evidence_log10),
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
        |c, s| each(c, s, |stream| stream.alarmed.map(|on| f64::from(u8::from(on)))),
    ),
    counter(
        "change_alarms_total",
        LABELS,
        "How often the alarm went off, as far as the state reaches back. No series before the first \
         alarm, which increase() therefore misses: count the changes of \
         change_last_alarm_timestamp_seconds.",
        |c, s| {
            c.streams.iter().try_for_each(|stream| {
                let alarms = Some(stream.alarms).filter(|alarms| *alarms > 0);
                s.maybe_counter(&labels(c, stream), alarms)
            })
        },
    ),
    gauge(
        "change_last_alarm_timestamp_seconds",
        LABELS,
        "Unix time at which the alarm last went off. Absent before the first.",
        |c, s| each(c, s, |stream| stream.last_alarm_unix_millis.map(unix_seconds)),
    ),
];

/// Once per workload.
pub(in crate::metrics) static CHANGE_WORKLOAD: &[Family<ChangeMetrics>] = &[
    gauge(
        "change_evidence_threshold",
        &["comparison"],
        "Decimal logarithm of the evidence that an alarm needs, whatever the signal.",
        |c, s| once(c, s, c.threshold_log10),
    ),
    gauge(
        "change_reference_samples",
        &["comparison"],
        "Observations in the reference, or collected for it so far, of the signal that has least of \
         them. Absent for comparisons.",
        #[allow(clippy::cast_precision_loss)] // nobody probes that often
        |c, s| once(c, s, c.reference_samples.map(|n| n as f64)),
    ),
    gauge(
        "change_reference_timestamp_seconds",
        &["comparison"],
        "Unix time at which the reference of the last signal was complete. Absent while one is being \
         collected, and for comparisons.",
        |c, s| once(c, s, c.reference_complete_unix_millis.map(unix_seconds)),
    ),
];

fn once(
    change: &ChangeMetrics,
    samples: &mut SampleWriter<'_, '_>,
    value: Option<f64>,
) -> fmt::Result {
    value.map_or(Ok(()), |value| samples.gauge(&[&change.comparison], value))
}

fn labels<'c>(change: &'c ChangeMetrics, stream: &StreamMetrics) -> [&'c str; 2] {
    [stream.signal.as_str(), &change.comparison]
}

/// A sample of each stream that has a value.
fn each(
    change: &ChangeMetrics,
    samples: &mut SampleWriter<'_, '_>,
    value: impl Fn(&StreamMetrics) -> Option<f64>,
) -> fmt::Result {
    change.streams.iter().try_for_each(|stream| match value(stream) {
        Some(value) => samples.gauge(&labels(change, stream), value),
        None => Ok(()),
    })
}

fn effect(
    change: &ChangeMetrics,
    samples: &mut SampleWriter<'_, '_>,
    of: impl Fn(&Estimate) -> Option<f64>,
) -> fmt::Result {
    each(change, samples, |stream| stream.effect.as_deref().and_then(&of))
}
