//! Whether a level says something about the server, or about the prober.

use super::invalid_reason::InvalidReason;
use super::statistics::quantile;
use super::tally::Tally;

/// A request begins at most so late, or this share of the usual request latency: seconds, share.
const SCHEDULE_DELAY: (f64, f64) = (0.01, 0.05);
/// Of the content events that share a read, and of the reads that come late: above both, the prober
/// itself has put tokens together.
const COALESCED: f64 = 0.05;
/// Of all processors.
const CPU: f64 = 0.9;

/// What speaks against a level, in the order of the enum; nothing where it is valid.
#[must_use]
#[allow(clippy::cast_precision_loss)] // counts are far below 2^53
pub(super) fn invalid_reasons(tally: &Tally) -> Vec<InvalidReason> {
    let sorted = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted
    };
    let share = |part: u64, all: u64| if all == 0 { 0.0 } else { part as f64 / all as f64 };
    let delay = quantile(&sorted(&tally.delays), 0.99);
    let usual = quantile(&sorted(&tally.request_latency), 0.5).unwrap_or(0.0);
    let (at_least, of_latency) = SCHEDULE_DELAY;
    let delayed = delay.is_some_and(|delay| delay > f64::max(at_least, of_latency * usual));
    let coalesced = share(tally.coalesced, tally.events) > COALESCED
        && share(tally.reading.late, tally.reading.reads) > COALESCED;
    let error = |reason: &str| tally.errors.contains_key(reason);
    let mut reasons: Vec<_> = [
        (delayed, InvalidReason::ScheduleDelay),
        (coalesced, InvalidReason::Coalesced),
        (error("late"), InvalidReason::Late),
        (tally.cpu.is_some_and(|share| share > CPU), InvalidReason::Cpu),
        (error("internal"), InvalidReason::Internal),
        (tally.sent + tally.not_sent == 0, InvalidReason::Empty),
    ]
    .into_iter()
    .filter_map(|(holds, reason)| holds.then_some(reason))
    .chain(tally.stopped)
    .collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}
