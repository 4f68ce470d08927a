//! What raises alarms, what ends them, and what decides gates.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::regression::detect::{
    Alpha, Change, HourOfDay, LatencyReferenceBuilder, MissDetector, MissGate, Misses, Observed,
    Pair, PairDetector, PairGate, PastDetector, ShareDetector, ShareReferenceBuilder, Threshold,
    Tolerance, Verdict,
};

/// A spread of latencies without randomness: the fractional parts of multiples of the golden ratio.
fn spread(i: u32, salt: f64) -> f64 {
    ((f64::from(i) + salt) * 0.618_033_988_749_895).fract() - 0.5
}

/// A pair whose candidate is `ratio` times as slow, both with their own spread.
fn pair(i: u32, ratio: f64) -> Pair {
    Pair {
        baseline: Observed::Finite(spread(i, 0.0).exp()),
        candidate: Observed::Finite(ratio * spread(i * 7, 0.3).exp()),
    }
}

fn threshold() -> Threshold {
    Threshold::of(172_800.0)
}

/// When the alarm changed, in observations.
fn changes(count: u32, mut observe: impl FnMut(u32) -> Option<Change>) -> Vec<(u32, Change)> {
    (0..count).filter_map(|i| observe(i).map(|change| (i, change))).collect()
}

#[test]
fn a_slower_candidate_alarms_and_a_repaired_one_clears() {
    let mut detector = PairDetector::new(Tolerance::PAIRS, threshold());
    let seen = changes(2000, |i| {
        detector.observe(pair(i, if (500..1000).contains(&i) { 1.5 } else { 1.0 }))
    });
    let [(raised, Change::Raised), (cleared, Change::Cleared)] = seen[..] else {
        panic!("{seen:?}");
    };
    assert!((520..700).contains(&raised) && (1000..1300).contains(&cleared), "{seen:?}");
    assert_eq!(detector.alarm().times_raised(), 1);
    assert!(detector.evidence_log10().unwrap() < detector.threshold().log10());
    let effect = detector.effect().unwrap();
    assert!((0.95..1.05).contains(&effect.ratio.unwrap()), "{effect:?}");
}

#[test]
fn within_tolerance_nothing_alarms_however_much_evidence_there_is() {
    let mut detector = PairDetector::new(Tolerance::new(0.1).unwrap(), threshold());
    assert_eq!(changes(5000, |i| detector.observe(pair(i, 1.05))), []);
}

#[test]
fn a_candidate_that_only_fails_is_found_at_once() {
    let mut detector = PairDetector::new(Tolerance::PAIRS, threshold());
    let failed = |i| Pair { candidate: Observed::Failed, ..pair(i, 1.0) };
    let seen = changes(100, |i| detector.observe(failed(i)));
    assert!(matches!(seen[..], [(10..90, Change::Raised)]), "{seen:?}");
    assert_eq!(detector.recent_ratio(), Some(f64::INFINITY));
}

#[test]
fn when_both_fail_nothing_is_learnt() {
    let mut detector = PairDetector::new(Tolerance::PAIRS, threshold());
    let both = Pair { baseline: Observed::Failed, candidate: Observed::Failed };
    assert_eq!(changes(500, |_| detector.observe(both)), []);
    assert_eq!((detector.recent_ratio(), detector.effect()), (None, None));
}

#[test]
fn gates_tell_worse_from_equal_and_keep_their_word() {
    let verdict_of = |ratio: f64| {
        let mut gate = PairGate::new(Tolerance::PAIRS, Alpha::DEFAULT, Duration::from_secs(15));
        let decided = (0..5000).find(|i| gate.observe(pair(*i, ratio)) != Verdict::Undecided);
        let verdict = gate.verdict();
        (0..1000).for_each(|i| _ = gate.observe(pair(i, 3.0)));
        (0..9000).for_each(|i| _ = gate.observe(pair(i, 0.3)));
        assert!(gate.regressed_log10() > 2.0 && gate.not_worse_log10() > 2.0);
        assert_eq!(gate.verdict(), verdict);
        assert!(decided.is_some_and(|i| i > 10), "{decided:?}");
        verdict
    };
    assert_eq!(verdict_of(1.3), Verdict::Regressed);
    assert_eq!(verdict_of(0.95), Verdict::NotWorse);
}

#[test]
fn failures_of_the_candidate_alone_are_found_by_discordant_pairs() {
    let round = |i: u32, every: u32| Misses { baseline: i % 100 == 7, candidate: i % every == 7 };
    let mut detector = MissDetector::new(threshold());
    let seen = changes(6000, |i| detector.observe(round(i, if i < 3000 { 20 } else { 100 })));
    let [(raised, Change::Raised), (cleared, Change::Cleared)] = seen[..] else {
        panic!("{seen:?}");
    };
    assert!(raised < 1500 && (3000..3300).contains(&cleared), "{seen:?}");
    assert_eq!((detector.candidate_worse(), detector.baseline_worse()), (120, 0));

    let verdict = |every| {
        let mut gate = MissGate::new(0.01, Alpha::DEFAULT).unwrap();
        (0..5000).for_each(|i| _ = gate.observe(round(i, every)));
        gate.verdict()
    };
    assert_eq!((verdict(20), verdict(100)), (Verdict::Regressed, Verdict::NotWorse));
    assert_eq!(MissGate::new(1.0, Alpha::DEFAULT), None);
}

