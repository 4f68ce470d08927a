//! When a latency's alarm may be raised and is over, for pairs as for the past.

use super::alarm::{Alarm, Change};
use super::recent::Recent;
use super::tolerance::Tolerance;

/// Observations whose median must be beyond the tolerance for an alarm: few, so that an outage
/// found within eight probes need not wait long.
pub(super) const TO_RAISE: usize = 15;

/// An alarm lasts at least so many observations: fewer have no settled median.
const TO_CLEAR_LEAST: usize = 60;

/// An alarm is over once the median of so many, at most, is within the tolerance, and there is
/// evidence that the change has gone.
const TO_CLEAR_MOST: usize = 120;

/// Takes up one observation whose `ln` ratio has been pushed to `recent`. `tail`: whether the tail is
/// slower, whatever the median is.
pub(super) fn step(
    alarm: &mut Alarm,
    reached: bool,
    tail: impl FnOnce() -> bool,
    recovered: impl Fn() -> bool,
    recent: &Recent,
    tolerance: Tolerance,
) -> Option<Change> {
    let beyond = |most| recent.median_of_last(most).is_some_and(|median| median > tolerance.ln());
    alarm.step(
        reached,
        || beyond(TO_RAISE) || tail(),
        |since| since >= TO_CLEAR_LEAST && !beyond(since.min(TO_CLEAR_MOST)) && recovered(),
    )
}

/// The median ratio an alarm is raised by.
pub(super) fn recent_ratio(recent: &Recent) -> Option<f64> {
    recent.median_of_last(TO_RAISE).map(f64::exp)
}
