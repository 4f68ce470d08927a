//! Two servers, and nothing has changed: what is said all the same.

use std::time::Duration;

use llm_prober::regression::detect::{
    Alpha, Change, MissDetector, MissGate, PairDetector, PairGate, Threshold, Tolerance, Verdict,
};

use crate::THRESHOLD;
use crate::effort::Effort;
use crate::others::{self, FIXED, Found};
use crate::runs::seeded;
use crate::sides::{DAY, Kind, Servers, Worse, misses, pair};
use crate::summary::{mean, percent};
use crate::targets::Targets;

/// Pairs after which a comparison is given up.
pub const CAP: usize = 3_000;

/// What may be worse before it counts, of pairs.
pub const TOLERANCE: f64 = 0.05;

/// From one pair to the next.
pub const EVERY: Duration = Duration::from_secs(15);

/// A stream of pairs.
pub struct Stream {
    pub name: &'static str,
    pub servers: fn(u64) -> Servers,
    /// Whether at most one alarm in 30 days is promised; else the product may say that it cannot be
    /// told.
    pub promised: bool,
}

pub fn streams() -> Vec<Stream> {
    let of = |name, servers| Stream { name, servers, promised: true };
    let hard = |name, servers| Stream { name, servers, promised: false };
    vec![
        of("independent", |s| Servers::apart(s, Kind::Independent)),
        of("ticks of 1 ms", |s| Servers::apart(s, Kind::Ties(0.001))),
        of("ticks of 16 ms", |s| Servers::apart(s, Kind::Ties(0.016))),
        of("Pareto", |s| Servers::apart(s, Kind::Pareto)),
        of("two modes", |s| Servers::apart(s, Kind::TwoModes)),
        of("spread of a half", |s| Servers::apart(s, Kind::Heavy(0.5))),
        of("spread triples", |s| Servers::apart(s, Kind::Widening)),
        of("order effect", Servers::in_order),
        of("AR 0.3 apart", |s| Servers::apart(s, Kind::Autoregression(0.3))),
        of("AR 0.6 apart", |s| Servers::apart(s, Kind::Autoregression(0.6))),
        of("AR 0.9 apart", |s| Servers::apart(s, Kind::Autoregression(0.9))),
        of("AR 0.3 common", |s| Servers::together(s, Kind::Autoregression(0.3))),
        of("AR 0.6 common", |s| Servers::together(s, Kind::Autoregression(0.6))),
        of("AR 0.9 common", |s| Servers::together(s, Kind::Autoregression(0.9))),
        hard("bursts apart", |s| Servers::apart(s, Kind::Bursts)),
        of("bursts common", |s| Servers::together(s, Kind::Bursts)),
        of("queues at 70 %", |s| Servers::apart(s, Kind::Queue(0.7))),
        of("queues at 80 %", |s| Servers::apart(s, Kind::Queue(0.8))),
        hard("queues at 90 %", |s| Servers::apart(s, Kind::Queue(0.9))),
        hard("failures in runs", |s| Servers::apart(s, Kind::FailureRuns)),
    ]
}

pub fn tolerance(delta: f64) -> Tolerance {
    Tolerance::new(delta).unwrap_or(Tolerance::PAIRS)
}

/// Alarms of a month of equal servers: of latencies and of failures.
fn month(mut servers: Servers) -> f64 {
    let mut latencies = PairDetector::new(tolerance(TOLERANCE), Threshold::of(THRESHOLD));
    let mut failures = MissDetector::new(Threshold::of(THRESHOLD));
    let mut alarms = 0;
    for _ in 0..30 * DAY {
        let next = servers.next(Worse::No);
        let latency = pair(next).and_then(|pair| latencies.observe(pair));
        let failure = failures.observe(misses(next));
        alarms += u32::from(latency == Some(Change::Raised));
        alarms += u32::from(failure == Some(Change::Raised));
    }
    f64::from(alarms)
}

/// A comparison to its end.
struct Run {
    verdict: Verdict,
    /// Whether the interval denied the truth at some look.
    missed: bool,
    /// So many pairs say as much as one that is independent.
    each: f64,
}