/// Ten in a row are one piece of evidence, and a candidate that is dead is found all the same.
#[test]
fn the_first_run_of_failures_decides_nothing() {
    let mut gate = MissGate::new(0.01, Alpha::DEFAULT).unwrap();
    let failing = |candidate| Misses { baseline: false, candidate };
    (0..100).for_each(|_| _ = gate.observe(failing(false)));
    (0..10).for_each(|_| _ = gate.observe(failing(true)));
    assert!(gate.regressed_log10() < 2.0, "{}", gate.regressed_log10());
    assert_eq!(gate.verdict(), Verdict::Undecided);
    (0..20).for_each(|_| _ = gate.observe(failing(true)));
    assert_eq!(gate.verdict(), Verdict::Regressed);
}

fn noon() -> HourOfDay {
    HourOfDay::of_unix_seconds(43_200)
}

#[test]
fn an_endpoint_slower_than_its_past_alarms_until_it_is_back() {
    let seconds = |i, ratio: f64| Observed::Finite(ratio * (spread(i, 0.1)).exp());
    let mut reference = LatencyReferenceBuilder::default();
    (0..1000).for_each(|i| reference.add(noon(), seconds(i, 1.0)));
    let reference = reference.freeze().unwrap();
    let mut detector = PastDetector::new(reference, Tolerance::TTFT, threshold());
    let seen = changes(3000, |i| {
        let ratio = if (1000..2000).contains(&i) { 1.5 } else { 1.0 };
        detector.observe(noon(), seconds(i, ratio))
    });
    let [(raised, Change::Raised), (cleared, Change::Cleared)] = seen[..] else {
        panic!("{seen:?}");
    };
    assert!((1005..1100).contains(&raised) && (2000..2300).contains(&cleared), "{seen:?}");
}

/// Latencies whose logarithms vary by a quarter, and a detector that has learnt a thousand.
fn at_random(seed: u64) -> (impl FnMut(f64) -> Observed, PastDetector) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut next = move |ratio: f64| {
        let noise: f64 = (0..4).map(|_| rng.random::<f64>() - 0.5).sum();
        Observed::Finite(ratio * (0.43 * noise).exp())
    };
    let mut reference = LatencyReferenceBuilder::default();
    (0..1000).for_each(|_| reference.add(noon(), next(1.0)));
    let detector = PastDetector::new(reference.freeze().unwrap(), Tolerance::TTFT, threshold());
    (next, detector)
}

fn raised(seen: &[(u32, Change)]) -> usize {
    seen.iter().filter(|(_, change)| *change == Change::Raised).count()
}

/// One per cent in a thousand probes: what is tolerated is crossed after ten thousand.
#[test]
fn a_slow_drift_is_one_alarm() {
    for seed in 0..3 {
        let (mut next, mut detector) = at_random(seed);
        let seen =
            changes(25_000, |i| detector.observe(noon(), next(1.0 + f64::from(i) / 100_000.0)));
        assert!(raised(&seen) == 1 && seen[0].0 > 10_000, "{seed}: {seen:?}");
    }
}

/// Twenty episodes of a hundred probes: the first ones look like a change, until they are known.
#[test]
fn episodes_that_come_again_are_no_change() {
    let (mut next, mut detector) = at_random(7);
    let ratio = |i: u32| if i % 2_000 < 100 { 3.0 } else { 1.0 };
    let seen = changes(40_000, |i| detector.observe(noon(), next(ratio(i))));
    assert!(raised(&seen) <= 8, "{seen:?}");
    assert!(detector.observations_per_independent_one() > 3.0);
}

#[test]
fn an_outage_is_found_within_a_dozen_probes_as_failures() {
    let mut reference = LatencyReferenceBuilder::default();
    (0..1000).for_each(|i| reference.add(noon(), Observed::Finite(spread(i, 0.1).exp())));
    let reference = reference.freeze().unwrap();
    let mut detector = PastDetector::new(reference, Tolerance::TTFT, threshold());
    (0..100).for_each(|i| _ = detector.observe(noon(), Observed::Finite(spread(i, 0.1).exp())));
    // As a latency that is no more; as failures it is found by less.
    let seen = changes(60, |_| detector.observe(noon(), Observed::Failed));
    assert!(matches!(seen[..], [(4..50, Change::Raised)]), "{seen:?}");
    let mut reference = ShareReferenceBuilder::default();
    (0..1000).for_each(|_| reference.add(noon(), false));
    let mut detector = ShareDetector::new(reference.freeze(0.005).unwrap(), threshold());
    let seen = changes(30, |_| detector.observe(noon(), true));
    assert!(matches!(seen[..], [(4..14, Change::Raised)]), "{seen:?}");
}

#[test]
fn more_failures_than_usual_alarm_until_they_are_as_few_again() {
    let mut reference = ShareReferenceBuilder::default();
    (0..5000).for_each(|i| reference.add(noon(), i % 100 == 0));
    let mut detector = ShareDetector::new(reference.freeze(0.005).unwrap(), threshold());
    let bad = |i: u32| i.is_multiple_of(if (5000..6000).contains(&i) { 10 } else { 100 });
    let seen = changes(8000, |i| detector.observe(noon(), bad(i)));
    let [(raised, Change::Raised), (cleared, Change::Cleared)] = seen[..] else {
        panic!("{seen:?}");
    };
    assert!((5050..5400).contains(&raised) && (6000..6500).contains(&cleared), "{seen:?}");
}
