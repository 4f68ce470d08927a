//! What the verdict on the whole is, as pairs come in.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{
    ANSWERED_PAIRS, Comparison, Judge, Order, Round, RunId, Side, SideFailure, SideName, Signal,
    Standing, Waits,
};
use crate::answer::failure::FailureReason;
use crate::regression::detect::{Tolerance, Verdict};
use crate::target::schedule::{Arrival, Schedule};
use crate::testing::{run, target, workload};

fn spec(workloads: &[&str]) -> Comparison {
    Comparison {
        name: "canary".to_owned(),
        baseline: Arc::new(target("prod")),
        candidate: Arc::new(target("next")),
        workloads: workloads.iter().map(|name| workload(name, Vec::new())).collect(),
        timing: Schedule { interval: Duration::from_secs(15), arrival: Arrival::Poisson }.into(),
        order: Order::Simultaneous,
        tolerance: Tolerance::PAIRS,
        failure_margin: 0.01,
        slo_margin: 0.05,
        false_alarm_every: Duration::from_secs(30 * 86_400),
        answers: None,
    }
}

fn answer(ttft_millis: u64) -> Side {
    Side {
        failure: None,
        ttft: Some(Duration::from_millis(ttft_millis)),
        itl: Some(Duration::from_millis(ttft_millis / 20)),
        request_latency: Some(Duration::from_millis(ttft_millis + 100)),
        missed_slo: None,
    }
}

fn failed(failure: SideFailure) -> Side {
    Side { failure: Some(failure), ttft: None, itl: None, request_latency: None, missed_slo: None }
}

const DEAD: SideFailure = SideFailure::Failed(FailureReason::Connect);

/// A comparison of one workload, and how many rounds it has seen: each ends a second later.
struct Course {
    judge: Judge,
    rounds: u64,
}

const BEGAN: u64 = 1_700_000_000_000;

impl Course {
    fn new() -> Self {
        Self { judge: Judge::new(&spec(&["chat"]), 5, run()), rounds: 0 }
    }

    fn round(&mut self, baseline: Side, candidate: Side) -> Standing {
        self.rounds += 1;
        self.judge.observe(&Round {
            workload: "chat".to_owned(),
            baseline,
            candidate,
            answers: None,
            ended_unix_millis: BEGAN + 1000 * self.rounds,
        });
        self.judge.standing()
    }

    /// A candidate that takes so many hundredths of the baseline's time.
    fn pairs(&mut self, pairs: u64, percent: u64) -> Standing {
        for i in 0..pairs {
            let (baseline, candidate) = (200 + (i * 7) % 11, 200 + (i * 5) % 11);
            self.round(answer(baseline), answer(candidate * percent / 100));
        }
        self.judge.standing()
    }

    /// Until the verdict is another one; how many pairs that took.
    fn until_another(&mut self, percent: u64) -> (Verdict, u64) {
        let before = (self.judge.standing().verdict, self.rounds);
        while self.rounds < before.1 + 5_000 {
            let standing = self.pairs(1, percent);
            if standing.verdict != before.0 {
                return (standing.verdict, self.rounds - before.1);
            }
        }
        panic!("{:?}", self.judge.standing())
    }

    fn parts(&self) -> Vec<Verdict> {
        let snapshot = self.judge.snapshot();
        snapshot.workloads[0].streams.iter().map(|s| s.gate.verdict).collect()
    }
}

#[test]
fn equal_then_slower_then_equal_again() {
    let mut course = Course::new();
    assert_eq!(course.until_another(100).0, Verdict::NotWorse);
    course.pairs(2_000, 100);

    let (verdict, pairs) = course.until_another(220);
    assert!(verdict == Verdict::Changed && pairs < 60, "{verdict:?} after {pairs}");
    let since = course.judge.standing().changed_since_unix_millis;
    assert_eq!(since, Some(BEGAN + 1000 * course.rounds), "since its alarm");
    assert!(!course.parts().contains(&Verdict::NotWorse), "{:?}", course.parts());
    // More alarms and more pairs move the time no more.
    let later = course.pairs(20, 220);
    assert_eq!((later.verdict, later.changed_since_unix_millis), (Verdict::Changed, since));

    let (verdict, _) = course.until_another(100);
    assert_eq!(verdict, Verdict::Undecided);
    let snapshot = course.judge.snapshot();
    assert_eq!((snapshot.workloads[0].answered, snapshot.standing.waits.is_some()), (0, true));
    assert_eq!(snapshot.standing.changed_since_unix_millis, None);
    for stream in &snapshot.workloads[0].streams {
        assert!(stream.gate.not_worse_log10 < 1e-9, "{stream:?}");
    }
    let (verdict, pairs) = course.until_another(100);
    assert_eq!(verdict, Verdict::NotWorse);
    // By failures, too: they take longest.
    assert!(pairs > 10 * ANSWERED_PAIRS, "{pairs}");
}

