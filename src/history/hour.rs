//! The last hour of a target, summed up for people.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::digest::{Digest, Quantiles};
use super::minutes::{MINUTES, Minute, Minutes, SPAN, SloCount};
use crate::failure::FailureReason;
use crate::slo::Slo;
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

/// One SLO over the hour.
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
    /// Time to first token.
    pub ttft: Option<Quantiles>,
    /// Inter-token latency.
    pub itl: Option<Quantiles>,
}

impl Hour {
    /// The hour that ends with the minute `now`, without probes.
    pub(super) fn empty(target: &Target, now: i64) -> Self {
        Self::of(target, &Minutes::default(), now)
    }

    pub(super) fn of(target: &Target, minutes: &Minutes, now: i64) -> Self {
        let mut hour = Self {
            points: points(now),
            probes: 0,
            good: 0,
            failures: BTreeMap::new(),
            slos: Vec::new(),
            ttft: None,
            itl: None,
        };
        let (mut ttft, mut itl) = (Digest::default(), Digest::default());
        for minute in minutes.until(now) {
            hour.add(minute, now);
            ttft.merge(&minute.ttft);
            itl.merge(&minute.itl);
        }
        hour.slos = slos(target, minutes, now);
        (hour.ttft, hour.itl) = (ttft.quantiles(), itl.quantiles());
        hour
    }

    fn add(&mut self, minute: &Minute, now: i64) {
        self.probes += minute.probes;
        self.good += minute.good;
        for (reason, count) in &minute.failures {
            *self.failures.entry(*reason).or_default() += count;
        }
        let age = usize::try_from(now - minute.number).unwrap_or(MINUTES);
        let Some(point) = (MINUTES - 1).checked_sub(age).and_then(|i| self.points.get_mut(i))
        else {
            return;
        };
        point.probes = minute.probes;
        point.good = minute.good;
        point.failures = minute.failures.iter().map(|(_, n)| n).sum();
        point.ttft = minute.ttft.quantiles();
        point.itl = minute.itl.quantiles();
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
    let mut sums = vec![SloCount::default(); target.slos.len()];
    for minute in minutes.until(now) {
        for (sum, count) in sums.iter_mut().zip(&minute.slos) {
            *sum = sum.plus(*count);
        }
    }
    target.slos.iter().zip(sums).map(|(slo, n)| slo_hour(slo, n)).collect()
}

fn slo_hour(slo: &Arc<Slo>, count: SloCount) -> SloHour {
    SloHour {
        slo: Arc::clone(slo),
        probes: count.probes,
        good: count.good,
        goodput: (count.rated > 0).then(|| count.goodput / f64::from(count.rated)),
    }
}
