//! Whether a target is probed often enough for the burn-rate alerts of its SLOs.

use std::time::Duration;

use super::duration::Scale;
use super::parts::percent;
use crate::answer::slo::{PAGE_BURN_RATE, Slo};
use crate::target::Target;
use crate::text::units::HumanDuration;

/// The windows of that alert for a period of 30 days.
const LONG: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_secs(300);
/// An alert needs as many bad probes in its long window.
const LEAST_BAD: f64 = 5.0;
/// As many probes in the short window leave one in twenty of them empty at random arrivals.
const LEAST_RECENT: f64 = 3.0;

/// A warning where the fastest alert of an SLO needs more probes than there will be, with the
/// interval that is enough.
#[must_use]
pub fn too_few_probes(target: &Target, slo: &Slo) -> Option<String> {
    let share = covered_share(target, slo);
    if share <= 0.0 {
        return Some(format!("{}: covers no workload of this target, nothing counts", slo.name));
    }
    let enough = enough(slo).mul_f64(share);
    if target.schedule.interval <= enough {
        return None;
    }
    let objective = percent(slo.objective);
    let every = |d| HumanDuration(d).to_string();
    Some(format!(
        "{}: one probe per {} is too few for {objective} %: its fastest alert would see fewer than \
         {LEAST_BAD} bad probes while the budget burns at {PAGE_BURN_RATE} times its rate; one per \
         {} is enough",
        slo.name,
        every(target.schedule.interval),
        every(whole(enough))
    ))
}

/// The longest mean time between two probes that the SLO covers with which its fastest alert can
/// be trusted.
fn enough(slo: &Slo) -> Duration {
    let scale = Scale::to(slo.window);
    let bad = PAGE_BURN_RATE * (1.0 - slo.objective);
    let by_count = scale.window(LONG).mul_f64(bad / LEAST_BAD);
    by_count.min(scale.window(SHORT).mul_f64(1.0 / LEAST_RECENT))
}

/// The part of the target's probes that the SLO covers.
fn covered_share(target: &Target, slo: &Slo) -> f64 {
    let total: f64 = target.workloads.iter().map(|w| w.weight).sum();
    let covered = target.workloads.iter().filter(|w| slo.covers(&w.name));
    covered.map(|w| w.weight).sum::<f64>() / total
}

/// Rounded down to what reads well.
fn whole(duration: Duration) -> Duration {
    match duration.as_secs() {
        0 => Duration::from_millis(u64::from(duration.subsec_millis())),
        seconds => Duration::from_secs(seconds),
    }
}