/// Each alarm leaves a doubt: the same evidence is worth less after it.
#[test]
fn not_worse_is_harder_to_earn_again() {
    let mut course = Course::new();
    let (_, first) = course.until_another(100);
    course.pairs(200, 220);
    let (_, _) = course.until_another(100);
    let (verdict, again) = course.until_another(100);
    assert!(verdict == Verdict::NotWorse && again > first, "{first}, {again}");
}

#[test]
fn slower_from_the_start_has_regressed_for_good() {
    let mut course = Course::new();
    let (verdict, pairs) = course.until_another(220);
    assert!(verdict != Verdict::NotWorse && pairs < 60, "{verdict:?}");
    assert_eq!(course.pairs(100, 220).verdict, Verdict::Regressed);
    // As fast as the other one for a week: it stands.
    assert_eq!(course.pairs(3_000, 100).verdict, Verdict::Regressed);
}

/// What is said a third of the way is about what comes.
#[test]
fn it_is_said_how_many_more_pairs_are_needed() {
    let mut course = Course::new();
    let said = course.pairs(250, 100).waits.map(|waits| waits.to_string()).unwrap_or_default();
    assert!(said.ends_with(" of chat, if this goes on"), "{said}");
    let number = said.strip_prefix("about ").and_then(|rest| rest.split(' ').next());
    let expected = number.and_then(|pairs| pairs.parse::<u64>().ok());
    let (verdict, pairs) = course.until_another(100);
    assert_eq!(verdict, Verdict::NotWorse);
    let near = |expected: u64| (pairs * 2 / 3..pairs * 3 / 2).contains(&expected);
    assert!(expected.is_some_and(near), "{said}: {pairs}");
}

/// A candidate that is faster in every pair has all the evidence after 25.
#[test]
fn not_worse_needs_fifty_answered_pairs() {
    let spec = Comparison { failure_margin: 0.5, ..spec(&["chat"]) };
    let mut course = Course { judge: Judge::new(&spec, 5, run()), rounds: 0 };
    let standing = course.pairs(ANSWERED_PAIRS - 1, 50);
    let expect = Waits::Pairs { workload: "chat".to_owned(), answered: ANSWERED_PAIRS - 1 };
    assert_eq!(standing.waits, Some(expect));
    let all: Vec<_> = course.judge.snapshot().workloads[0].streams.clone();
    let needed = course.judge.snapshot().needed.not_worse;
    assert!(all.iter().all(|s| s.gate.not_worse_log10 >= needed), "{all:?}");
    // Another pair in which one side fails is none.
    assert_eq!(course.round(failed(DEAD), answer(100)).verdict, Verdict::Undecided);
    // Nor are fifty enough before it is known that they are worth forty independent ones.
    let (verdict, pairs) = course.until_another(50);
    assert!(verdict == Verdict::NotWorse && pairs <= ANSWERED_PAIRS, "{pairs}");
}

#[test]
fn a_workload_that_is_seldom_asked_needs_as_many() {
    let spec = Comparison { failure_margin: 0.5, ..spec(&["chat", "rare"]) };
    let mut judge = Judge::new(&spec, 5, run());
    let observe = |judge: &mut Judge, workload: &str, rounds: u64| {
        for _ in 0..rounds {
            judge.observe(&Round {
                workload: workload.to_owned(),
                baseline: answer(200),
                candidate: answer(100),
                answers: None,
                ended_unix_millis: BEGAN,
            });
        }
        judge.standing()
    };
    observe(&mut judge, "chat", 500);
    let standing = observe(&mut judge, "rare", ANSWERED_PAIRS - 1);
    let text = standing.waits.unwrap().to_string();
    assert_eq!(text, "both sides answered in 49 pairs of rare, at least 50 are needed");
    assert_eq!(observe(&mut judge, "rare", 1).verdict, Verdict::NotWorse);
}

