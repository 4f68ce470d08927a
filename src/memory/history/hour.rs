//! The last hour of a target, summed up for people.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::digest::Quantiles;
use super::minutes::{MINUTES, Minute, Minutes, SPAN};
use super::tally::{SloCount, Tally};
use crate::answer::failure::FailureReason;
use crate::answer::slo::Slo;
use crate::target::Target;

/// One minute.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// When it began, Unix seconds.
    pub unix_seconds: i64,
    /// Probes that started in it and have ended.
    pub probes: u32,
    /// Those that succeeded and were good by every SLO.
    pub good: u32,
    /// Those that failed.
    pub failures: u32,
    /// Time to first token; absent where no probe had one.
    pub ttft: Option<Quantiles>,
    /// Inter-token latency; absent where no probe had one.
    pub itl: Option<Quantiles>,
}

/// One SLO over the hour, or over another window.
#[derive(Debug, Clone, PartialEq)]
pub struct SloHour {
    /// Which.
    pub slo: Arc<Slo>,
    /// Probes it covers.
    pub probes: u32,
    /// Those of them that were good.
    pub good: u32,
    /// Mean over the probes of output tokens per second, 0 for one that was not good. Absent
    /// without a probe that has a rate.
    pub goodput: Option<f64>,
}

impl SloHour {
    pub(super) fn of(slo: Arc<Slo>, count: SloCount) -> Self {
        Self {
            slo,
            probes: count.probes,
            good: count.good,
            goodput: (count.rated > 0).then(|| count.goodput / f64::from(count.rated)),
        }
    }

    /// Good / all; absent without probes.
    #[must_use]
    pub fn attainment(&self) -> Option<f64> {
        (self.probes > 0).then(|| f64::from(self.good) / f64::from(self.probes))
    }
}

/// The hour that ends with the current minute.
#[derive(Debug, Clone, PartialEq)]
pub struct Hour {
    /// One per minute, oldest first, always [`MINUTES`] of them.
    pub points: Vec<Point>,
    /// Probes that ended.
    pub probes: u32,
    /// Those that succeeded and were good by every SLO.
    pub good: u32,
    /// Those that failed, by reason.
    pub failures: BTreeMap<FailureReason, u32>,
    /// In the order of the target's SLOs.
    pub slos: Vec<SloHour>,
    /// When it became another server or model, Unix seconds.
    pub moved: Vec<i64>,
    /// Time to first token.
    pub ttft: Option<Quantiles>,
    /// Inter-token latency.
    pub itl: Option<Quantiles>,
}

impl Hour {
    pub(super) fn of(target: &Target, minutes: &Minutes, now: i64) -> Self {
        let mut hour = Self {
            points: points(now),
            probes: 0,
            good: 0,
            failures: BTreeMap::new(),
            slos: Vec::new(),
            moved: Vec::new(),
            ttft: None,
            itl: None,
        };
        let mut all = Tally::default();
        for minute in minutes.until(now) {
            hour.point(&minute, now);
            all.merge(&minute.tally);
        }
        (hour.probes, hour.good) = (all.probes, all.good);
        hour.failures = all.failures.iter().copied().collect();
        hour.slos = slos_of(target, &all);
        (hour.ttft, hour.itl) = (all.ttft.quantiles(), all.itl.quantiles());
        hour
    }

    fn point(&mut self, minute: &Minute, now: i64) {
        let age = usize::try_from(now - minute.number).unwrap_or(MINUTES);
        let Some(point) = (MINUTES - 1).checked_sub(age).and_then(|i| self.points.get_mut(i))
        else {
            return;
        };
        let tally = &minute.tally;
        point.probes = tally.probes;
        point.good = tally.good;
        point.failures = tally.failures.iter().map(|(_, n)| n).sum();
        point.ttft = tally.ttft.quantiles();
        point.itl = tally.itl.quantiles();
    }
}

fn points(now: i64) -> Vec<Point> {
    let empty = |number: i64| Point {
        unix_seconds: number * 60,
        probes: 0,
        good: 0,
        failures: 0,
        ttft: None,
        itl: None,
    };
    (now - SPAN + 1..=now).map(empty).collect()
}

/// Each SLO of a target over the hour that ends with the minute `now`.
pub(super) fn slos(target: &Target, minutes: &Minutes, now: i64) -> Vec<SloHour> {
    slos_of(target, &minutes.slos(now))
}

pub(super) fn slos_of(target: &Target, tally: &Tally) -> Vec<SloHour> {
    let slo = |slo: &Arc<Slo>| SloHour::of(Arc::clone(slo), tally.slo(slo.basis()));
    target.slos.iter().map(slo).collect()
}
