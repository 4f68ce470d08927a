//! What one metric is.

use std::fmt;
use std::time::SystemTime;

use prometheus::metrics::MetricType;

use crate::metrics::samples::SampleWriter;

/// Writes the samples of one source.
pub(super) type Samples<T> = fn(&T, &mut SampleWriter<'_, '_>) -> fmt::Result;

/// One metric: what it is called, what it means, what it reads.
pub(in crate::metrics) struct Family<T> {
    /// As exposed in the classic text format, without the prefix.
    pub name: &'static str,
    /// Type.
    pub kind: MetricType,
    /// The labels of its own.
    pub labels: &'static [&'static str],
    /// What exactly is measured, and what is not.
    pub help: &'static str,
    /// Writes the samples.
    pub samples: Samples<T>,
}

/// Units that may end a name. They are announced by `# UNIT` where the format has it.
const UNITS: [&str; 8] =
    ["seconds", "bytes", "ratio", "dollars", "celsius", "watts", "joules", "hertz"];

impl<T> Family<T> {
    /// The unit that the name ends in, before the suffix of the type.
    pub fn unit(&self) -> Option<&'static str> {
        let name = match self.kind {
            MetricType::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            _ => self.name,
        };
        let ends = |unit: &&str| name.strip_suffix(unit).is_some_and(|stem| stem.ends_with('_'));
        UNITS.into_iter().find(ends)
    }
}

pub(super) const fn family<T>(
    name: &'static str,
    kind: MetricType,
    labels: &'static [&'static str],
    help: &'static str,
    samples: Samples<T>,
) -> Family<T> {
    Family { name, kind, labels, help, samples }
}

pub(super) const fn counter<T>(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    samples: Samples<T>,
) -> Family<T> {
    family(name, MetricType::Counter, labels, help, samples)
}

pub(super) const fn gauge<T>(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    samples: Samples<T>,
) -> Family<T> {
    family(name, MetricType::Gauge, labels, help, samples)
}

pub(super) const fn histogram<T>(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    samples: Samples<T>,
) -> Family<T> {
    family(name, MetricType::Histogram, labels, help, samples)
}

/// As a timestamp gauge wants it; `None` for a clock before 1970.
pub(super) fn unix_seconds(at: SystemTime) -> Option<f64> {
    at.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_stands_at_the_end_of_a_name() {
        let check = |kind, name: &'static str, unit: Option<&str>| {
            assert_eq!(family::<()>(name, kind, &[], "", |(), _| Ok(())).unit(), unit, "{name}");
        };
        check(MetricType::Counter, "probes_total", None);
        check(MetricType::Counter, "cost_dollars_total", Some("dollars"));
        check(MetricType::Info, "target_info", None);
        check(MetricType::Gauge, "last_probe_timestamp_seconds", Some("seconds"));
        check(MetricType::Histogram, "output_tokens_per_second", None);
    }
}
