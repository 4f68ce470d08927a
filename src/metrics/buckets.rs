//! Upper bounds of the classic buckets: default lists, made exact where an SLO has a threshold.
//!
//! Each short list is part of the long one, so that buckets of the same bound go on counting
//! whichever form is chosen.

use std::sync::Arc;

use super::options::HistogramForm;
use crate::answer::slo::{ObjectiveKind, Slo};

/// Seconds until a request shows something or is over.
pub(super) const REQUEST: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5,
    5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0,
];

/// Seconds per token.
pub(super) const TOKEN: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1,
    0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0,
];

/// Seconds of a part of a request; connection phases on a fast network take well below 1 ms.
pub(super) const PHASE: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 20.0, 40.0, 80.0, 160.0,
];

/// Output tokens per second of one request.
pub(super) const TOKEN_RATE: &[f64] = &[
    1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 125.0, 150.0,
    200.0, 300.0, 500.0, 1000.0, 2000.0,
];

/// The same, with a bucket of its own for 0: the requests that were not good.
pub(super) const GOODPUT: &[f64] = &[
    0.0, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 125.0, 150.0,
    200.0, 300.0, 500.0, 1000.0, 2000.0,
];

/// Prompt tokens per second of one request.
pub(super) const PREFILL_RATE: &[f64] = &[
    10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0, 25_000.0, 50_000.0,
    100_000.0, 250_000.0,
];

/// Requests at a server; the upper ends of the load classes are among them.
pub(super) const REQUESTS: &[f64] =
    &[0.0, 1.0, 2.0, 3.0, 4.0, 7.0, 15.0, 31.0, 63.0, 127.0, 255.0, 511.0, 1023.0];

/// A used share.
pub(super) const USAGE: &[f64] =
    &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99];
/// Joules per output token of a request that has its GPUs to itself.
pub(super) const ENERGY: &[f64] = &[
    0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0,
    250.0,
];

/// Observed / allowed. 1 must be among them: that bucket is the attainment.
pub(super) const CONSUMPTION: &[f64] =
    &[0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0];

/// [`REQUEST`] for the time to first token, in few buckets.
const FEW_TTFT: &[f64] = &[0.01, 0.04, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 40.0, 160.0];

/// [`TOKEN`] for the inter-token latency, in few buckets.
const FEW_ITL: &[f64] = &[0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 2.5];

/// [`REQUEST`] for the request latency, in few buckets.
const FEW_REQUEST_LATENCY: &[f64] = &[0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 40.0, 160.0];

/// [`REQUEST`] for the longest gap, in few buckets.
const FEW_LONGEST_GAP: &[f64] = &[0.02, 0.06, 0.1, 0.25, 0.5, 1.0, 5.0, 40.0];

/// [`CONSUMPTION`] in few buckets.
const FEW_CONSUMPTION: &[f64] = &[0.5, 0.8, 1.0, 1.5, 3.0];

/// Bounds of the figures that SLOs bound: the defaults and every threshold that is configured.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SloBounds {
    /// Time to first token.
    pub ttft: Arc<[f64]>,
    /// Inter-token latency.
    pub itl: Arc<[f64]>,
    /// Request latency.
    pub request_latency: Arc<[f64]>,
    /// Longest gap.
    pub longest_gap: Arc<[f64]>,
    /// Output tokens per second.
    pub tokens_per_second: Arc<[f64]>,
    /// Observed / allowed.
    pub consumption: &'static [f64],
}

impl SloBounds {
    /// The same bounds for every target of a configuration, so that they can be added up.
    pub fn new<'a>(form: HistogramForm, slos: &(impl Iterator<Item = &'a Slo> + Clone)) -> Self {
        let lean = form == HistogramForm::Lean;
        let with = |many: &[f64], few: &[f64], kind: ObjectiveKind| {
            let objectives = slos.clone().flat_map(|s| &s.objectives);
            let thresholds = objectives.filter(|o| o.kind == kind).map(|o| o.threshold);
            if lean { replace(few, thresholds) } else { union(many, thresholds) }
        };
        Self {
            ttft: with(REQUEST, FEW_TTFT, ObjectiveKind::Ttft),
            itl: with(TOKEN, FEW_ITL, ObjectiveKind::Itl),
            request_latency: with(REQUEST, FEW_REQUEST_LATENCY, ObjectiveKind::RequestLatency),
            longest_gap: with(REQUEST, FEW_LONGEST_GAP, ObjectiveKind::LongestGap),
            tokens_per_second: with(TOKEN_RATE, TOKEN_RATE, ObjectiveKind::TokensPerSecond),
            consumption: if lean { FEW_CONSUMPTION } else { CONSUMPTION },
        }
    }
}

