//! Pairs: false alarms and delays.

use llm_prober::regression::detect::{Change, PairDetector, Threshold, Tolerance};

use crate::THRESHOLD;
use crate::noise::{Load, Stream};
use crate::runs::seeded;
use crate::summary::{Times, count_of};
use crate::targets::Targets;

/// Load swings by a factor of e^±0.5 for both sides alike.
const LOAD: Load = Load { swing: 0.5, correlation: 0.0 };

fn detector(delta: f64, threshold: f64) -> PairDetector {
    let tolerance = Tolerance::new(delta).unwrap_or(Tolerance::PAIRS);
    PairDetector::new(tolerance, Threshold::of(threshold))
}

/// Pairs until the evidence, and until the alarm.
fn until(seed: u64, threshold: f64, limit: usize) -> (Option<usize>, Option<usize>) {
    let mut stream = Stream::new(seed, LOAD);
    let mut detector = detector(0.0, threshold);
    let mut evidence = None;
    for t in 1..=limit {
        let change = detector.observe(stream.pair(1.0));
        let reached = detector.evidence_log10() >= Some(detector.threshold().log10());
        evidence = evidence.or(reached.then_some(t));
        if change == Some(Change::Raised) {
            return (evidence, Some(t));
        }
    }
    (evidence, None)
}

pub fn run_length(effort: u64, targets: &mut Targets) {
    println!("## Pairs: observations to a false alarm, δ = 0, cut off at 50 A");
    println!("{:>8} {:>6} {:>20} {:>20}", "A", "runs", "to the evidence", "to the alarm");
    for (threshold, limit, runs) in [(500.0, 25_000, 2000), (5000.0, 250_000, 600)] {
        let times = seeded(runs * effort, |seed| until(seed, threshold, limit));
        let (evidence, alarm): (Vec<_>, Vec<_>) = times.into_iter().unzip();
        let (evidence, alarm) = (Times::of(&evidence, limit), Times::of(&alarm, limit));
        println!("{threshold:>8} {:>6} {evidence:>20} {alarm:>20}", runs * effort);
        targets.check(
            format!("pairs, A = {threshold}: ARL of the evidence ≥ A ({:.0})", evidence.mean),
            evidence.mean >= threshold,
        );
    }
}

/// Pairs from a change after `before` pairs to the alarm.
fn delay(seed: u64, delta: f64, ratio: f64, before: usize, limit: usize) -> Option<usize> {
    let mut stream = Stream::new(seed, LOAD);
    let mut detector = detector(delta, THRESHOLD);
    for _ in 0..before {
        detector.observe(stream.pair(1.0));
    }
    (1..=limit).find(|_| detector.observe(stream.pair(ratio)) == Some(Change::Raised))
}

pub fn delays(effort: u64, targets: &mut Targets) {
    const LIMIT: usize = 20_000;
    let runs = 400 * effort;
    println!("\n## Pairs: pairs to the alarm, A = 172,800, {runs} runs, cut off at {LIMIT}");
    println!("{:>6} {:>8} {:>20} {:>26}", "δ", "slower", "new", "after 5,760 equal pairs");
    // Tolerance, slower by, and the most pairs that may take.
    for (delta, percent, most) in [
        (0.0, 5.0, None),
        (0.0, 10.0, Some(400.0)),
        (0.0, 20.0, Some(160.0)),
        (0.0, 50.0, None),
        (0.05, 10.0, None),
        (0.05, 20.0, None),
        (0.05, 50.0, None),
    ] {
        let of = |before| {
            let ratio = 1.0 + percent / 100.0;
            let times = seeded(runs, |seed| delay(seed, delta, ratio, before, LIMIT));
            Times::of(&times, LIMIT)
        };
        let (new, later) = (of(0), of(5760));
        println!("{:>4} % {percent:>6} % {new:>20} {later:>26}", 100.0 * delta);
        if let Some(most) = most {
            targets.check(
                format!("pairs, δ = 0: +{percent} % within {most} pairs ({:.0})", new.mean),
                new.mean <= most,
            );
        }
    }
}

pub fn long_null(targets: &mut Targets) {
    let alarmed = seeded(200, |seed| {
        let mut stream = Stream::new(seed, LOAD);
        let mut detector = detector(0.05, THRESHOLD);
        (0..100_000).any(|_| detector.observe(stream.pair(1.0)) == Some(Change::Raised))
    });
    let count = count_of(&alarmed);
    println!("\n## Pairs: 100,000 equal pairs, δ = 5 %, A = 172,800\nalarmed: {count}");
    targets.check(
        format!("pairs, δ = 5 %: no alarm in 200 × 100,000 equal pairs ({count})"),
        !alarmed.contains(&true),
    );
}
