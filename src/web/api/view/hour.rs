//! The last hour of a target.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::memory::history::{Hour, Point, Quantiles, SloHour};

/// The hour that ends with the current minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HourView {
    /// Probes that ended.
    pub probes: u32,
    /// Those that succeeded and were good by every SLO.
    pub good: u32,
    /// Those that failed, by reason.
    pub failures: BTreeMap<String, u32>,
    /// Time to first token; null where no probe had one.
    pub ttft: Option<QuantilesView>,
    /// Inter-token latency; null where no probe had one.
    pub itl: Option<QuantilesView>,
    /// The target's SLOs.
    pub slos: Vec<SloView>,
    /// Minute by minute.
    pub minutes: MinutesView,
}

/// Quantiles in seconds, each within 1.1 %.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuantilesView {
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
}

/// One SLO over the hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SloView {
    /// Name of the SLO.
    pub slo: String,
    /// The share of probes that shall be good, 0 to 1.
    pub objective: f64,
    /// Probes it covers.
    pub probes: u32,
    /// Those of them that were good.
    pub good: u32,
    /// Good / all; null without probes.
    pub attainment: Option<f64>,
    /// Mean over the probes of output tokens per second, 0 for one that was not good; null without
    /// a probe that has a rate.
    pub goodput: Option<f64>,
}

/// 60 minutes, oldest first; lists of 60 values each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MinutesView {
    /// When the first minute began, Unix seconds.
    pub start_unix_seconds: i64,
    /// Probes that started in the minute and have ended.
    pub probes: Vec<u32>,
    /// Those of them that succeeded and were good by every SLO.
    pub good: Vec<u32>,
    /// Those of them that failed.
    pub failures: Vec<u32>,
    /// Median time to first token in seconds; null where no probe had one.
    pub ttft_p50: Vec<Option<f64>>,
    /// 95th percentile of time to first token in seconds.
    pub ttft_p95: Vec<Option<f64>>,
    /// Median inter-token latency in seconds.
    pub itl_p50: Vec<Option<f64>>,
    /// 95th percentile of inter-token latency in seconds.
    pub itl_p95: Vec<Option<f64>>,
}

/// Whole microseconds: more digits than that would only look exact.
fn rounded(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e6
}

impl From<&Quantiles> for QuantilesView {
    fn from(q: &Quantiles) -> Self {
        Self { p50: rounded(q.p50), p95: rounded(q.p95), p99: rounded(q.p99) }
    }
}

impl From<&SloHour> for SloView {
    fn from(hour: &SloHour) -> Self {
        Self {
            slo: hour.slo.name.clone(),
            objective: hour.slo.objective,
            probes: hour.probes,
            good: hour.good,
            attainment: hour.attainment(),
            goodput: hour.goodput,
        }
    }
}

impl From<&[Point]> for MinutesView {
    fn from(points: &[Point]) -> Self {
        let counts = |of: fn(&Point) -> u32| points.iter().map(of).collect();
        let times = |of: fn(&Point) -> Option<Duration>| {
            points.iter().map(|p| of(p).map(rounded)).collect()
        };
        Self {
            start_unix_seconds: points.first().map_or(0, |p| p.unix_seconds),
            probes: counts(|p| p.probes),
            good: counts(|p| p.good),
            failures: counts(|p| p.failures),
            ttft_p50: times(|p| p.ttft.map(|q| q.p50)),
            ttft_p95: times(|p| p.ttft.map(|q| q.p95)),
            itl_p50: times(|p| p.itl.map(|q| q.p50)),
            itl_p95: times(|p| p.itl.map(|q| q.p95)),
        }
    }
}

impl From<&Hour> for HourView {
    fn from(hour: &Hour) -> Self {
        let failures = hour.failures.iter().map(|(r, n)| (r.as_str().to_owned(), *n));
        Self {
            probes: hour.probes,
            good: hour.good,
            failures: failures.collect(),
            ttft: hour.ttft.as_ref().map(QuantilesView::from),
            itl: hour.itl.as_ref().map(QuantilesView::from),
            slos: hour.slos.iter().map(SloView::from).collect(),
            minutes: MinutesView::from(&*hour.points),
        }
    }
}
