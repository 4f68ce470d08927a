//! Nothing has changed, or something has, on streams whose noise has a memory: the product beside
//! other ways of comparing.

use llm_prober::regression::detect::{
    Alpha, Change, HourOfDay, LatencyReferenceBuilder, MissDetector, Misses, Observed, Pair,
    PairDetector, PairGate, PastDetector, Threshold, Tolerance, Verdict,
};

use crate::THRESHOLD;
use crate::gate::EVERY;
use crate::noise::DAY;
use crate::others::{self, FIXED};
use crate::rule::Rule;
use crate::runs::seeded;
use crate::sides::{Kind, Servers, Side};
use crate::summary::Times;
use crate::targets::Targets;

/// Pairs after which a comparison is given up.
const CAP: usize = 3_000;

/// What may be worse before it counts, of pairs and of a past.
const PAIRS: f64 = 0.05;
const PAST: f64 = 0.10;

/// A stream of pairs, and whether it is one of those in which the product may say that it cannot be
/// told.
struct Stream {
    name: &'static str,
    servers: fn(u64) -> Servers,
    /// At most so many alarms in 30 days are promised; `None`: none are.
    promised: Option<f64>,
}

fn streams() -> Vec<Stream> {
    let of = |name, servers, promised| Stream { name, servers, promised };
    vec![
        of("independent", |s| Servers::apart(s, Kind::Independent), Some(1.0)),
        of("ticks of 16 ms", |s| Servers::apart(s, Kind::Ties(0.016)), Some(1.0)),
        of("Pareto", |s| Servers::apart(s, Kind::Pareto), Some(1.0)),
        of("two modes", |s| Servers::apart(s, Kind::TwoModes), Some(1.0)),
        of("spread of a half", |s| Servers::apart(s, Kind::Heavy(0.5)), Some(1.0)),
        of("AR 0.3 apart", |s| Servers::apart(s, Kind::Autoregression(0.3)), Some(1.0)),
        of("AR 0.6 apart", |s| Servers::apart(s, Kind::Autoregression(0.6)), Some(1.0)),
        of("AR 0.9 apart", |s| Servers::apart(s, Kind::Autoregression(0.9)), Some(1.0)),
        of("AR 0.9 common", |s| Servers::together(s, Kind::Autoregression(0.9)), Some(1.0)),
        of("bursts apart", |s| Servers::apart(s, Kind::Bursts), None),
        of("bursts common", |s| Servers::together(s, Kind::Bursts), Some(1.0)),
        of("queues at 70 %", |s| Servers::apart(s, Kind::Queue(0.7)), Some(1.0)),
        of("queues at 80 %", |s| Servers::apart(s, Kind::Queue(0.8)), Some(1.0)),
        of("queues at 90 %", |s| Servers::apart(s, Kind::Queue(0.9)), None),
        of("failures in runs", |s| Servers::apart(s, Kind::FailureRuns), None),
    ]
}

fn tolerance(delta: f64) -> Tolerance {
    Tolerance::new(delta).unwrap_or(Tolerance::PAIRS)
}

fn observed(ln: f64) -> Observed {
    if ln.is_finite() { Observed::Finite(ln.exp()) } else { Observed::Failed }
}

fn pair([baseline, candidate]: [f64; 2]) -> Pair {
    Pair { baseline: observed(baseline), candidate: observed(candidate) }
}

/// Alarms of a month of equal servers: of latencies and of failures.
fn month(mut servers: Servers) -> f64 {
    let mut latencies = PairDetector::new(tolerance(PAIRS), Threshold::of(THRESHOLD));
    let mut failures = MissDetector::new(Threshold::of(THRESHOLD));
    let mut alarms = 0.0;
    for _ in 0..30 * DAY {
        let next = servers.next(1.0);
        let failed = next.map(f64::is_infinite);
        let misses = Misses { baseline: failed[0], candidate: failed[1] };
        let whole = failed != [true; 2];
        let raised =
            [whole.then(|| latencies.observe(pair(next))).flatten(), failures.observe(misses)];
        alarms += raised
            .map(|change| f64::from(u8::from(change == Some(Change::Raised))))
            .iter()
            .sum::<f64>();
    }
    alarms
}

struct Run {
    verdict: Verdict,
    pairs: Option<usize>,
    /// Whether the interval denied the truth at some look.
    missed: bool,
}

fn compare(mut servers: Servers, ratio: f64) -> Run {
    let mut gate = PairGate::new(tolerance(PAIRS), Alpha::DEFAULT, EVERY);
    let mut run = Run { verdict: Verdict::Undecided, pairs: None, missed: false };
    for pairs in 1..=CAP {
        let next = servers.next(ratio);
        if next.iter().all(|ln| ln.is_infinite()) {
            continue;
        }
        let verdict = gate.observe(pair(next));
        if run.pairs.is_none() && verdict != Verdict::Undecided {
            (run.verdict, run.pairs) = (verdict, Some(pairs));
        }
        if pairs.is_multiple_of(100) {
            run.missed |= gate.effect().is_some_and(|effect| {
                effect.lower.is_some_and(|lower| lower > ratio)
                    || effect.upper.is_some_and(|upper| upper < ratio)
            });
        }
    }
    run
}

