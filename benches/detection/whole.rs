//! The verdict on a whole comparison, by all signals of all workloads.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use llm_prober::config::Config;
use llm_prober::regression::comparison::{
    Cause, Comparison, Judge, Round, Run, RunId, Side as Answer, What,
};
use llm_prober::regression::detect::{Change, Verdict};

use crate::effort::Effort;
use crate::runs::seeded;
use crate::sides::{Kind, Servers, Worse};
use crate::summary::{delay, percent};
use crate::targets::Targets;

/// Rounds after which a comparison of five workloads is given up.
const LIMIT: usize = 5_000;

/// Two targets, and so many workloads of equal weight; `None` where that is no configuration.
fn comparison(workloads: usize) -> Option<Arc<Comparison>> {
    let mut yaml = String::from("workloads:\n");
    for workload in 0..workloads {
        // Writing to a String cannot fail.
        let _ = writeln!(yaml, "  w{workload}: {{prompts: {{inline: [hello]}}}}");
    }
    yaml += "slos: {}\n\
             targets:\n\
             - {name: prod, url: 'http://127.0.0.1:9/v1', model: m, interval: 15s}\n\
             - {name: next, url: 'http://127.0.0.1:9/v1', model: m, interval: 15s}\n\
             comparisons: [{name: canary, baseline: prod, candidate: next}]\n";
    let config = Config::parse(&yaml, Path::new("bench.yml"), Path::new(""));
    config.map_err(|error| eprintln!("{error}")).ok()?.comparisons.first().cloned()
}

/// What each workload's rounds are like.
struct Course {
    judge: Judge,
    ttft: Vec<Servers>,
    itl: Vec<Servers>,
    round: usize,
}

impl Course {
    fn new(seed: u64, spec: &Comparison) -> Option<Self> {
        let id = RunId::try_from("bench".to_owned()).ok()?;
        let run = Run { id, began_unix_millis: 0, cause: Cause::Asked };
        let of = |kind, salt: u64| {
            let seeds = (0..spec.workloads.len() as u64).map(move |w| (seed << 4) + w + salt);
            seeds.map(move |seed| Servers::apart(seed, kind)).collect()
        };
        Some(Self {
            judge: Judge::new(spec, spec.streams(), run),
            ttft: of(Kind::Independent, 1 << 40),
            itl: of(Kind::Heavy(0.1), 1 << 41),
            round: 0,
        })
    }

    /// A round of the next workload in turn; whether an alarm went off.
    fn round(&mut self, spec: &Comparison, worse: &dyn Fn(usize) -> Worse) -> bool {
        let workload = self.round % self.ttft.len();
        self.round += 1;
        let worse = worse(workload);
        let (ttft, itl) = (self.ttft[workload].next(worse), self.itl[workload].next(worse));
        let answer = |side: usize| {
            let seconds = |ln: f64, usual| Duration::from_secs_f64(usual * ln.exp());
            let (ttft, itl) = (seconds(ttft[side], 0.2), seconds(itl[side], 0.02));
            let request_latency = Some(ttft + 60 * itl);
            let (ttft, itl) = (Some(ttft), Some(itl));
            Answer { failure: None, ttft, itl, request_latency, missed_slo: None }
        };
        let events = self.judge.observe(&Round {
            workload: spec.workloads[workload].name.clone(),
            baseline: answer(0),
            candidate: answer(1),
            answers: None,
            ended_unix_millis: 15_000 * self.round as u64,
        });
        events.iter().any(|event| event.what == What::Alarm(Change::Raised))
    }
}

/// A comparison to its verdict.
fn verdict(
    seed: u64,
    spec: &Comparison,
    worse: &dyn Fn(usize) -> Worse,
) -> (Verdict, Option<usize>) {
    let Some(mut course) = Course::new(seed, spec) else { return (Verdict::Undecided, None) };
    for round in 1..=LIMIT {
        course.round(spec, worse);
        let said = course.judge.standing().verdict;
        if matches!(said, Verdict::NotWorse | Verdict::Regressed) {
            return (said, Some(round));
        }
    }
    (Verdict::Undecided, None)
}

/// What becomes of a workload.
type Which = fn(usize, Worse) -> Worse;

pub fn run(effort: &Effort, targets: &mut Targets) {
    let runs = effort.runs / 2;
    println!(
        "\n## The verdict on the whole, TTFT (spread 0.25), ITL (spread 0.1) and failures, tolerance 5 %: \
         rounds to it, mean and 95th percentile, per cent of {runs} runs, given up after {LIMIT} rounds"
    );
    println!(
        "{:<34} {:>20} {:>14} {:>12} {:>12}",
        "candidate", "rounds", "within 1,000", "not worse", "regressed"
    );
    let slower = Worse::Slower(1.2);
    let cases: [(&str, usize, Worse, Which); 5] = [
        ("one workload, equal", 1, Worse::No, |_, worse| worse),
        ("five workloads, equal", 5, Worse::No, |_, worse| worse),
        ("five, one of them +20 %", 5, slower, |w, worse| if w == 2 { worse } else { Worse::No }),
        ("five, all +20 %", 5, slower, |_, worse| worse),
        ("five, all exactly 5 % slower", 5, Worse::Slower(1.05), |_, worse| worse),
    ];
    for (name, workloads, worse, which) in cases {
        let Some(spec) = comparison(workloads) else { continue };
        let all = seeded(effort, runs, |seed| verdict(seed, &spec, &|w| which(w, worse)));
        let times: Vec<_> = all.iter().map(|(_, time)| *time).collect();
        let within = percent(&times, |time| time.is_some_and(|time| time <= 1_000));
        let said = |verdict| percent(&all, |(said, _)| *said == verdict);
        let (not_worse, regressed) = (said(Verdict::NotWorse), said(Verdict::Regressed));
        println!(
            "{name:<34} {:>20} {within:>14.0} {not_worse:>12.0} {regressed:>12.0}",
            delay(&times, LIMIT)
        );
        let equal = worse == Worse::No;
        let wrong = if equal { Verdict::Regressed } else { Verdict::NotWorse };
        let hits: Vec<_> = all.iter().map(|(said, _)| *said == wrong).collect();
        targets.check_rate(&format!("whole verdict, {name}: wrong"), &hits, 0.01);
        if equal {
            targets.check(
                format!("whole verdict, {name}: within 1,000 rounds in 90 % ({within:.0} %)"),
                within >= 90.0,
            );
        }
    }
}