#[test]
fn a_dead_baseline_promotes_nothing() {
    for answered in [0, ANSWERED_PAIRS + 10] {
        let mut course = Course::new();
        course.pairs(answered, 100);
        for _ in 0..3_000 {
            let standing = course.round(failed(DEAD), answer(200));
            assert_eq!(standing.verdict, Verdict::Undecided, "{standing:?}");
        }
        let text = course.judge.standing().waits.unwrap().to_string();
        let expect = "the baseline has failed in each of the last 3000 rounds (connect)";
        assert_eq!(text, expect);
        let latency = &course.judge.snapshot().workloads[0].streams[0];
        assert!(answered > 0 || latency.gate.not_worse_log10 < 1e-9, "{latency:?}");
    }
}

/// For an hour one is slower, for an hour the other one: neither is worse, and it is said what for.
#[test]
fn what_lasts_too_long_cannot_be_told() {
    let mut course = Course::new();
    for i in 0..1_000_u64 {
        let (slow, noise) = (i / 60 % 2 == 0, (i * 7) % 11);
        let of = |slow: bool| answer(if slow { 260 } else { 200 } + noise);
        let standing = course.round(of(slow), of(!slow));
        assert_ne!(standing.verdict, Verdict::NotWorse, "{i}");
        assert_ne!(standing.verdict, Verdict::Regressed, "{i}");
    }
    let stream = course.judge.snapshot().workloads[0].streams[0].clone();
    assert!(stream.pairs_per_independent_one.is_some_and(|each| each > 20.0), "{stream:?}");
    let said = course.judge.standing().waits.map(|waits| waits.to_string()).unwrap_or_default();
    assert!(
        said.starts_with("what disturbs one side alone lasts too long to tell ttft of chat"),
        "{said}"
    );
}

/// Both answer now and then, the candidate more often: that is no reason to promote it.
#[test]
fn beside_a_half_dead_side_nothing_is_not_worse() {
    let healthy =
        |i: u64, every: u64| if i.is_multiple_of(every) { failed(DEAD) } else { answer(200) };
    for (baseline, candidate) in [(2, 3), (4, 1_000), (4, 4)] {
        let mut course = Course::new();
        for i in 1..=3_000 {
            let standing = course.round(healthy(i, baseline), healthy(i + 1, candidate));
            assert_ne!(standing.verdict, Verdict::NotWorse, "{baseline}, {candidate}, {i}");
        }
        let text = course.judge.standing().waits.map(|waits| waits.to_string());
        let text = text.unwrap_or_default();
        assert!(text.starts_with("the baseline has failed in "), "{text}");
        assert!(text.ends_with(" rounds (connect), at most one of five may"), "{text}");
    }
    // One of twenty on both sides is what both are like.
    let spec = Comparison { failure_margin: 0.05, ..spec(&["chat"]) };
    let mut course = Course { judge: Judge::new(&spec, 5, run()), rounds: 0 };
    for i in 1..=3_000 {
        course.round(healthy(i, 20), healthy(i + 1, 20));
    }
    assert_eq!(course.judge.standing().verdict, Verdict::NotWorse);
}

/// What it failed to answer while it was down does not hide a candidate that fails.
#[test]
fn an_outage_of_the_baseline_is_no_credit() {
    let mut course = Course::new();
    for _ in 0..1_000 {
        course.round(failed(DEAD), answer(200));
    }
    for i in 0..2_000 {
        let candidate = if i % 33 == 7 { failed(DEAD) } else { answer(200 + (i * 5) % 11) };
        let standing = course.round(answer(200 + (i * 7) % 11), candidate);
        assert_ne!(standing.verdict, Verdict::NotWorse, "round {i}: {standing:?}");
    }
}

#[test]
fn a_candidate_that_dies_has_regressed() {
    let mut course = Course::new();
    course.pairs(30, 100);
    let mut verdicts = Vec::new();
    for _ in 0..40 {
        verdicts.push(course.round(answer(200), failed(DEAD)).verdict);
    }
    assert_eq!(verdicts.last(), Some(&Verdict::Regressed));
}

/// Expired credentials are the prober's trouble: neither side is better or worse for it.
#[test]
fn refused_credentials_decide_nothing() {
    let refused = failed(SideFailure::Unauthorized);
    for (side, baseline, candidate) in
        [(SideName::Baseline, refused, answer(200)), (SideName::Candidate, answer(200), refused)]
    {
        let mut course = Course::new();
        course.pairs(60, 100);
        for _ in 0..2_000 {
            let standing = course.round(baseline, candidate);
            assert_eq!(standing.verdict, Verdict::Undecided, "{side:?}");
        }
        let waits = course.judge.standing().waits;
        let reason = "unauthorized".to_owned();
        assert_eq!(waits, Some(Waits::Answer { side, rounds: 2_000, reason }));
    }
    // But one that refuses now and then is not called not worse.
    let mut course = Course::new();
    for i in 0..3_000 {
        let candidate = if i % 4 == 0 { refused } else { answer(200 + (i * 5) % 11) };
        let standing = course.round(answer(200 + (i * 7) % 11), candidate);
        assert_eq!(standing.verdict, Verdict::Undecided, "round {i}");
    }
}

