//! How soon it is found that something has got worse.

use llm_prober::regression::detect::{
    Alpha, Change, CountsFor, LongMisses, MissGate, PairDetector, PairGate, Threshold, Verdict,
};

use crate::THRESHOLD;
use crate::effort::Effort;
use crate::nulls::{self, EVERY, Stream, tolerance};
use crate::others;
use crate::pasts::{self, Past};
use crate::rule::Rule;
use crate::runs::seeded;
use crate::sides::{DAY, Days, Kind, Servers, Worse, pair};
use crate::summary::{delay, mean_delay};
use crate::targets::Targets;

const LIMIT: usize = 20_000;

/// How much slower, and with which name.
const SLOWER: [(&str, Worse); 6] = [
    ("+5 %", Worse::Slower(1.05)),
    ("+10 %", Worse::Slower(1.1)),
    ("+20 %", Worse::Slower(1.2)),
    ("+50 %", Worse::Slower(1.5)),
    ("2 % +2 s", Worse::TwoSeconds(0.02)),
    ("p99 × 3", Worse::LongTail),
];

fn heading(first: &str) -> String {
    SLOWER.iter().fold(format!("{first:<36}"), |line, (name, _)| format!("{line} {name:>18}"))
}

/// Pairs to the alarm after a day without a change.
fn alarm(mut servers: Servers, delta: f64, worse: Worse) -> Option<usize> {
    let mut detector = PairDetector::new(tolerance(delta), Threshold::of(THRESHOLD));
    let mut next = |worse| {
        pair(servers.next(worse)).and_then(|pair| detector.observe(pair)) == Some(Change::Raised)
    };
    (0..DAY).for_each(|_| _ = next(Worse::No));
    (1..=LIMIT).find(|_| next(worse))
}

/// Pairs of a comparison to *regressed*, by all pairs or by long requests alone.
fn regressed(mut servers: Servers, worse: Worse) -> Option<usize> {
    let (tolerance, half) = (tolerance(nulls::TOLERANCE), Alpha::new(0.005)?);
    let mut gate = PairGate::new(tolerance, half, EVERY);
    let mut long = MissGate::new(0.01, half)?;
    let mut levels = PairDetector::new(tolerance, Threshold::of(THRESHOLD));
    (1..=LIMIT).find(|_| {
        let Some(pair) = pair(servers.next(worse)) else { return false };
        if let Some(LongMisses { misses, first }) = levels.long(pair) {
            long.observe_for(misses, CountsFor { regressed: first, not_worse: true });
        }
        levels.observe(pair);
        gate.observe(pair) == Verdict::Regressed || long.verdict() == Verdict::Regressed
    })
}

/// Probes to the alarm, at any time of the day, after a calm half day or more.
fn past(seed: u64, mut days: Days, delta: f64, worse: Worse) -> Option<usize> {
    let mut past = Past::learnt(&mut days, delta)?;
    let calm = days.per_day / 2 + usize::try_from(seed).unwrap_or(0) * 97 % days.per_day;
    let mut next = |worse| {
        let (hour, ln) = days.next(worse);
        past.observe(hour, ln) > 0
    };
    (0..calm).for_each(|_| _ = next(Worse::No));
    (1..=LIMIT).find(|_| next(worse))
}

/// Probes of the candidate to the usual rule's alarm, after two days.
fn rule(seed: u64, worse: Worse) -> Option<usize> {
    let mut days = Days::new(seed, Kind::Independent, DAY);
    let mut rule = Rule::new();
    (0..2 * DAY).for_each(|_| _ = rule.observe(days.next(Worse::No).1.exp()));
    (1..=DAY).find(|_| rule.observe(days.next(worse).1.exp()))
}

