//! When the rounds of a comparison come.

use std::sync::Arc;
use std::time::Duration;

use serde_yaml::Location;

use super::timing;
use crate::config::error::Report;
use crate::config::keys::range_in_words;
use crate::config::raw::{self, DEFAULT_SPEED, INTERVALS, SPEEDS};
use crate::regression::comparison::Timing;
use crate::target::Target;
use crate::target::schedule::{Arrival, Schedule};
use crate::text::units::HumanDuration;
use crate::workload::Workload;
use crate::workload::replay::{self, Replay};

/// What the keys ask for.
pub(super) enum Wanted {
    /// Left out: the longer interval of the two targets.
    Every(Option<Duration>),
    /// At the recorded times, so many times as fast.
    Recorded { speed: f64, arrivals: Location },
}

/// Checks the keys by themselves.
pub(super) fn wanted(raw: &raw::Comparison, report: &mut Report<'_>) -> Option<Wanted> {
    let speed = speed(raw, report);
    let interval = raw.interval.as_ref().map(|i| timing::interval(Some(i), report));
    let Some(arrivals) = &raw.arrivals else {
        speed?;
        return Some(Wanted::Every(match interval {
            Some(interval) => Some(interval?),
            None => None,
        }));
    };
    if let Some(interval) = &raw.interval {
        let why = "interval beside recorded arrivals, expected only one of them";
        return report.add(interval.referenced, why);
    }
    Some(Wanted::Recorded { speed: speed?, arrivals: arrivals.referenced })
}

/// The same of these targets and these workloads of theirs.
pub(super) fn timing(
    wanted: &Wanted,
    sides: [&Arc<Target>; 2],
    workloads: &[Arc<Workload>],
    report: &mut Report<'_>,
) -> Option<Timing> {
    match *wanted {
        Wanted::Every(interval) => {
            let [baseline, candidate] = sides.map(|side| side.schedule);
            let default = baseline.interval.max(candidate.interval);
            let interval = interval.unwrap_or(default);
            // What is recorded of one side is no plan for rounds.
            let arrival = match baseline.arrival {
                Arrival::Recorded { .. } => Arrival::Poisson,
                other => other,
            };
            Some(Schedule { interval, arrival }.into())
        }
        Wanted::Recorded { speed, arrivals } => {
            report.check(arrivals, replay(workloads, speed)).map(Timing::Recorded)
        }
    }
}

fn speed(raw: &raw::Comparison, report: &mut Report<'_>) -> Option<f64> {
    let Some(speed) = &raw.speed else { return Some(DEFAULT_SPEED) };
    if raw.arrivals.is_none() {
        let why = "speed without recorded arrivals, expected `arrivals: recorded`";
        return report.add(speed.referenced, why);
    }
    if !SPEEDS.contains(&speed.value) {
        let (least, most) = (SPEEDS.start(), SPEEDS.end());
        let why = format!("speed out of range, expected a number from {least} to {most}");
        return report.add(speed.referenced, why);
    }
    Some(speed.value)
}

/// Why requests cannot be sent as they were recorded.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReplayError {
    #[error(transparent)]
    NotRecorded(#[from] replay::ReplayError),
    #[error(
        "the recorded requests come every {0} on average, expected {range}; change `speed` or \
         `sample`",
        range = range_in_words(&INTERVALS)
    )]
    Interval(HumanDuration),
}

/// Held to the same mean times as other rounds.
pub(super) fn replay(workloads: &[Arc<Workload>], speed: f64) -> Result<Replay, ReplayError> {
    let replay = Replay::of(workloads, speed)?;
    if !INTERVALS.contains(&replay.interval()) {
        return Err(ReplayError::Interval(HumanDuration(replay.interval())));
    }
    Ok(replay)
}
