//! One endpoint against its own past: false alarms and delays.

use llm_prober::regression::detect::{
    Change, HourOfDay, LatencyReferenceBuilder, Observed, PastDetector, ReferenceError, Threshold,
    Tolerance,
};

use crate::THRESHOLD;
use crate::noise::{DAY, Load, Stream};
use crate::runs::seeded;
use crate::summary::Times;
use crate::targets::Targets;

/// A detector with a reference of the stream's next observations. Without strata every hour is
/// given as the same.
pub fn learnt(
    stream: &mut Stream,
    observations: usize,
    strata: bool,
    delta: f64,
    threshold: f64,
) -> Result<PastDetector, ReferenceError> {
    let tolerance = Tolerance::new(delta).unwrap_or(Tolerance::TTFT);
    let mut reference = LatencyReferenceBuilder::default();
    for _ in 0..observations {
        let (hour, latency) = stream.next(1.0);
        reference.add(known(hour, strata), Observed::Finite(latency));
    }
    let reference = reference.freeze()?;
    Ok(PastDetector::new(reference, tolerance, Threshold::of(threshold)))
}

/// The hour as the detector gets to know it.
pub fn known(hour: HourOfDay, strata: bool) -> HourOfDay {
    if strata { hour } else { HourOfDay::of_unix_seconds(0) }
}

fn until(seed: u64, reference: usize, threshold: f64, limit: usize) -> Option<usize> {
    let mut stream = Stream::new(seed, Load::default());
    let mut detector = learnt(&mut stream, reference, true, 0.0, threshold).ok()?;
    (1..=limit).find(|_| {
        let (hour, latency) = stream.next(1.0);
        detector.observe(hour, Observed::Finite(latency));
        detector.evidence_log10() >= Some(detector.threshold().log10())
    })
}

pub fn run_length(effort: u64, targets: &mut Targets) {
    println!("\n## Past: observations to false evidence, δ = 0, cut off at 20 A");
    println!(
        "{:>8} {:>6} {:>22} {:>22} {:>22}",
        "A", "runs", "R = 500", "R = 5,760", "R = 1,000,000"
    );
    for (threshold, limit, runs) in [(500.0, 10_000, 600), (5000.0, 100_000, 100)] {
        let runs = runs * effort;
        let of = |reference: usize, runs| {
            Times::of(&seeded(runs, |seed| until(seed, reference, threshold, limit)), limit)
        };
        let arls = [of(500, runs), of(DAY, runs), of(1_000_000, runs / 5)];
        println!("{threshold:>8} {runs:>6} {:>22} {:>22} {:>22}", arls[0], arls[1], arls[2]);
        for (arl, size) in arls.iter().zip(["500", "5,760", "1,000,000"]) {
            targets.check(
                format!("past, A = {threshold}, R = {size}: ARL ≥ A ({:.0})", arl.mean),
                arl.mean >= threshold,
            );
        }
    }
}

fn delay(seed: u64, load: Load, reference: usize, ratio: f64, limit: usize) -> Option<usize> {
    let mut stream = Stream::new(seed, load);
    let mut detector = learnt(&mut stream, reference, true, 0.1, THRESHOLD).ok()?;
    (1..=limit).find(|_| {
        let (hour, latency) = stream.next(ratio);
        detector.observe(hour, Observed::Finite(latency)) == Some(Change::Raised)
    })
}

pub fn delays(effort: u64) {
    const LIMIT: usize = 20_000;
    let runs = 200 * effort;
    println!(
        "\n## Past: probes to the alarm, A = 172,800, δ = 10 %, {runs} runs, cut off at {LIMIT}"
    );
    println!(
        "{:>8} {:>22} {:>22} {:>22}",
        "slower", "R = 500", "R = 5,760", "R = 5,760, swing ±0.3"
    );
    for percent in [5.0, 10.0, 20.0, 30.0, 50.0, 100.0] {
        let of = |reference, swing| {
            let load = Load { swing, correlation: 0.0 };
            let ratio = 1.0 + percent / 100.0;
            Times::of(&seeded(runs, |seed| delay(seed, load, reference, ratio, LIMIT)), LIMIT)
        };
        println!("{percent:>6} % {:>22} {:>22} {:>22}", of(500, 0.0), of(DAY, 0.0), of(DAY, 0.3));
    }
}