fn union(defaults: &[f64], more: impl Iterator<Item = f64>) -> Arc<[f64]> {
    let mut bounds: Vec<f64> = defaults.iter().copied().chain(more).collect();
    bounds.sort_by(f64::total_cmp);
    bounds.dedup_by(|a, b| a.total_cmp(b).is_eq());
    bounds.into()
}

/// As many bounds as the defaults are, and every threshold among them: the defaults that are the
/// closest to a neighbour make room, the first and the last one never. More thresholds than that are
/// more bounds.
fn replace(defaults: &[f64], thresholds: impl Iterator<Item = f64>) -> Arc<[f64]> {
    let thresholds: Vec<f64> = thresholds.collect();
    let mut bounds = union(defaults, thresholds.iter().copied()).to_vec();
    let needed = |bound: f64| thresholds.iter().any(|t| t.total_cmp(&bound).is_eq());
    while bounds.len() > defaults.len() {
        let inner = bounds.windows(3).enumerate().filter(|(_, w)| !needed(w[1]));
        // Times, not differences: buckets are read on a logarithmic scale.
        let room = |w: &[f64]| (w[1] / w[0]).min(w[2] / w[1]);
        let closest = inner.min_by(|(_, a), (_, b)| room(a).total_cmp(&room(b)));
        let Some((before, _)) = closest else { break };
        bounds.remove(before + 1);
    }
    bounds.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_strictly_increasing() {
        for list in [
            REQUEST,
            TOKEN,
            PHASE,
            TOKEN_RATE,
            GOODPUT,
            PREFILL_RATE,
            REQUESTS,
            USAGE,
            ENERGY,
            CONSUMPTION,
        ] {
            assert!(list.windows(2).all(|w| w[0] < w[1]), "{list:?}");
        }
    }

    #[test]
    fn every_short_list_is_part_of_the_long_one() {
        for (few, many, bounds) in [
            (FEW_TTFT, REQUEST, 12),
            (FEW_ITL, TOKEN, 12),
            (FEW_REQUEST_LATENCY, REQUEST, 8),
            (FEW_LONGEST_GAP, REQUEST, 8),
            (FEW_CONSUMPTION, CONSUMPTION, 5),
        ] {
            assert_eq!(few.len(), bounds, "{few:?}");
            assert!(few.windows(2).all(|w| w[0] < w[1]), "{few:?}");
            assert!(few.iter().all(|bound| many.contains(bound)), "{few:?}");
        }
        assert!(FEW_CONSUMPTION.contains(&1.0), "that bucket is the attainment");
    }

    #[test]
    fn thresholds_take_the_place_of_the_default_that_is_missed_least() {
        let check = |thresholds: &[f64], expect: &[f64]| {
            let found = replace(&[0.1, 0.5, 1.0, 5.0], thresholds.iter().copied());
            assert_eq!(*found, *expect, "{thresholds:?}");
        };
        check(&[], &[0.1, 0.5, 1.0, 5.0]);
        check(&[0.5], &[0.1, 0.5, 1.0, 5.0]);
        check(&[0.9, 0.9], &[0.1, 0.5, 0.9, 5.0]);
        check(&[0.05], &[0.05, 0.5, 1.0, 5.0]);
        check(&[0.2, 0.3], &[0.1, 0.2, 0.3, 5.0]);
        // Beyond the ends as well, and more of them than there are defaults.
        check(&[0.01, 20.0], &[0.01, 0.1, 1.0, 20.0]);
        check(&[0.2, 0.3, 0.4], &[0.1, 0.2, 0.3, 0.4, 5.0]);
    }

    #[test]
    fn thresholds_join_the_defaults_once() {
        let bounds = union(&[0.1, 0.5], [0.3, 0.5, 2.0, 0.3].into_iter());
        assert_eq!(*bounds, [0.1, 0.3, 0.5, 2.0]);
    }
}
