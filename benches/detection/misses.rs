//! Failures and missed SLOs.

use llm_prober::regression::detect::{
    Alpha, Change, HourOfDay, MissDetector, MissGate, Misses, ShareDetector, ShareReferenceBuilder,
    Threshold, Verdict,
};

use crate::THRESHOLD;
use crate::noise::{DAY, Load, Stream};
use crate::runs::seeded;
use crate::summary::{Times, count_of};
use crate::targets::Targets;

const LIMIT: usize = 20_000;
const MARGIN: f64 = 0.01;

fn misses(stream: &mut Stream, baseline: f64, candidate: f64) -> Misses {
    Misses { baseline: stream.chance(baseline), candidate: stream.chance(candidate) }
}

fn pair_delay(seed: u64, baseline: f64, candidate: f64) -> Option<usize> {
    let mut stream = Stream::new(seed, Load::default());
    let mut detector = MissDetector::new(Threshold::of(THRESHOLD));
    (1..=LIMIT).find(|_| {
        detector.observe(misses(&mut stream, baseline, candidate)) == Some(Change::Raised)
    })
}

fn past_delay(seed: u64, before: f64, after: f64) -> Option<usize> {
    let mut stream = Stream::new(seed, Load::default());
    let hour = HourOfDay::of_unix_seconds(0);
    let mut reference = ShareReferenceBuilder::default();
    (0..DAY).for_each(|_| reference.add(hour, stream.chance(before)));
    let reference = reference.freeze(0.005).ok()?;
    let mut detector = ShareDetector::new(reference, Threshold::of(THRESHOLD));
    (1..=LIMIT).find(|_| detector.observe(hour, stream.chance(after)) == Some(Change::Raised))
}

fn gate(seed: u64, baseline: f64, candidate: f64) -> (Verdict, Option<usize>) {
    let mut stream = Stream::new(seed, Load::default());
    let Some(mut gate) = MissGate::new(MARGIN, Alpha::DEFAULT) else {
        return (Verdict::Undecided, None);
    };
    let decided = (1..=LIMIT)
        .find(|_| gate.observe(misses(&mut stream, baseline, candidate)) != Verdict::Undecided);
    (gate.verdict(), decided)
}

pub fn run(effort: u64, targets: &mut Targets) {
    let runs = 200 * effort;
    println!(
        "\n## Failures: observations to the alarm, A = 172,800, {runs} runs, cut off at {LIMIT}"
    );
    println!("{:>10} {:>10} {:>22} {:>22}", "before", "after", "pairs", "past, margin 0.5 %");
    for (before, after) in
        [(0.0, 0.02), (0.0, 0.05), (0.01, 0.01), (0.01, 0.03), (0.01, 0.1), (0.0, 1.0)]
    {
        let pairs = Times::of(&seeded(runs, |seed| pair_delay(seed, before, after)), LIMIT);
        let past = Times::of(&seeded(runs, |seed| past_delay(seed, before, after)), LIMIT);
        println!("{:>8} % {:>8} % {pairs:>22} {past:>22}", 100.0 * before, 100.0 * after);
    }
    gates(runs, targets);
}

fn gates(runs: u64, targets: &mut Targets) {
    println!(
        "\n## Promotion gate by failures, margin one percentage point, α = 0.01, cut off at {LIMIT}"
    );
    println!(
        "{:>10} {:>10} {:>20} {:>14} {:>14}",
        "baseline", "candidate", "pairs", "not worse", "regressed"
    );
    // Baseline, candidate, and the verdict that would be wrong.
    for (baseline, candidate, wrong) in [
        (0.0, 0.0, Verdict::Regressed),
        (0.005, 0.005, Verdict::Regressed),
        (0.02, 0.02, Verdict::Regressed),
        (0.0, 0.02, Verdict::NotWorse),
        (0.01, 0.01 + MARGIN, Verdict::NotWorse),
    ] {
        let all = seeded(runs, |seed| gate(seed, baseline, candidate));
        let times = Times::of(&all.iter().map(|(_, t)| *t).collect::<Vec<_>>(), LIMIT);
        let of = |verdict| all.iter().map(|(v, _)| *v == verdict).collect::<Vec<_>>();
        println!(
            "{:>8} % {:>8} % {times:>20} {:>14} {:>14}",
            100.0 * baseline,
            100.0 * candidate,
            count_of(&of(Verdict::NotWorse)),
            count_of(&of(Verdict::Regressed))
        );
        targets.check_rate(
            &format!("gate by failures, {baseline} against {candidate}: wrong"),
            &of(wrong),
            0.01,
        );
    }
}