#[allow(clippy::cast_precision_loss)]
fn percent<T>(all: &[T], of: impl Fn(&T) -> bool) -> f64 {
    100.0 * all.iter().filter(|one| of(one)).count() as f64 / all.len() as f64
}

fn mean(all: &[f64]) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let count = all.len() as f64;
    all.iter().sum::<f64>() / count
}

pub fn run(effort: u64, targets: &mut Targets) {
    nulls(effort, targets);
    pasts(effort, targets);
    delays(effort);
}

fn nulls(effort: u64, targets: &mut Targets) {
    let (months, runs) = (8 * effort, 200 * effort);
    println!(
        "\n## Equal servers, tolerance 5 %: alarms in 30 days ({months} months); wrong verdicts at the \
         gate and intervals that are ever wrong within {CAP} pairs, per cent of {runs} runs\n\
         wrong not worse: of a candidate exactly as much slower as is tolerated\n\
         beside it, within {} pairs: Mann–Whitney after {FIXED} and at every fiftieth, and mSPRT",
        4 * FIXED
    );
    println!(
        "{:<18} {:>8} {:>10} {:>10} {:>9} {:>7} {:>8} {:>7}",
        "noise", "alarms", "regressed", "not worse", "interval", "fixed", "peeking", "mSPRT"
    );
    for stream in streams() {
        let alarms = mean(&seeded(months, |seed| month((stream.servers)(seed))));
        let equal = seeded(runs, |seed| compare((stream.servers)(seed + 1_000), 1.0));
        let slower = seeded(runs, |seed| compare((stream.servers)(seed + 2_000), 1.0 + PAIRS));
        let wrong = percent(&equal, |run| run.verdict == Verdict::Regressed);
        let promoted = percent(&slower, |run| run.verdict == Verdict::NotWorse);
        let missed = percent(&equal, |run| run.missed);
        let others = seeded(runs, |seed| {
            let mut servers = (stream.servers)(seed + 1_000);
            others::found(4 * FIXED, 0.0, || servers.next(1.0))
        });
        println!(
            "{:<18} {alarms:>8.2} {wrong:>10.1} {promoted:>10.1} {missed:>9.1} {:>7.1} {:>8.1} {:>7.1}",
            stream.name,
            percent(&others, |found| found.fixed.is_some()),
            percent(&others, |found| found.peeking.is_some()),
            percent(&others, |found| found.mixture.is_some()),
        );
        if let Some(most) = stream.promised {
            targets.check(
                format!("pairs, {}: at most {most} alarm in 30 days ({alarms:.2})", stream.name),
                alarms <= most,
            );
            let name = stream.name;
            let hits = |runs: &[Run], verdict| {
                runs.iter().map(|r| r.verdict == verdict).collect::<Vec<_>>()
            };
            targets.check_rate(
                &format!("gate, {name}: regressed"),
                &hits(&equal, Verdict::Regressed),
                0.01,
            );
            targets.check_rate(
                &format!("gate, {name}: not worse"),
                &hits(&slower, Verdict::NotWorse),
                0.01,
            );
            let wrong: Vec<_> = equal.iter().map(|r| r.missed).collect();
            targets.check_rate(&format!("gate, {name}: interval"), &wrong, 0.05);
        }
    }
}

/// One server over days.
struct Days {
    side: Side,
    per_day: usize,
    at: usize,
    /// Amplitude of the day's swing, and growth in a day, of the logarithm.
    swing: f64,
    drift: f64,
}

