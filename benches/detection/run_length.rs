//! How long it takes to a false alarm, without any tolerance.

use llm_prober::regression::detect::{
    LatencyReferenceBuilder, PairDetector, PastDetector, Threshold,
};

use crate::effort::Effort;
use crate::nulls::tolerance;
use crate::runs::seeded;
use crate::sides::{DAY, Days, Kind, Servers, Worse, observed, pair};
use crate::summary::mean_delay;
use crate::targets::Targets;

/// The threshold A, and after how many observations a run is cut off.
const CASES: [(f64, usize); 2] = [(500.0, 10_000), (5_000.0, 100_000)];

fn of_pairs(seed: u64, threshold: f64, limit: usize) -> Option<usize> {
    let mut servers = Servers::together(seed, Kind::Autoregression(0.9));
    let mut detector = PairDetector::new(tolerance(0.0), Threshold::of(threshold));
    (1..=limit).find(|_| {
        pair(servers.next(Worse::No)).map(|pair| detector.observe(pair));
        detector.evidence_log10() >= Some(detector.threshold().log10())
    })
}

fn of_past(seed: u64, threshold: f64, limit: usize, reference: usize) -> Option<usize> {
    let mut days = Days::new(seed, Kind::Independent, DAY);
    let mut builder = LatencyReferenceBuilder::default();
    for _ in 0..reference {
        let (hour, ln) = days.next(Worse::No);
        builder.add(hour, observed(ln));
    }
    let threshold = Threshold::of(threshold);
    let mut detector = PastDetector::new(builder.freeze().ok()?, tolerance(0.0), threshold);
    (1..=limit).find(|_| {
        let (hour, ln) = days.next(Worse::No);
        detector.observe(hour, observed(ln));
        detector.evidence_log10() >= Some(detector.threshold().log10())
    })
}

pub fn run(effort: &Effort, targets: &mut Targets) {
    let runs = 2 * effort.runs;
    println!(
        "\n## Observations to evidence of A where nothing has changed, tolerance 0, {runs} runs, cut off \
         at 20 A; at least A is promised"
    );
    println!("{:>8} {:>12} {:>22} {:>24}", "A", "pairs", "past, R = 500", "past, R = 5,760");
    for (threshold, limit) in CASES {
        let fewer = if threshold > 1_000.0 { runs / 4 } else { runs };
        let means = [
            seeded(effort, fewer, |seed| of_pairs(seed, threshold, limit)),
            seeded(effort, fewer, |seed| of_past(seed, threshold, limit, 500)),
            seeded(effort, fewer, |seed| of_past(seed, threshold, limit, DAY)),
        ]
        .map(|times| mean_delay(&times, limit));
        println!("{threshold:>8} {:>12.0} {:>22.0} {:>24.0}", means[0], means[1], means[2]);
        for (name, mean) in ["pairs", "past, R = 500", "past, R = 5,760"].iter().zip(means) {
            targets.check(
                format!("{name}, A = {threshold}: A observations to a false alarm ({mean:.0})"),
                mean >= threshold,
            );
        }
    }
}