/// The verdict by latency and failures, of a candidate that is so many times as slow.
fn compare(mut servers: Servers, ratio: f64) -> Run {
    let mut gate = PairGate::new(tolerance(TOLERANCE), Alpha::DEFAULT, EVERY);
    let mut failures = MissGate::new(0.01, Alpha::DEFAULT);
    let mut run = Run { verdict: Verdict::Undecided, missed: false, each: 1.0 };
    for pairs in 1..=CAP {
        let next = servers.next(Worse::Slower(ratio));
        let latency = pair(next).map_or(gate.verdict(), |pair| gate.observe(pair));
        let failure = failures.as_mut().map(|gate| gate.observe(misses(next)));
        if run.verdict == Verdict::Undecided {
            run.verdict = match (latency, failure) {
                (Verdict::Regressed, _) | (_, Some(Verdict::Regressed)) => Verdict::Regressed,
                (Verdict::NotWorse, Some(Verdict::NotWorse)) => Verdict::NotWorse,
                _ => Verdict::Undecided,
            };
        }
        if pairs.is_multiple_of(100) {
            run.missed |= gate.effect().is_some_and(|effect| {
                effect.lower.is_some_and(|lower| lower > ratio)
                    || effect.upper.is_some_and(|upper| upper < ratio)
            });
        }
    }
    run.each = gate.pairs_per_independent_one();
    run
}

pub fn run(effort: &Effort, targets: &mut Targets) {
    let (months, runs) = (effort.months, effort.runs);
    println!(
        "\n## Two servers, nothing has changed, tolerance 5 %\n\
         alarms in 30 days ({months} months); per cent of {runs} comparisons of {CAP} pairs: wrong \
         regressed, wrong not worse (of a candidate exactly as much slower as is tolerated, and its \
         wrong regressed), undecided (of an equal one), intervals that are ever wrong; how many pairs \
         say as much as one that is independent\n\
         found slower by others within {} pairs, per cent: Mann–Whitney once after {FIXED} and at every \
         fiftieth, mSPRT, quantile confidence sequence; all of an equal candidate without tolerance",
        4 * FIXED
    );
    println!(
        "{:<17} {:>7} {:>10} {:>10} {:>10} {:>10} {:>9} {:>6} {:>6} {:>8} {:>6} {:>9}",
        "noise",
        "alarms",
        "regressed",
        "not worse",
        "regressed",
        "undecided",
        "interval",
        "pairs",
        "once",
        "peeking",
        "mSPRT",
        "sequence"
    );
    for stream in streams() {
        let alarms = seeded(effort, months, |seed| month((stream.servers)(seed)));
        let equal = seeded(effort, runs, |seed| compare((stream.servers)(seed + 1_000), 1.0));
        let slower = |seed| compare((stream.servers)(seed + 20_000), 1.0 + TOLERANCE);
        let slower = seeded(effort, runs, slower);
        let others = seeded(effort, runs, |seed| {
            let mut servers = (stream.servers)(seed + 1_000);
            others::found(4 * FIXED, 0.0, || servers.next(Worse::No))
        });
        let by = |of: fn(&Found) -> Option<usize>| percent(&others, |found| of(found).is_some());
        let said = |runs: &[Run], verdict| percent(runs, |run| run.verdict == verdict);
        println!(
            "{:<17} {:>7.2} {:>10.1} {:>10.1} {:>10.1} {:>10.1} {:>9.1} {:>6.1} {:>6.1} {:>8.1} {:>6.1} {:>9.1}",
            stream.name,
            mean(&alarms),
            said(&equal, Verdict::Regressed),
            said(&slower, Verdict::NotWorse),
            said(&slower, Verdict::Regressed),
            said(&equal, Verdict::Undecided),
            percent(&equal, |run| run.missed),
            mean(&equal.iter().map(|run| run.each).collect::<Vec<_>>()),
            by(|found| found.once),
            by(|found| found.peeking),
            by(|found| found.mixture),
            by(|found| found.sequence),
        );
        if stream.promised {
            check(&stream, &alarms, &equal, &slower, targets);
        }
    }
}

fn check(stream: &Stream, alarms: &[f64], equal: &[Run], slower: &[Run], targets: &mut Targets) {
    let name = format!("pairs, {}", stream.name);
    targets.check_alarms(&name, alarms, 1.0);
    let of = |runs: &[Run], what: &dyn Fn(&Run) -> bool| runs.iter().map(what).collect::<Vec<_>>();
    let regressed = of(equal, &|run| run.verdict == Verdict::Regressed);
    targets.check_rate(&format!("{name}: wrong regressed"), &regressed, 0.01);
    let not_worse = of(slower, &|run| run.verdict == Verdict::NotWorse);
    targets.check_rate(&format!("{name}: wrong not worse"), &not_worse, 0.01);
    let missed = of(equal, &|run| run.missed);
    targets.check_rate(&format!("{name}: wrong interval"), &missed, 0.05);
}
