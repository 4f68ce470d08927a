//! Every bet is fair: never negative, and no gain on average while nothing has changed.

use proptest::prelude::*;

use crate::regression::detect::pairs::{Misses, PairBets};
use crate::regression::detect::past::{past_ln_factors, share_ln_factors};

/// Sizes of scores that stand for all: tiny, usual, huge, infinite.
fn size() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 1e-6..2.0,
        1 => Just(f64::MIN_POSITIVE / 2.0),
        1 => Just(1e300),
        1 => Just(f64::INFINITY),
    ]
}

/// Bets that have learnt from some past.
fn taught(past: &[f64]) -> PairBets {
    let mut bets = PairBets::new();
    for score in past {
        bets.learn(*score);
    }
    bets
}

/// Mean factor of each bet over a support with weights that sum to 1.
fn means<const N: usize>(support: &[(f64, [f64; N])]) -> [f64; N] {
    std::array::from_fn(|bet| support.iter().map(|(weight, ln)| weight * ln[bet].exp()).sum())
}

proptest! {
    /// All distributions symmetric about a centre ≤ 0, as mixtures of ±size and 0.
    #[test]
    fn pairs_gain_nothing_on_symmetric_scores(
        past in prop::collection::vec(-3.0..3.0_f64, 0..20),
        sizes in prop::collection::vec((size(), 0.01..1.0_f64), 1..8),
        centre in prop_oneof![Just(0.0), 0.0..1.0_f64],
    ) {
        let bets = taught(&past);
        let total: f64 = sizes.iter().map(|(_, weight)| weight).sum();
        for (mirror, null) in [(1.0, -centre), (-1.0, centre)] {
            let support: Vec<_> = sizes
                .iter()
                .flat_map(|(size, weight)| [(*size, *weight), (-*size, *weight)])
                .map(|(score, weight)| {
                    (weight / total / 2.0, bets.ln_factors(mirror * (score + null)))
                })
                .collect();
            for mean in means(&support) {
                prop_assert!(mean <= 1.0 + 1e-12, "{mean}");
            }
        }
    }

    #[test]
    fn pairs_never_lose_all(past in prop::collection::vec(-3.0..3.0_f64, 0..20), size in size()) {
        for score in [size, -size, 0.0] {
            for ln in taught(&past).ln_factors(score) {
                prop_assert!((0.6_f64.ln() - 1e-12..=1.4_f64.ln() + 1e-12).contains(&ln), "{ln}");
            }
        }
    }

    /// What a bet stakes is known before what it is on.
    #[test]
    fn a_tie_is_no_bet(past in prop::collection::vec(-3.0..3.0_f64, 0..20)) {
        prop_assert!(taught(&past).ln_factors(0.0).iter().all(|ln| *ln == 0.0));
    }

    #[test]
    fn a_slower_candidate_never_earns_less(
        past in prop::collection::vec(-3.0..3.0_f64, 1..20), a in -5.0..5.0_f64, b in -5.0..5.0_f64,
    ) {
        let bets = taught(&past);
        let (faster, slower) = (bets.ln_factors(a.min(b)), bets.ln_factors(a.max(b)));
        let failed = bets.ln_factors(f64::INFINITY);
        for ((faster, slower), failed) in faster.into_iter().zip(slower).zip(failed) {
            prop_assert!(faster <= slower && slower <= failed);
        }
    }

    /// Every rate of exceeding a level up to the one it stands for, whichever levels are known.
    #[test]
    fn the_past_gains_nothing_up_to_its_own_rates(share in 0.0..=1.0_f64, known: [bool; 3]) {
        // One observation exceeds nested levels: worst to best are the four cases.
        let at_most = [0.5, 0.1, 0.01].map(|most| most * share);
        let weights =
            [1.0 - at_most[0], at_most[0] - at_most[1], at_most[1] - at_most[2], at_most[2]];
        let support: Vec<_> = (0..4)
            .map(|exceeded| {
                let levels = std::array::from_fn(|i| known[i].then_some(i < exceeded));
                (weights[exceeded], past_ln_factors(levels))
            })
            .collect();
        for (bet, mean) in means(&support).into_iter().enumerate() {
            prop_assert!(mean <= 1.0 + 1e-12, "{bet}: {mean}");
            prop_assert!(known[bet / 3] || (mean - 1.0).abs() < 1e-12, "{bet}: {mean}");
        }
        for (_, factors) in support {
            prop_assert!(factors.iter().all(|ln| ln.is_finite()));
        }
    }

    #[test]
    fn shares_gain_nothing_up_to_the_usual(usual in 1e-6..=1.0_f64, share in 0.0..=1.0_f64) {
        let rate = usual * share;
        let support =
            [(1.0 - rate, share_ln_factors(false, usual)), (rate, share_ln_factors(true, usual))];
        for mean in means(&support) {
            prop_assert!(mean <= 1.0 + 1e-9, "{mean}");
        }
        prop_assert!(share_ln_factors(false, usual).iter().all(|ln| ln.is_finite()));
    }

    /// Rates of the candidate's and of the baseline's lone misses whose difference is within (one
    /// direction) or beyond (the other) the margin.
    #[test]
    fn misses_gain_nothing_on_their_null(
        candidate in 0.0..0.5_f64, baseline in 0.0..0.5_f64, margin in 0.0..0.9_f64,
    ) {
        let none = Misses { baseline: false, candidate: false };
        let sides = [
            (candidate, Misses { candidate: true, ..none }),
            (baseline, Misses { baseline: true, ..none }),
            (1.0 - candidate - baseline, none),
        ];
        let direction = if candidate - baseline <= margin { 1.0 } else { -1.0 };
        let support = sides.map(|(weight, misses)| (weight, misses.ln_factors(margin, direction)));
        for mean in means(&support) {
            prop_assert!(mean <= 1.0 + 1e-12, "{mean}");
        }
        for (_, factors) in support {
            prop_assert!(factors.iter().all(|ln| ln.is_finite()));
        }
    }
}

/// The tests above would not notice bets that stake nothing.
#[test]
fn bets_gain_on_what_they_are_made_for() {
    let bets = taught(&[0.3]);
    assert!(bets.ln_factors(0.3).iter().all(|ln| *ln > 0.0));
    assert!(bets.ln_factors(-0.3).iter().all(|ln| *ln < 0.0));
    assert!(past_ln_factors([Some(true); 3]).iter().all(|ln| *ln > 0.0));
    assert!(past_ln_factors([Some(false); 3]).iter().all(|ln| *ln < 0.0));
    assert!(share_ln_factors(true, 0.01).iter().all(|ln| *ln > 0.0));
    let lone = Misses { baseline: false, candidate: true };
    assert!(lone.ln_factors(0.0, 1.0).iter().all(|ln| *ln > 0.0));
    let both = Misses { baseline: true, candidate: true };
    assert!(both.ln_factors(0.01, -1.0).iter().all(|ln| *ln > 0.0));
}