impl Days {
    fn new(seed: u64, kind: Kind, per_day: usize, swing: f64) -> Self {
        Self { side: Side::new(seed, kind), per_day, at: 0, swing, drift: 0.0 }
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    fn next(&mut self, ratio: f64) -> (HourOfDay, Observed) {
        let days = self.at as f64 / self.per_day as f64;
        self.at += 1;
        let swing = self.swing * (std::f64::consts::TAU * days).sin();
        let ln = self.side.next() + swing + self.drift * days + ratio.ln();
        (HourOfDay::of_unix_seconds((days * 86_400.0) as i64), observed(ln))
    }

    /// With a day's reference.
    fn learnt(&mut self) -> Option<PastDetector> {
        let mut reference = LatencyReferenceBuilder::default();
        for _ in 0..self.per_day {
            let (hour, observed) = self.next(1.0);
            reference.add(hour, observed);
        }
        #[allow(clippy::cast_precision_loss)]
        let threshold = Threshold::of(30.0 * self.per_day as f64);
        Some(PastDetector::new(reference.freeze().ok()?, tolerance(PAST), threshold))
    }
}

/// Alarms in 30 days, those before a drift of one per cent a day has crossed the tolerance, and
/// those of the usual rule.
fn past_month(mut days: Days) -> [f64; 3] {
    let Some(mut detector) = days.learnt() else { return [0.0; 3] };
    let (mut alarms, mut rule) = ([0.0; 3], Rule::new());
    for at in 0..30 * days.per_day {
        let (hour, latency) = days.next(1.0);
        if detector.observe(hour, latency) == Some(Change::Raised) {
            alarms[0] += 1.0;
            alarms[1] += if at < 9 * days.per_day { 1.0 } else { 0.0 };
        }
        if let Observed::Finite(seconds) = latency {
            alarms[2] += f64::from(u8::from(rule.observe(seconds)));
        }
    }
    alarms
}

fn pasts(effort: u64, targets: &mut Targets) {
    let months = 8 * effort;
    println!(
        "\n## Against the own past, nothing has changed: alarms in 30 days, tolerance 10 %, {months} months"
    );
    println!(
        "{:<26} {:>10} {:>22} {:>12}",
        "stream", "alarms", "of them in nine days", "usual rule"
    );
    let cases: [(&str, Kind, f64, f64, Option<f64>); 9] = [
        ("independent", Kind::Independent, 0.0, 0.0, Some(1.0)),
        ("swing of a half", Kind::Independent, 0.5, 0.0, Some(1.0)),
        ("AR 0.6, swing of a half", Kind::Autoregression(0.6), 0.5, 0.0, Some(1.0)),
        ("AR 0.9", Kind::Autoregression(0.9), 0.0, 0.0, Some(1.0)),
        ("two modes", Kind::TwoModes, 0.0, 0.0, Some(1.0)),
        ("bursts", Kind::Bursts, 0.0, 0.0, None),
        ("queue at 70 %", Kind::Queue(0.7), 0.0, 0.0, Some(1.0)),
        ("queue at 80 %", Kind::Queue(0.8), 0.0, 0.0, Some(1.0)),
        ("drift of 1 % a day", Kind::Independent, 0.0, 0.01, Some(1.0)),
    ];
    for (name, kind, swing, drift, promised) in cases {
        let all =
            seeded(months, |seed| past_month(Days { drift, ..Days::new(seed, kind, DAY, swing) }));
        let of = |which: usize| mean(&all.iter().map(|alarms| alarms[which]).collect::<Vec<_>>());
        println!("{name:<26} {:>10.2} {:>22.2} {:>12.1}", of(0), of(1), of(2));
        if let Some(most) = promised {
            targets.check(
                format!("past, {name}: at most {most} alarm in 30 days ({:.2})", of(0)),
                of(0) <= most,
            );
        }
        if drift > 0.0 {
            targets
                .check(format!("past, {name}: none before the tolerance is crossed"), of(1) <= 0.0);
        }
    }
}

fn delays(effort: u64) {
    const LIMIT: usize = 20_000;
    let runs = 100 * effort;
    println!(
        "\n## After a day without a change: observations to the alarm, mean and 95th percentile, {runs} runs"
    );
    println!("{:<34} {:>16} {:>16} {:>16}", "stream", "+10 %", "+20 %", "+50 %");
    let row = |name: &str, delay: &(dyn Fn(u64, f64) -> Option<usize> + Sync)| {
        let cells = [1.1, 1.2, 1.5].map(|ratio| {
            let all = seeded(runs, |seed| delay(seed, ratio));
            let mut sorted: Vec<usize> = all.iter().map(|t| t.unwrap_or(LIMIT)).collect();
            sorted.sort_unstable();
            let high = sorted.get(sorted.len() * 95 / 100).copied().unwrap_or(LIMIT);
            format!("{:.0}, {high}", Times::of(&all, LIMIT).mean)
        });
        println!("{name:<34} {:>16} {:>16} {:>16}", cells[0], cells[1], cells[2]);
    };
    for stream in streams().into_iter().filter(|s| s.promised.is_some()) {
        row(&format!("pairs, {}", stream.name), &|seed, ratio| {
            let mut servers = (stream.servers)(seed + 3_000);
            let mut detector = PairDetector::new(tolerance(PAIRS), Threshold::of(THRESHOLD));
            (0..DAY).for_each(|_| _ = detector.observe(pair(servers.next(1.0))));
            (1..=LIMIT)
                .find(|_| detector.observe(pair(servers.next(ratio))) == Some(Change::Raised))
        });
    }
    for (name, kind, per_day, swing) in [
        ("past, independent", Kind::Independent, DAY, 0.0),
        ("past, swing of a half", Kind::Independent, DAY, 0.5),
        ("past, the same, one a minute", Kind::Independent, DAY / 4, 0.5),
        ("past, AR 0.6, swing of a half", Kind::Autoregression(0.6), DAY, 0.5),
    ] {
        row(name, &|seed, ratio| {
            let mut days = Days::new(seed + 4_000, kind, per_day, swing);
            let mut detector = days.learnt()?;
            // At any time of the day.
            let calm = per_day / 2 + usize::try_from(seed).unwrap_or(0) * 97 % per_day;
            for _ in 0..calm {
                let (hour, latency) = days.next(1.0);
                detector.observe(hour, latency);
            }
            (1..=LIMIT).find(|_| {
                let (hour, latency) = days.next(ratio);
                detector.observe(hour, latency) == Some(Change::Raised)
            })
        });
    }
}