#[test]
fn another_run_knows_nothing_but_what_alarms_need() {
    let spec = spec(&["chat"]);
    let mut course = Course::new();
    course.pairs(3_000, 100);
    let next = crate::regression::comparison::Run {
        id: RunId::try_from("run-2".to_owned()).unwrap(),
        ..run()
    };
    let again = course.judge.again(&spec, next.clone());
    assert_eq!(again, Judge::new(&spec, 5, next.clone()));
    assert_eq!((again.standing().verdict, again.standing().run), (Verdict::Undecided, next));
}

/// A ratio above what is tolerated is not green for what was found before, though no alarm has gone off
/// yet: here one would need more evidence than anybody asks for.
#[test]
fn not_worse_is_not_said_beside_a_ratio_that_denies_it() {
    let false_alarm_every = Duration::from_secs(u64::MAX / 4);
    let spec = Comparison { failure_margin: 0.5, false_alarm_every, ..spec(&["chat"]) };
    let mut course = Course { judge: Judge::new(&spec, 5, run()), rounds: 0 };
    assert_eq!(course.pairs(ANSWERED_PAIRS + 10, 96).verdict, Verdict::NotWorse);
    let mut denied = false;
    for _ in 0..200 {
        let standing = course.pairs(1, 108);
        let stream = course.judge.snapshot().workloads[0].streams[0].clone();
        let needed = course.judge.snapshot().needed.not_worse;
        assert!(!stream.alarmed && stream.gate.not_worse_log10 >= needed, "{stream:?}");
        if stream.gate.effect.and_then(|e| e.ratio).is_some_and(|ratio| ratio > 1.05) {
            assert_eq!(standing.verdict, Verdict::Undecided);
            assert_eq!(stream.gate.verdict, Verdict::Undecided);
            denied = true;
        }
    }
    assert!(denied, "{:?}", course.judge.snapshot());
}

/// Five workloads, each in turn.
struct Mix {
    judge: Judge,
    rounds: u64,
}

impl Mix {
    const WORKLOADS: [&str; 5] = ["a", "b", "c", "d", "e"];

    fn new() -> Self {
        Self { judge: Judge::new(&spec(&Self::WORKLOADS), 25, run()), rounds: 0 }
    }

    /// Rounds until there is a verdict, at most so many; of each workload the candidate takes so many
    /// hundredths of the baseline's time. `noise` is what its pairs vary by.
    fn until_decided(
        &mut self,
        most: u64,
        percent: impl Fn(usize) -> u64,
        noise: impl Fn(usize, u64) -> u64,
    ) -> Standing {
        for i in 0..most {
            let workload = (i % 5) as usize;
            let baseline = 200 + noise(workload, i * 7);
            let candidate = (200 + noise(workload, i * 5)) * percent(workload) / 100;
            self.rounds += 1;
            self.judge.observe(&Round {
                workload: Self::WORKLOADS[workload].to_owned(),
                baseline: answer(baseline),
                candidate: answer(candidate),
                answers: None,
                ended_unix_millis: BEGAN + 1000 * self.rounds,
            });
            let standing = self.judge.standing();
            if matches!(standing.verdict, Verdict::NotWorse | Verdict::Regressed) {
                return standing;
            }
        }
        self.judge.standing()
    }
}

/// Of all together: each by itself would need as many.
#[test]
fn five_equal_workloads_are_not_worse_as_soon_as_one() {
    let mut mix = Mix::new();
    let standing = mix.until_decided(1_000, |_| 100, |_, i| i / 5 % 11);
    assert_eq!(standing.verdict, Verdict::NotWorse, "{standing:?}");
    let snapshot = mix.judge.snapshot();
    let single = &snapshot.workloads[0].streams[0];
    assert_eq!((single.signal, single.gate.verdict), (Signal::Ttft, Verdict::Undecided));
    let together = snapshot.together.unwrap();
    let signals: Vec<_> = together.latencies.iter().map(|l| (l.signal, l.gate.verdict)).collect();
    let expect = [(Signal::Ttft, Verdict::NotWorse), (Signal::Itl, Verdict::NotWorse)];
    assert_eq!(signals, expect);
    assert_eq!(together.latencies[0].pairs, mix.rounds);
}

