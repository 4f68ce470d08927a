//! The promotion gate: how soon, how often wrong, and whether its interval holds.

use std::time::Duration;

use llm_prober::regression::detect::{Alpha, PairGate, Tolerance, Verdict};

use crate::noise::{Load, Stream};
use crate::runs::seeded;
use crate::summary::{Times, count_of};
use crate::targets::Targets;

/// Pairs of a comparison that is never ended early.
const LIMIT: usize = 20_000;

/// From one pair to the next.
pub const EVERY: Duration = Duration::from_secs(15);

struct Run {
    verdict: Verdict,
    pairs: Option<usize>,
    /// Whether the interval missed the truth at any look.
    missed: bool,
}

fn one(seed: u64, ratio: f64, to_the_end: bool) -> Run {
    let mut stream = Stream::new(seed, Load { swing: 0.5, correlation: 0.0 });
    let mut gate = PairGate::new(Tolerance::PAIRS, Alpha::DEFAULT, EVERY);
    let mut run = Run { verdict: Verdict::Undecided, pairs: None, missed: false };
    for t in 1..=LIMIT {
        run.verdict = gate.observe(stream.pair(ratio));
        if run.verdict != Verdict::Undecided && run.pairs.is_none() {
            run.pairs = Some(t);
            if !to_the_end {
                return run;
            }
        }
        // Every look costs a walk through the sketch: often at first, later at every hundredth.
        if to_the_end && (t < 200 || t.is_multiple_of(100)) {
            run.missed |= gate.effect().is_some_and(|effect| {
                effect.lower.is_some_and(|lower| lower > ratio)
                    || effect.upper.is_some_and(|upper| upper < ratio)
            });
        }
    }
    run
}

pub fn run(effort: u64, targets: &mut Targets) {
    println!("\n## Promotion gate, δ = 5 %, α = 0.01: pairs to a verdict, cut off at {LIMIT}");
    println!(
        "{:>12} {:>6} {:>20} {:>14} {:>14}",
        "candidate", "runs", "pairs", "not worse", "regressed"
    );
    let runs = 200 * effort;
    for percent in [-20.0, -10.0, 0.0, 2.0, 10.0, 20.0, 50.0] {
        let all = seeded(runs, |seed| one(seed, 1.0 + percent / 100.0, false));
        let times = Times::of(&all.iter().map(|run| run.pairs).collect::<Vec<_>>(), LIMIT);
        let of = |verdict| all.iter().map(|run| run.verdict == verdict).collect::<Vec<_>>();
        println!(
            "{:>12} {runs:>6} {times:>20} {:>14} {:>14}",
            format!("{percent:+} %"),
            count_of(&of(Verdict::NotWorse)),
            count_of(&of(Verdict::Regressed))
        );
    }
    boundary(500 * effort, targets);
}

fn boundary(runs: u64, targets: &mut Targets) {
    let all = seeded(runs, |seed| one(seed, 1.05, true));
    let of = |what: &dyn Fn(&Run) -> bool| all.iter().map(what).collect::<Vec<_>>();
    println!("\nA candidate exactly δ slower, {LIMIT} pairs: every verdict is an error, α each");
    for (name, hits, most) in [
        ("not worse", of(&|run| run.verdict == Verdict::NotWorse), 0.01),
        ("regressed", of(&|run| run.verdict == Verdict::Regressed), 0.01),
        ("95 % interval of the ratio ever wrong", of(&|run| run.missed), 0.05),
    ] {
        let share = targets.check_rate(&format!("gate at the boundary: {name}"), &hits, most);
        println!("{name:>40} {:>14} ({:.2} %)", count_of(&hits), 100.0 * share);
    }
}
