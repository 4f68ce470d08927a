//! What one metric is.

use std::fmt;
use std::time::SystemTime;

use prometheus::metrics::MetricType;
use prometheus::registry::Unit;

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
    /// Name and unit as the client library wants them: it appends the unit and the suffix of the
    /// type itself.
    pub fn descriptor(&self) -> (&'static str, Option<Unit>) {
        let suffix = match self.kind {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        let name = self.name.strip_suffix(suffix).unwrap_or(self.name);
        for unit in UNITS {
            if let Some(stem) = name.strip_suffix(unit).and_then(|n| n.strip_suffix('_')) {
                return (stem, Some(Unit::Other(unit.to_owned())));
            }
        }
        (name, None)
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
    fn names_are_taken_apart_as_the_client_puts_them_together() {
        let check = |kind, name: &'static str, stem, unit: Option<&str>| {
            let family = family::<()>(name, kind, &[], "", |(), _| Ok(()));
            let (found, found_unit) = family.descriptor();
            assert_eq!((found, found_unit.as_ref().map(Unit::as_str)), (stem, unit), "{name}");
        };
        check(MetricType::Counter, "probes_total", "probes", None);
        check(MetricType::Counter, "cost_dollars_total", "cost", Some("dollars"));
        check(MetricType::Info, "target_info", "target", None);
        check(
            MetricType::Gauge,
            "last_probe_timestamp_seconds",
            "last_probe_timestamp",
            Some("seconds"),
        );
        check(MetricType::Histogram, "output_tokens_per_second", "output_tokens_per_second", None);
    }
}
