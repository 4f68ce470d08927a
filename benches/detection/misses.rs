//! Failures: how soon a rise is found, and what the gate says.

use llm_prober::regression::detect::{
    Alpha, Change, HourOfDay, MissDetector, MissGate, Misses, ShareDetector, ShareReferenceBuilder,
    Threshold, Tolerance, Verdict,
};

use crate::THRESHOLD;
use crate::effort::Effort;
use crate::runs::seeded;
use crate::sides::{DAY, Kind, Side};
use crate::summary::{delay, mean, mean_delay, percent};
use crate::targets::Targets;

const LIMIT: usize = 20_000;
const MARGIN: f64 = 0.01;

fn misses(side: &mut Side, baseline: f64, candidate: f64) -> Misses {
    Misses { baseline: side.chance(baseline), candidate: side.chance(candidate) }
}

fn pair_delay(seed: u64, baseline: f64, candidate: f64) -> Option<usize> {
    let mut side = Side::new(seed, Kind::Independent);
    let mut detector = MissDetector::new(Threshold::of(THRESHOLD));
    (1..=LIMIT)
        .find(|_| detector.observe(misses(&mut side, baseline, candidate)) == Some(Change::Raised))
}

/// One server over days, of which a share of probes fails that goes by the time of the day.
struct Failing {
    side: Side,
    at: usize,
}

impl Failing {
    /// At some time of the day.
    fn new(seed: u64) -> Self {
        let at = usize::try_from(seed).unwrap_or(0) * 97 % DAY;
        Self { side: Side::new(seed, Kind::Independent), at }
    }

    #[allow(clippy::cast_precision_loss)]
    fn next(&mut self, share: impl Fn(f64) -> f64) -> (HourOfDay, bool) {
        let (day, at) = ((self.at % DAY) as f64 / DAY as f64, self.at);
        self.at += 1;
        let hour = HourOfDay::of_unix_seconds(i64::try_from(15 * at).unwrap_or(0));
        (hour, self.side.chance(share(day)))
    }

    /// After a day.
    fn learnt(&mut self, share: impl Fn(f64) -> f64) -> Option<ShareDetector> {
        let mut reference = ShareReferenceBuilder::default();
        for _ in 0..DAY {
            let (hour, bad) = self.next(&share);
            reference.add(hour, bad);
        }
        let reference = reference.freeze(Tolerance::FAILURES.delta()).ok()?;
        Some(ShareDetector::new(reference, Threshold::of(THRESHOLD)))
    }
}

fn past_delay(seed: u64, before: f64, after: f64) -> Option<usize> {
    let mut failing = Failing::new(seed);
    let mut detector = failing.learnt(|_| before)?;
    (1..=LIMIT).find(|_| {
        let (hour, bad) = failing.next(|_| after);
        detector.observe(hour, bad) == Some(Change::Raised)
    })
}

/// Alarms of a month in which nothing changes.
fn past_month(seed: u64, share: fn(f64) -> f64) -> f64 {
    let mut failing = Failing::new(seed);
    let Some(mut detector) = failing.learnt(share) else { return 0.0 };
    let raised = (0..30 * DAY).filter(|_| {
        let (hour, bad) = failing.next(share);
        detector.observe(hour, bad) == Some(Change::Raised)
    });
    f64::from(u32::try_from(raised.count()).unwrap_or(u32::MAX))
}

/// The share of probes that fails, by the time of the day.
type Share = fn(f64) -> f64;

/// Of days that are all alike.
const SHARES: [(&str, Share); 6] = [
    ("0.02 %", |_| 0.0002),
    ("0.1 %", |_| 0.001),
    ("1 %", |_| 0.01),
    ("1 %, swing of 90 %", |day| 0.01 * (1.0 + 0.9 * (std::f64::consts::TAU * day).sin())),
    ("1 % for three hours", |day| if (0.45..0.575).contains(&day) { 0.01 } else { 0.0 }),
    ("3 % for three hours", |day| if (0.45..0.575).contains(&day) { 0.03 } else { 0.0 }),
];

