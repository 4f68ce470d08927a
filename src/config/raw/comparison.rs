//! `comparisons`.

use std::ops::{Bound, RangeInclusive};

use serde_yaml::Spanned;

use super::change_detection::PERIODS;
use super::parts::Maybe;
use super::target::{DEFAULT_SPEED, INTERVALS, SPEEDS};
use crate::config::keys::range::above;
use crate::config::percent::HumanPercent;
use crate::regression::detect::{DEFAULT_PERIOD, Tolerance};
use crate::text::units::HumanDuration;

/// Above, a candidate that takes twice as long would pass.
pub(in crate::config) const PAIR_TOLERANCES: RangeInclusive<HumanPercent> =
    HumanPercent(0.0)..=HumanPercent(1.0);
pub(in crate::config) const DEFAULT_FAILURE_MARGIN: HumanPercent = HumanPercent(0.01);
/// Misses of an SLO are more frequent than failures: a narrower margin would need many more pairs.
pub(in crate::config) const DEFAULT_SLO_MARGIN: HumanPercent = HumanPercent(0.05);
pub(in crate::config) const PAIR_MARGINS: (Bound<HumanPercent>, Bound<HumanPercent>) =
    above(HumanPercent(0.0), HumanPercent(0.5));
pub(in crate::config) const DEFAULT_LENGTH_RATIO: f64 = 2.0;
pub(in crate::config) const LENGTH_RATIOS: RangeInclusive<f64> = 1.0..=100.0;

keys! {
    struct Comparison {
        /// A unique name, the label `comparison`.
        name: Spanned<String> => shown,
        /// The name of the target in use.
        baseline: Spanned<String> => shown,
        /// The name of the target that is to replace it.
        candidate: Spanned<String> => shown,
        /// By how much a latency may be longer.
        tolerance: Maybe<HumanPercent> => shown
            .default(HumanPercent(Tolerance::PAIRS.delta()))
            .range(PAIR_TOLERANCES),
        /// By how much the share of failures may be higher, for `not_worse`.
        failure_margin: Maybe<HumanPercent> => shown
            .default(DEFAULT_FAILURE_MARGIN)
            .range(PAIR_MARGINS),
        /// By how much the share of missed SLOs may be higher, for `not_worse`.
        slo_margin: Maybe<HumanPercent> => shown.default(DEFAULT_SLO_MARGIN).range(PAIR_MARGINS),
        /// The mean time between rounds.
        interval: Maybe<HumanDuration> => shown
            .otherwise("the longer of the two targets' intervals")
            .range(INTERVALS),
        /// Instead of an interval, the times at which users asked: each captured request goes to
        /// both sides when it arrived, again and again with a mean gap between. Every workload here
        /// must hold captured requests with a `timestamp`. A burst above a target's `max_in_flight`
        /// is dropped, and counted, and so is what overlaps with `order: back_to_back`.
        arrivals: Maybe<Arrivals> => shown.otherwise("drawn, one per `interval` on average"),
        /// So many times as fast as recorded; only beside `arrivals: recorded`.
        speed: Maybe<f64> => shown.default(DEFAULT_SPEED).range(SPEEDS),
        /// How the two probes of a round follow each other.
        order: Option<Order> => shown.default("simultaneous"),
        /// The names of the workloads that are compared.
        workloads: Maybe<Vec<Spanned<String>>> => shown.otherwise("all that both targets have"),
        /// The mean time between false alarms of all comparisons together.
        false_alarm_every: Maybe<HumanDuration> => shown.default(DEFAULT_PERIOD).range(PERIODS),
        /// Compare the answers, too.
        agreement: Option<Agreement> => inside.otherwise("answers are not compared"),
    }
}

choices! {
    #[derive(Clone, Copy)]
    enum Arrivals {
        /// as the requests were recorded
        "recorded" => Recorded,
    }
}

choices! {
    #[derive(Clone, Copy)]
    enum Order {
        /// at the same instant
        "simultaneous" => Simultaneous,
        /// one after the other, for stacks that share hardware
        "back_to_back" => BackToBack,
    }
}

keys! {
    struct Agreement {
        /// The longer answer is at most so many times as long as the shorter.
        length_ratio: Maybe<f64> => shown.default(DEFAULT_LENGTH_RATIO).range(LENGTH_RATIOS),
        /// The answers are the same text; needs `extra_body: {temperature: 0}` at both targets.
        exact: Maybe<bool> => shown.default(false),
    }
}
