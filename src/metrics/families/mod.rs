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
mod family;
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
mod sweep;
mod target;

pub(super) use change::{CHANGE, CHANGE_WORKLOAD};
pub(super) use comparison::COMPARISON;
pub(super) use dcgm::DCGM;
pub(super) use family::Family;
pub(super) use gpu::{GPU, GPU_DRIVER, GPU_LABELS};
pub(super) use gpu_instance::{GPU_INSTANCE, INSTANCE_LABELS};
pub(super) use latency::{PRIMARY, SCHEDULE_DELAY, SECONDARY};
pub(super) use one_probe::{ONE_PROBE, OneProbe};
pub(super) use outage::OUTAGE;
pub(super) use prober::PROBER;
pub(super) use probes::PROBES;
pub(super) use process::PROCESS;
pub(super) use server::{SERVER, SERVER_LOAD};
pub(super) use slo::{SLO, SLO_CONSUMPTION};
pub(super) use sweep::SWEEP;
pub(super) use target::TARGET;

pub use super::target_labels::TARGET_LABELS;

/// In front of every name but `process_*`.
pub const PREFIX: &str = "llm_prober";

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
        let probe = probe.chain(own(SLO_CONSUMPTION)).chain(own(CHANGE_WORKLOAD));
        let beside = own(SERVER).chain(own(SERVER_LOAD)).chain(own(TARGET)).chain(own(CHANGE));
        let beside = beside.chain(own(SWEEP));
        let free = |label: &&str| check_label(label) != Err(LabelError::Reserved((*label).into()));
        let free: Vec<_> = probe.chain(beside).chain(TARGET_LABELS).filter(free).collect();
        assert_eq!(free, [""; 0]);
    }
}
