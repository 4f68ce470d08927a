//! One run of a sweep, in numbers that are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::result::SweepResult;
use crate::sweep::level::Level;
use crate::sweep::statistics::Statistics;
use crate::sweep::tally::Tally;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepRun {
    /// When it began, milliseconds since the Unix epoch.
    pub began: u64,
    /// When it was over, the same.
    pub ended: u64,
    /// How.
    pub result: SweepResult,
    /// The levels that were begun, fewest users first.
    pub levels: Vec<SweepLevel>,
    /// Users of the largest good level, 0 where none is. `None` where the run does not tell.
    pub knee: Option<u32>,
}

/// One level of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepLevel {
    /// Who ask again when answered.
    pub users: u32,
    /// Sent, and not given up by the prober.
    pub requests: u64,
    /// Those that succeeded and met every SLO.
    pub good: u64,
    /// Those that failed, by reason.
    pub errors: BTreeMap<String, u64>,
    /// Of the successes, in seconds.
    pub ttft: Option<Percentiles>,
    /// Of the successes, in seconds.
    pub itl: Option<Percentiles>,
    /// Of the successes, in seconds.
    pub request_latency: Option<Percentiles>,
    /// Good / sent, 0 to 1.
    pub attainment: Option<f64>,
    /// Successes per second.
    pub request_rate: Option<f64>,
    /// Whether it was made to its end, and the prober was not its bottleneck.
    pub valid: bool,
}

/// A sample in three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// The median.
    pub p50: f64,
    /// The quantile 0.95.
    pub p95: f64,
    /// The quantile 0.99.
    pub p99: f64,
}

impl Percentiles {
    fn of(Statistics { p50, p95, p99, .. }: Statistics) -> Self {
        Self { p50, p95, p99 }
    }

    /// Each with its number in the label of a metric.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, f64)> {
        [("50", self.p50), ("95", self.p95), ("99", self.p99)].into_iter()
    }
}

impl SweepLevel {
    fn of(tally: &Tally) -> Option<Self> {
        let level = Level::of(std::slice::from_ref(tally))?;
        Some(Self {
            users: level.concurrency,
            requests: level.sent - level.cancelled,
            good: tally.good,
            errors: level.errors.iter().map(|(reason, n)| ((*reason).to_owned(), *n)).collect(),
            ttft: level.ttft.map(Percentiles::of),
            itl: level.itl.map(Percentiles::of),
            request_latency: level.request_latency.map(Percentiles::of),
            attainment: level.attainment,
            request_rate: level.request_rate,
            valid: level.valid,
        })
    }
}

impl SweepRun {
    /// Of the levels that were begun; `broken_off` says why there are no more, if there were to be
    /// more. `attainment` is what a good level has.
    #[must_use]
    pub fn of(
        (began, ended): (u64, u64),
        tallies: &[Tally],
        broken_off: Option<SweepResult>,
        attainment: f64,
    ) -> Self {
        let levels: Vec<_> = tallies.iter().filter_map(SweepLevel::of).collect();
        let result = broken_off.unwrap_or_else(|| {
            let valid = levels.iter().all(|level| level.valid);
            if valid { SweepResult::Complete } else { SweepResult::Invalid }
        });
        let knee = knee(&levels, result, attainment);
        Self { began, ended, result, levels, knee }
    }
}

/// A level at which the sweep was broken off because of what it did to the server is not good; at the
/// first one, failures say that the server is ill, and nothing about load.
fn knee(levels: &[SweepLevel], result: SweepResult, attainment: f64) -> Option<u32> {
    let whole = match levels.split_last() {
        _ if result == SweepResult::Complete => levels,
        Some((_, before)) if result == SweepResult::Ttft => before,
        Some((_, before)) if result.is_overload() && !before.is_empty() => before,
        _ => return None,
    };
    if whole.iter().any(|level| !level.valid) {
        return None;
    }
    let good = whole.iter().filter(|level| level.attainment.is_some_and(|a| a >= attainment));
    Some(good.map(|level| level.users).max().unwrap_or(0))
}