/// A line: of each kind of change the times of all seeds.
fn row(
    effort: &Effort,
    name: &str,
    limit: usize,
    found: &(dyn Fn(u64, Worse) -> Option<usize> + Sync),
) -> Vec<f64> {
    let all = SLOWER.map(|(_, worse)| seeded(effort, effort.runs / 2, |seed| found(seed, worse)));
    let cells = all.iter().map(|times| delay(times, limit));
    let line = cells.fold(format!("{name:<36}"), |line, cell| format!("{line} {cell:>18}"));
    println!("{line}");
    all.iter().map(|times| mean_delay(times, limit)).collect()
}

fn beside_a_baseline(effort: &Effort, targets: &mut Targets) {
    println!("{}", heading("pairs, alarm"));
    let independent = |seed| Servers::apart(seed, Kind::Independent);
    row(effort, "independent, tolerance 0", LIMIT, &|seed, worse| {
        alarm(independent(seed + 60_000), 0.0, worse)
    });
    let told = |stream: &Stream| stream.promised && stream.name != "spread triples";
    for stream in nulls::streams().iter().filter(|stream| told(stream)) {
        let means = row(effort, stream.name, LIMIT, &|seed, worse| {
            alarm((stream.servers)(seed + 60_000), nulls::TOLERANCE, worse)
        });
        if stream.name == "independent" {
            targets.check_delay("pairs, +20 %", means[2], 250.0);
            targets.check_delay("pairs, 2 % of requests +2 s", means[4], 2_500.0);
        }
    }
    println!("\n{}", heading("pairs, independent, to a verdict"));
    row(effort, "gate", LIMIT, &|seed, worse| regressed(independent(seed + 80_000), worse));
    let names = ["Mann–Whitney once, 500 pairs", "Mann–Whitney at every fiftieth"];
    let names = [names[0], names[1], "mSPRT", "quantile confidence sequence"];
    for (method, name) in names.iter().enumerate() {
        row(effort, name, 4 * others::FIXED, &|seed, worse| {
            let mut servers = independent(seed + 80_000);
            let found = others::found(4 * others::FIXED, nulls::TOLERANCE, || servers.next(worse));
            [found.once, found.peeking, found.mixture, found.sequence][method]
        });
    }
}

pub fn run(effort: &Effort, targets: &mut Targets) {
    println!(
        "\n## Observations until a change is found, mean and 95th percentile, {} runs; what is not found \
         within {LIMIT} counts as if it were then (of other ways of comparing, within {} pairs; of the \
         usual rule, within a day)\nafter a day without a change; tolerance of pairs 5 %, of the past 10 %",
        effort.runs / 2,
        4 * others::FIXED
    );
    beside_a_baseline(effort, targets);
    println!("\n{}", heading("own past"));
    let of = |kind, per_day, swing| {
        move |seed| Days { swing, ..Days::new(seed + 100_000, kind, per_day) }
    };
    let own = |name: &str, delta: f64, days: &(dyn Fn(u64) -> Days + Sync)| {
        row(effort, name, LIMIT, &|seed, worse| past(seed, days(seed), delta, worse))
    };
    let usual = pasts::TOLERANCE;
    own("independent", usual, &of(Kind::Independent, DAY, 0.0));
    let swing = own("swing of a half", usual, &of(Kind::Independent, DAY, 0.5));
    let seldom = own("the same, one a minute", usual, &of(Kind::Independent, DAY / 4, 0.5));
    own("AR 0.6, swing of a half", usual, &of(Kind::Autoregression(0.6), DAY, 0.5));
    own("AR 0.9", usual, &of(Kind::Autoregression(0.9), DAY, 0.0));
    own("queue at 80 %", usual, &of(Kind::Queue(0.8), DAY, 0.0));
    own("ITL: spread 0.1, tolerance 5 %", 0.05, &of(Kind::Heavy(0.1), DAY, 0.3));
    row(effort, "usual rule", DAY, &|seed, worse| rule(seed + 100_000, worse));
    targets.check_delay("past, +20 %, 4 a minute", swing[2], 450.0);
    targets.check_delay("past, +20 %, 1 a minute", seldom[2], 450.0);
    targets.check_delay("past, 2 % of requests +2 s", swing[4], 2_500.0);
}
