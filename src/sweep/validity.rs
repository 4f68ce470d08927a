//! Whether a level says something about the server, or about the prober.

use super::invalid_reason::InvalidReason;
use super::load::Load;
use super::statistics::quantile;
use super::tally::Tally;

/// Of an open loop, whose latencies run from the arrival: a request begins at most so late, or this
/// share of the usual request latency: seconds, share.
const LATE: (f64, f64) = (0.01, 0.05);
/// Of a closed loop: of their time, users wait at most so much for the prober. So much lower is the
/// load than it says; no latency has that wait in it.
const IDLE: f64 = 0.05;
/// Of the content events that share a read, and of the reads that come late: above both, the prober
/// itself has put tokens together.
const COALESCED: f64 = 0.05;
/// Of all processors.
const CPU: f64 = 0.9;

/// What speaks against a level, in the order of the enum; nothing where it is valid.
#[must_use]
#[allow(clippy::cast_precision_loss)] // counts are far below 2^53
pub(super) fn invalid_reasons(tally: &Tally) -> Vec<InvalidReason> {
    let share = |part: u64, all: u64| if all == 0 { 0.0 } else { part as f64 / all as f64 };
    let coalesced = share(tally.coalesced, tally.events) > COALESCED
        && share(tally.reading.late, tally.reading.reads) > COALESCED;
    let error = |reason: &str| tally.errors.contains_key(reason);
    let mut reasons: Vec<_> = [
        (is_delayed(tally), InvalidReason::ScheduleDelay),
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

fn is_delayed(tally: &Tally) -> bool {
    match tally.load {
        Load::Closed { .. } => {
            let waited: f64 = tally.delays.iter().sum();
            waited > IDLE * (waited + tally.asking)
        }
        Load::Open { .. } => {
            let at = |values: &[f64], q| {
                let mut sorted = values.to_vec();
                sorted.sort_by(f64::total_cmp);
                quantile(&sorted, q)
            };
            let usual = at(&tally.request_latency, 0.5).unwrap_or(0.0);
            let (at_least, of_latency) = LATE;
            at(&tally.delays, 0.99)
                .is_some_and(|late| late > f64::max(at_least, of_latency * usual))
        }
    }
}
