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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::labels::{LabelError, check_label};

    #[test]
    fn no_target_may_have_a_label_that_a_series_of_its_own_carries() {
        fn own<T>(table: &'static [Family<T>]) -> impl Iterator<Item = &'static str> {
            table.iter().flat_map(|f| f.labels.iter().copied())
        }
        let probe = own(PROBES).chain(own(PRIMARY)).chain(own(SECONDARY)).chain(own(SLO));
        let beside = own(SERVER).chain(own(SERVER_LOAD)).chain(own(TARGET)).chain(own(CHANGE));
        let free = |label: &&str| check_label(label) != Err(LabelError::Reserved((*label).into()));
        let free: Vec<_> = probe.chain(beside).chain(TARGET_LABELS).filter(free).collect();
        assert_eq!(free, [""; 0]);
    }

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