#[test]
fn one_slower_workload_is_not_hidden_by_four() {
    let mut mix = Mix::new();
    let percent = |workload| if workload == 2 { 120 } else { 100 };
    let standing = mix.until_decided(4_000, percent, |_, i| i / 5 % 11);
    assert_eq!(standing.verdict, Verdict::Regressed, "{standing:?}");
}

/// On average nothing is slower, but of one nobody knows.
#[test]
fn a_workload_whose_interval_is_wide_holds_the_mix_up() {
    let mut mix = Mix::new();
    let noise = |w: usize, i: u64| if w == 3 { i * 7919 % 3_000 } else { i / 5 % 11 };
    let standing = mix.until_decided(700, |_| 100, noise);
    let together = mix.judge.snapshot().together.unwrap();
    assert!(together.latencies.iter().all(|l| l.gate.verdict == Verdict::NotWorse), "{together:?}");
    assert_eq!(standing.verdict, Verdict::Undecided, "{standing:?}");
    let waits = Waits::Evidence { workload: "d".to_owned(), signal: Signal::Ttft, pairs: None };
    assert_eq!(standing.waits, Some(waits));
}

/// One request in fifty takes two seconds longer; the median is what it was.
#[test]
fn a_longer_tail_is_not_called_not_worse() {
    let mut course = Course::new();
    for i in 0..2_000_u64 {
        let more = if i % 50 == 7 { 2_000 } else { 0 };
        let (baseline, candidate) = (200 + (i * 7) % 11, 200 + (i * 5) % 11 + more);
        let standing = course.round(answer(baseline), answer(candidate));
        assert_ne!(standing.verdict, Verdict::NotWorse, "{i}");
    }
    assert_eq!(course.judge.standing().verdict, Verdict::Regressed);
    let ttft = &course.judge.snapshot().workloads[0].streams[0];
    assert!(ttft.alarms == 1 && ttft.gate.verdict == Verdict::Regressed, "{ttft:?}");
    assert!(ttft.effect.and_then(|e| e.ratio).is_some_and(|ratio| ratio < 1.05), "{ttft:?}");
}

fn any_side() -> impl Strategy<Value = Side> {
    prop_oneof![
        1 => Just(failed(DEAD)),
        1 => Just(failed(SideFailure::Unauthorized)),
        12 => (50_u64..60).prop_map(answer),
        4 => (50_u64..400).prop_map(answer),
    ]
}

proptest! {
    /// Whatever happens, no part of what is said denies another one.
    #[test]
    fn nothing_contradicts_the_verdict(
        phases in proptest::collection::vec((any_side(), any_side(), 1_usize..120), 1..12),
    ) {
        let mut course = Course::new();
        let mut regressed = false;
        for (baseline, candidate, rounds) in phases {
            for _ in 0..rounds {
                let standing = course.round(baseline, candidate);
                let snapshot = course.judge.snapshot();
                prop_assert_eq!(&snapshot.standing, &standing);
                let parts = course.parts();
                let alarmed = snapshot.workloads[0].streams.iter().any(|s| s.alarmed);
                prop_assert_eq!(standing.changed_since_unix_millis.is_some(), alarmed);
                prop_assert_eq!(standing.waits.is_some(), standing.verdict == Verdict::Undecided);
                let streams = &snapshot.workloads[0].streams;
                let not_worse = |signal: Signal| {
                    streams.iter().any(|s| {
                        s.signal == signal && s.gate.verdict == Verdict::NotWorse
                    })
                };
                let holds = match standing.verdict {
                    Verdict::Regressed => parts.contains(&Verdict::Regressed),
                    Verdict::Changed => {
                        alarmed
                            && parts.contains(&Verdict::Changed)
                            && !parts.contains(&Verdict::NotWorse)
                            && !parts.contains(&Verdict::Regressed)
                    }
                    Verdict::NotWorse => {
                        !alarmed
                            && snapshot.workloads[0].answered >= ANSWERED_PAIRS
                            && not_worse(Signal::Ttft)
                            && not_worse(Signal::Failure)
                    }
                    Verdict::Undecided => !alarmed && !parts.contains(&Verdict::Regressed),
                };
                prop_assert!(holds, "{:?}", snapshot);
                prop_assert!(!regressed || standing.verdict == Verdict::Regressed, "it stands");
                regressed = standing.verdict == Verdict::Regressed;
                let code = standing.exit_code();
                prop_assert_eq!(code == 0, standing.verdict == Verdict::NotWorse);
                prop_assert_eq!(code == 1, standing.verdict == Verdict::Regressed);
            }
        }
    }
}
