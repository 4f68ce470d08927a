//! Every bet is fair: never negative, and no gain on average while nothing has changed.

use proptest::prelude::*;

use crate::regression::detect::pairs::{Misses, PairBets, distance};
use crate::regression::detect::past::{ln_recovering, past_ln_factors, share_ln_factors};

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
    let mut bets = PairBets::default();
    for score in past {
        bets.learn(*score);
    }
    bets
}

/// Mean factor of each bet over a support with weights that sum to 1.
fn means<const N: usize>(support: &[(f64, [f64; N])]) -> [f64; N] {
    std::array::from_fn(|bet| support.iter().map(|(weight, ln)| weight * ln[bet].exp()).sum())
}

/// The factors of a score.
fn factors(bets: &PairBets, score: f64) -> [f64; 8] {
    bets.news(score).ln_factors()
}

proptest! {
    /// All distributions symmetric about a centre ≤ 0, as mixtures of ±size and 0, after a tie, which
    /// makes expect nothing.
    #[test]
    fn pairs_gain_nothing_on_symmetric_scores(
        past in prop::collection::vec(-3.0..3.0_f64, 0..20),
        sizes in prop::collection::vec((size(), 0.01..1.0_f64), 1..8),
        centre in prop_oneof![Just(0.0), 0.0..1.0_f64],
    ) {
        let mut bets = taught(&past);
        bets.learn(0.0);
        let total: f64 = sizes.iter().map(|(_, weight)| weight).sum();
        for (mirror, null) in [(1.0, -centre), (-1.0, centre)] {
            let support: Vec<_> = sizes
                .iter()
                .flat_map(|(size, weight)| [(*size, *weight), (-*size, *weight)])
                .map(|(score, weight)| {
                    (weight / total / 2.0, factors(&bets, mirror * (score + null)))
                })
                .collect();
            for mean in means(&support) {
                prop_assert!(mean <= 1.0 + 1e-12, "{mean}");
            }
        }
    }

    /// Scores that are expected to keep, of what the one before was, as much as is reckoned with.
    #[test]
    fn pairs_gain_nothing_on_what_is_there_to_stay(
        past in prop::collection::vec(-3.0..3.0_f64, 2..60), size in 1e-3..3.0_f64,
    ) {
        let bets = taught(&past);
        let (memory, last) = (bets.correlation().memory(), bets.last());
        // By distance and by size: what either bet reckons with at most.
        let now = bets.scale().share(size);
        let kept = [distance(last) / distance(now), last / now].map(|of| memory * of);
        let expected = kept[0].min(kept[1]);
        prop_assume!(last != 0.0 && expected >= -1.0);
        let up = f64::midpoint(1.0, expected);
        let support = [(up, factors(&bets, size)), (1.0 - up, factors(&bets, -size))];
        for mean in means(&support) {
            prop_assert!(mean <= 1.0 + 1e-12, "{mean}");
        }
    }

    #[test]
    fn pairs_never_lose_all(past in prop::collection::vec(-3.0..3.0_f64, 0..20), size in size()) {
        for score in [size, -size, 0.0] {
            for ln in factors(&taught(&past), score) {
                prop_assert!((0.2_f64.ln() - 1e-12..=1.8_f64.ln() + 1e-12).contains(&ln), "{ln}");
            }
        }
    }

    /// What a bet stakes is known before what it is on.
    #[test]
    fn a_tie_after_a_tie_is_no_bet(past in prop::collection::vec(-3.0..3.0_f64, 0..20)) {
        let mut bets = taught(&past);
        bets.learn(0.0);
        prop_assert!(factors(&bets, 0.0).iter().all(|ln| *ln == 0.0));
    }

    #[test]
    fn a_slower_candidate_never_earns_less(
        past in prop::collection::vec(-3.0..3.0_f64, 1..20), a in -5.0..5.0_f64, b in -5.0..5.0_f64,
    ) {
        let bets = taught(&past);
        let (faster, slower) = (factors(&bets, a.min(b)), factors(&bets, a.max(b)));
        let failed = factors(&bets, f64::INFINITY);
        for ((faster, slower), failed) in faster.into_iter().zip(slower).zip(failed) {
            prop_assert!(faster <= slower && slower <= failed);
        }
    }

    /// Every rate of exceeding a level up to the one it stands for, and every share of what was
    /// before that is kept.
    #[test]
    fn the_past_gains_nothing_up_to_its_own_rates(
        level in 0..2_usize, share in 0.0..=1.0_f64, memory in 0.0..1.0_f64, before: bool,
    ) {
        let mean = share * [0.1, 0.01][level];
        let rate = mean + memory * (f64::from(before) - mean);
        let of = |exceeded| past_ln_factors(level, exceeded, before, memory, |_, usual| usual);
        for mean in means(&[(rate, of(true)), (1.0 - rate, of(false))]) {
            prop_assert!(mean <= 1.0 + 1e-12, "{mean}");
        }
        for ln in of(true).into_iter().chain(of(false)) {
            prop_assert!(ln.is_finite(), "{ln}");
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
    /// direction) or beyond (the other) the margin, and what the pair before makes expect.
    #[test]
    fn misses_gain_nothing_on_their_null(
        candidate in 0.0..0.5_f64, baseline in 0.0..0.5_f64, margin in 0.0..0.9_f64,
        repeat in prop_oneof![Just(0.0), 0.0..1.0_f64],
    ) {
        let none = Misses { baseline: false, candidate: false };
        let sides = [
            (candidate, Misses { candidate: true, ..none }),
            (baseline, Misses { baseline: true, ..none }),
            (1.0 - candidate - baseline, none),
        ];
        let direction = if candidate - baseline <= margin + repeat { 1.0 } else { -1.0 };
        let alarm =
            sides.map(|(weight, misses)| (weight, misses.ln_factors(margin, direction, repeat)));
        let gate = sides
            .map(|(weight, misses)| (weight, misses.ln_gate_factors(margin, direction, repeat)));
        for support in [alarm, gate] {
            for mean in means(&support) {
                prop_assert!(mean <= 1.0 + 1e-12, "{mean}");
            }
            for (_, factors) in support {
                prop_assert!(factors.iter().all(|ln| ln.is_finite()));
            }
        }
    }

    /// Bets that a rise has gone, while it is there.
    #[test]
    fn recovering_gains_nothing_on_its_null(half in 1e-6..=1.0_f64, more in 0.0..=1.0_f64) {
        let rate = half + more * (1.0 - half);
        let support = [(1.0 - rate, ln_recovering(false, half)), (rate, ln_recovering(true, half))];
        for mean in means(&support) {
            prop_assert!(mean <= 1.0 + 1e-9, "{mean}");
        }
        prop_assert!(ln_recovering(true, half).iter().all(|ln| ln.is_finite()));
    }
}

/// The tests above would not notice bets that stake nothing.
#[test]
fn bets_gain_on_what_they_are_made_for() {
    let mut bets = taught(&[0.3]);
    bets.learn(0.0);
    assert!(factors(&bets, 0.3).iter().all(|ln| *ln > 0.0));
    assert!(factors(&bets, -0.3).iter().all(|ln| *ln < 0.0));
    for level in 0..2 {
        assert!(
            past_ln_factors(level, true, false, 0.2, |_, usual| usual).iter().all(|ln| *ln > 0.0)
        );
        assert!(
            past_ln_factors(level, false, true, 0.2, |_, usual| usual).iter().all(|ln| *ln < 0.0)
        );
    }
    assert!(share_ln_factors(true, 0.01).iter().all(|ln| *ln > 0.0));
    assert!(ln_recovering(false, 0.01).iter().all(|ln| *ln > 0.0));
    let lone = Misses { baseline: false, candidate: true };
    assert!(lone.ln_factors(0.0, 1.0, 0.0).iter().all(|ln| *ln > 0.0));
    assert!(lone.ln_factors(0.0, 1.0, 0.9)[0] < lone.ln_factors(0.0, 1.0, 0.0)[0] / 5.0);
    let both = Misses { baseline: true, candidate: true };
    assert!(both.ln_factors(0.01, -1.0, 0.0).iter().all(|ln| *ln > 0.0));
}
