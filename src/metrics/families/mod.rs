//! The contract: every metric's name, type, own labels, exact meaning and where its samples come
//! from, in one table per source. Dashboards and alerts are built on these names, so a change here
//! is a change of the interface; `tests/golden/metrics.txt` holds them.
//!
//! Names stand as they are exposed, without the prefix `llm_prober_` (the process families and
//! those of `dcgm` have none). Families of the tables about probes, targets and servers carry the
//! labels [`TARGET_LABELS`] and the union of
//! the targets' own label keys as well; a label that does not apply is empty.

mod change;
mod comparison;
mod dcgm;
mod gpu;
mod gpu_instance;
mod latency;
mod one_probe;
mod outage;
mod prober;
mod probes;
mod process;
mod server;
mod slo;
mod target;

use std::fmt;
use std::time::SystemTime;

use prometheus::metrics::MetricType;
use prometheus::registry::Unit;

pub(super) use change::CHANGE;
pub(super) use comparison::COMPARISON;
pub(super) use dcgm::DCGM;
pub(super) use gpu::{GPU, GPU_DRIVER, GPU_LABELS};
pub(super) use gpu_instance::{GPU_INSTANCE, INSTANCE_LABELS};
pub(super) use latency::{PRIMARY, SECONDARY};
pub(super) use one_probe::ONE_PROBE;
pub(super) use outage::OUTAGE;
pub(super) use prober::PROBER;
pub(super) use probes::PROBES;
pub(super) use process::PROCESS;
pub(super) use server::{SERVER, SERVER_LOAD};
pub(super) use slo::SLO;
pub(super) use target::TARGET;

use super::samples::SampleWriter;

/// In front of every name but `process_*`.
pub const PREFIX: &str = "llm_prober";

/// The labels that every probe metric has, before the users' own.
pub const TARGET_LABELS: [&str; 3] = ["target", "model", "workload"];

/// Labels that Prometheus, its clients and its usual set-ups give a meaning of their own.
const FOREIGN_LABELS: [&str; 6] = ["instance", "job", "le", "quantile", "trace_id", "alertname"];

/// Writes the samples of one source.
type Samples<T> = fn(&T, &mut SampleWriter<'_, '_>) -> fmt::Result;

/// One metric: what it is called, what it means, what it reads.
pub(super) struct Family<T> {
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

const fn family<T>(
    name: &'static str,
    kind: MetricType,
    labels: &'static [&'static str],
    help: &'static str,
    samples: Samples<T>,
) -> Family<T> {
    Family { name, kind, labels, help, samples }
}

const fn counter<T>(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    samples: Samples<T>,
) -> Family<T> {
    family(name, MetricType::Counter, labels, help, samples)
}

const fn gauge<T>(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    samples: Samples<T>,
) -> Family<T> {
    family(name, MetricType::Gauge, labels, help, samples)
}

const fn histogram<T>(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    samples: Samples<T>,
) -> Family<T> {
    family(name, MetricType::Histogram, labels, help, samples)
}

/// As a timestamp gauge wants it; `None` for a clock before 1970.
fn unix_seconds(at: SystemTime) -> Option<f64> {
    at.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs_f64())
}

/// Whether a label name is taken, so that a target may not use it for a label of its own.
#[must_use]
pub fn is_reserved_label(name: &str) -> bool {
    fn own<T>(table: &'static [Family<T>]) -> impl Iterator<Item = &'static str> {
        table.iter().flat_map(|f| f.labels.iter().copied())
    }
    let probe = own(PROBES).chain(own(PRIMARY)).chain(own(SECONDARY)).chain(own(SLO));
    let beside = own(SERVER).chain(own(SERVER_LOAD)).chain(own(TARGET)).chain(own(CHANGE));
    let mut taken = probe.chain(beside).chain(TARGET_LABELS).chain(FOREIGN_LABELS);
    name.starts_with("__") || taken.any(|label| label == name)
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

    #[test]
    fn labels_with_a_meaning_are_reserved() {
        for name in
            ["target", "workload", "reason", "slo", "objective", "le", "job", "__name__", "url"]
        {
            assert!(is_reserved_label(name), "{name}");
        }
        for name in ["stack", "node", "region"] {
            assert!(!is_reserved_label(name), "{name}");
        }
    }
}