fn past_months(effort: &Effort, targets: &mut Targets) {
    let months = effort.months;
    println!(
        "\n## Failures against the own past, nothing has changed: alarms in 30 days, {months} months"
    );
    for (name, share) in SHARES {
        let alarms = seeded(effort, months, |seed| past_month(seed + 130_000, share));
        println!("{name:<24} {:>8.2}", mean(&alarms));
        targets.check_alarms(&format!("past, failures, {name}"), &alarms, 1.0);
    }
}

fn gate(seed: u64, baseline: f64, candidate: f64) -> (Verdict, Option<usize>) {
    let mut side = Side::new(seed, Kind::Independent);
    let Some(mut gate) = MissGate::new(MARGIN, Alpha::DEFAULT) else {
        return (Verdict::Undecided, None);
    };
    let decided = (1..=LIMIT)
        .find(|_| gate.observe(misses(&mut side, baseline, candidate)) != Verdict::Undecided);
    (gate.verdict(), decided)
}

pub fn run(effort: &Effort, targets: &mut Targets) {
    let runs = effort.runs;
    println!(
        "\n## Failures: observations to the alarm, mean and 95th percentile, A = 172,800, {runs} runs, \
         cut off at {LIMIT}"
    );
    println!("{:>10} {:>10} {:>22} {:>22}", "before", "after", "pairs", "past, margin 0.1 %");
    for (before, after) in
        [(0.001, 0.01), (0.0, 0.02), (0.0, 0.05), (0.01, 0.03), (0.01, 0.1), (0.0, 1.0)]
    {
        let pairs = seeded(effort, runs, |seed| pair_delay(seed, before, after));
        let past = seeded(effort, runs, |seed| past_delay(seed, before, after));
        let (pairs, found) = (delay(&pairs, LIMIT), delay(&past, LIMIT));
        println!("{:>8} % {:>8} % {pairs:>22} {found:>22}", 100.0 * before, 100.0 * after);
        if after <= 0.01 {
            let mean = mean_delay(&past, LIMIT);
            targets.check_delay("past, failures 0.1 → 1 %", mean, 1_700.0);
        }
    }
    past_months(effort, targets);
    gates(effort, targets);
}

fn gates(effort: &Effort, targets: &mut Targets) {
    let runs = effort.runs;
    println!(
        "\n## The gate by failures, margin one percentage point, α = 0.01: pairs to a verdict, and per \
         cent of {runs} runs"
    );
    println!(
        "{:>10} {:>10} {:>20} {:>12} {:>12}",
        "baseline", "candidate", "pairs", "not worse", "regressed"
    );
    // Baseline, candidate, and the verdict that would be wrong.
    for (baseline, candidate, wrong) in [
        (0.0, 0.0, Verdict::Regressed),
        (0.005, 0.005, Verdict::Regressed),
        (0.02, 0.02, Verdict::Regressed),
        (0.001, 0.01, Verdict::Changed), // within the margin: none is
        (0.0, 0.02, Verdict::NotWorse),
        (0.01, 0.01 + MARGIN, Verdict::NotWorse),
    ] {
        let all = seeded(effort, runs, |seed| gate(seed, baseline, candidate));
        let times: Vec<_> = all.iter().map(|(_, time)| *time).collect();
        let said = |verdict| percent(&all, |(said, _)| *said == verdict);
        println!(
            "{:>8} % {:>8} % {:>20} {:>12.0} {:>12.0}",
            100.0 * baseline,
            100.0 * candidate,
            delay(&times, LIMIT),
            said(Verdict::NotWorse),
            said(Verdict::Regressed)
        );
        let wrong: Vec<_> = all.iter().map(|(said, _)| *said == wrong).collect();
        let name = format!("gate by failures, {baseline} against {candidate}: wrong");
        targets.check_rate(&name, &wrong, 0.01);
        if wrong.len() > 1 && candidate > baseline && candidate <= 0.01 {
            let mean = mean_delay(&times, LIMIT);
            targets.check_delay("gate, failures 0.1 → 1 %: a verdict", mean, 1_400.0);
        }
    }
}
