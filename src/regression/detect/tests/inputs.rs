//! Inputs nobody sends until somebody does, for every detector and gate.

use proptest::prelude::*;

use crate::regression::detect::{HourOfDay, Misses, Observed, Pair};

/// One round: a pair, and when.
#[derive(Debug, Clone)]
pub(super) struct Round {
    pub hour: HourOfDay,
    pub pair: Pair,
    pub misses: Misses,
}

fn observed() -> impl Strategy<Value = Observed> {
    prop_oneof![
        8 => (-3.0..3.0_f64).prop_map(|ln| Observed::Finite(ln.exp())),
        1 => any::<f64>().prop_map(Observed::Finite),
        1 => Just(Observed::Finite(0.0)),
        1 => Just(Observed::Finite(f64::MIN_POSITIVE / 8.0)),
        1 => Just(Observed::Finite(f64::MAX)),
        2 => Just(Observed::Failed),
    ]
}

pub(super) fn round() -> impl Strategy<Value = Round> {
    (any::<i64>(), observed(), observed(), any::<bool>(), any::<bool>()).prop_map(
        |(seconds, baseline, candidate, baseline_bad, candidate_bad)| Round {
            hour: HourOfDay::of_unix_seconds(seconds),
            pair: Pair { baseline, candidate },
            misses: Misses { baseline: baseline_bad, candidate: candidate_bad },
        },
    )
}
