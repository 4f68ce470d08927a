use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::{
    AnswerRules, Comparison, DropReason, Judge, Order, Round, Side, SideFailure, Signal, Source,
    Timing, What,
};
use crate::answer::failure::FailureReason;
use crate::answer::measure::Measurement;
use crate::answer::skip::SkipReason;
use crate::answer::slo::{ObjectiveKind, judge};
use crate::regression::detect::{Change, Threshold, Tolerance, Verdict};
use crate::target::Target;
use crate::target::schedule::{Arrival, Schedule};
use crate::testing::{captured, failed, outcome, run, slo, target, workload};
use crate::workload::replay::Replay;
use crate::workload::{Captured, Prompt, Workload};

const DAY: Duration = Duration::from_secs(86_400);

fn spec() -> Comparison {
    let slos = vec![slo("interactive", &[(ObjectiveKind::Ttft, 0.5)])];
    let side = |name| Arc::new(Target { slos: slos.clone(), ..target(name) });
    Comparison {
        name: "canary".to_owned(),
        baseline: side("prod"),
        candidate: side("next"),
        workloads: vec![workload("chat", Vec::new())],
        timing: Schedule { interval: Duration::from_secs(15), arrival: Arrival::Poisson }.into(),
        order: Order::Simultaneous,
        tolerance: Tolerance::PAIRS,
        failure_margin: 0.01,
        slo_margin: 0.05,
        false_alarm_every: 30 * DAY,
        answers: None,
    }
}

fn side(ttft_millis: u64) -> Side {
    Side {
        failure: None,
        ttft: Some(Duration::from_millis(ttft_millis)),
        itl: Some(Duration::from_millis(10)),
        request_latency: Some(Duration::from_millis(ttft_millis + 100)),
        missed_slo: Some(ttft_millis > 500),
    }
}

const FAILED: Side = Side {
    failure: Some(SideFailure::Failed(FailureReason::Truncated)),
    ttft: None,
    itl: None,
    request_latency: None,
    missed_slo: Some(true),
};

fn round(baseline: Side, candidate: Side) -> Round {
    Round {
        workload: "chat".to_owned(),
        baseline,
        candidate,
        answers: None,
        ended_unix_millis: 1_700_000_000_123,
    }
}

/// How many pairs each signal has.
fn pairs(judge: &Judge) -> Vec<(Signal, u64)> {
    let snapshot = judge.snapshot();
    snapshot.workloads[0].streams.iter().map(|s| (s.signal, s.pairs)).collect()
}

#[test]
fn a_figure_that_one_side_lacks_is_no_bet() {
    let mut judge = Judge::new(&spec(), 5, run());
    judge.observe(&round(side(200), Side { itl: None, ..side(200) }));
    judge.observe(&round(Side { itl: None, ..side(200) }, FAILED));
    judge.observe(&round(FAILED, FAILED));
    judge.observe(&round(Side { missed_slo: None, ..side(200) }, side(300)));
    let expect: Vec<_> = Signal::ALL.iter().copied().zip([3, 2, 3, 4, 3]).collect();
    assert_eq!(pairs(&judge), expect);
    assert_eq!(judge.snapshot().pairs(), 4);
}

/// It is read whole, and another run begins, because it was judged in another way.
#[test]
fn what_an_earlier_version_has_written_begins_anew() {
    let spec = spec();
    let mut written = serde_json::to_value(Judge::new(&spec, 5, run())).unwrap();
    for stream in written["workloads"][0]["latencies"].as_array_mut().unwrap() {
        assert!(stream.as_object_mut().unwrap().remove("long").is_some());
        let detector = stream["detector"].as_object_mut().unwrap();
        assert!(detector.remove("long").is_some() && detector.remove("episodes").is_some());
        assert!(stream["gate"].as_object_mut().unwrap().remove("by_middle").is_some());
    }
    assert!(serde_json::from_value::<Judge>(written).unwrap().fits(&spec));
    let mut before = spec.fingerprint();
    before.number("way of judging", 2);
    assert_eq!(spec.fingerprint().differing(&before), ["way of judging"]);
}

/// The candidate sends its answers in one piece, both fail now and then.
#[test]
fn failures_count_alike_where_one_side_never_shows_a_figure() {
    let mut judge = Judge::new(&spec(), 5, run());
    for i in 0..10_000 {
        let candidate = Side { itl: None, ..side(200 + i % 5) };
        let (b, c) = (i % 40 == 7, i % 40 == 31);
        let of = |failed: bool, side: Side| if failed { FAILED } else { side };
        judge.observe(&round(of(b, side(200 + i % 7)), of(c, candidate)));
    }
    let snapshot = judge.snapshot();
    let itl = &snapshot.workloads[0].streams[1];
    assert_eq!((itl.signal, itl.pairs, itl.alarms), (Signal::Itl, 500, 0));
    assert!(itl.gate.regressed_log10 < 0.5 && itl.gate.verdict == Verdict::Undecided, "{itl:?}");
    // What neither can be held to does not stand in the way.
    assert_eq!(snapshot.standing.verdict, Verdict::NotWorse);
}

#[test]
fn a_round_of_something_else_is_not_judged() {
    let mut judge = Judge::new(&spec(), 5, run());
    let stray = Round { workload: "other".to_owned(), ..round(side(200), FAILED) };
    assert_eq!((judge.observe(&stray), judge.snapshot().pairs()), (Vec::new(), 0));
}

#[test]
fn a_side_is_what_its_server_did() {
    let slos = ["interactive".to_owned()];
    let measured = Measurement { ttft: Some(Duration::from_secs(1)), ..Measurement::default() };
    let slo = slo("interactive", &[(ObjectiveKind::Ttft, 0.5)]);
    let mut late = outcome(measured.clone());
    late.verdicts = vec![judge(&slo, true, &measured)];
    let found = Side::of(&late, &slos).unwrap();
    assert_eq!((found.failed(), found.ttft, found.missed_slo), (false, measured.ttft, Some(true)));
    // A target's own SLO is none that both are held to.
    assert_eq!(Side::of(&late, &[]).unwrap().missed_slo, None);
    assert!(Side::of(&failed(FailureReason::Stalled), &slos).unwrap().failed());
    for own in [FailureReason::Cancelled, FailureReason::Internal] {
        assert_eq!(Side::of(&failed(own), &slos), None, "{own}");
    }
}

#[test]
fn signals_are_those_that_can_be_seen() {
    let signals = |spec: &Comparison| spec.signals(&spec.workloads[0]);
    assert_eq!(signals(&spec()), Signal::ALL);
    let whole = Arc::new(Target { stream: false, ..target("next") });
    let spec = Comparison { candidate: whole, ..spec() };
    assert_eq!(signals(&spec), [Signal::RequestLatency, Signal::Failure]);
    assert!(Signal::RequestLatency.decides(spec.streamed()));
    let short = Workload { max_output_tokens: 1, ..Workload::clone(&spec.workloads[0]) };
    let streamed = Comparison { candidate: Arc::clone(&spec.baseline), ..spec };
    assert!(!streamed.signals(&short).contains(&Signal::Itl));
}

#[test]
fn one_regressed_signal_decides_and_all_must_be_not_worse() {
    let mut judge = Judge::new(&spec(), 5, run());
    let mut verdicts = Vec::new();
    for i in 0..2_000 {
        let events = judge.observe(&round(side(200 + i % 7), side(200 + i % 5)));
        verdicts.extend(events.into_iter().filter_map(|e| match e.what {
            What::Part(verdict) => Some((e.signal, verdict)),
            What::Alarm(_) => None,
        }));
        if judge.standing().verdict != Verdict::Undecided {
            break;
        }
    }
    assert_eq!(judge.standing().verdict, Verdict::NotWorse);
    let deciding = Signal::ALL.iter().filter(|s| s.decides(true));
    for signal in deciding {
        assert!(verdicts.contains(&(*signal, Verdict::NotWorse)), "{signal:?}: {verdicts:?}");
    }

    let mut judge = Judge::new(&spec(), 5, run());
    for _ in 0..120 {
        judge.observe(&round(side(200), side(230)));
    }
    assert_eq!(judge.standing().verdict, Verdict::Regressed);
}

#[test]
fn two_sides_that_always_fail_are_not_fit_for_promotion() {
    let mut judge = Judge::new(&spec(), 5, run());
    for _ in 0..2_000 {
        judge.observe(&round(FAILED, FAILED));
    }
    let snapshot = judge.snapshot();
    let failures = &snapshot.workloads[0].streams[3];
    assert_eq!((failures.signal, failures.gate.verdict), (Signal::Failure, Verdict::Undecided));
    assert_eq!((snapshot.standing.verdict, snapshot.both_failed()), (Verdict::Undecided, 2_000));
}

/// As many workloads, of as many rounds in turn, as pairs are given; `fails` says of which round
/// the candidate's probe fails.
fn of_several(workloads: usize, rounds: usize, fails: impl Fn(usize) -> bool) -> Judge {
    let names = ["a", "b", "c", "d"].map(|name| workload(name, Vec::new()));
    let workloads = names[..workloads].to_vec();
    let spec = Comparison { workloads: workloads.clone(), ..spec() };
    let mut judge = Judge::new(&spec, 20, run());
    for i in 0..rounds {
        let millis = 200 + (i as u64 * 7) % 11;
        let candidate = if fails(i) { FAILED } else { side(200 + (i as u64 * 5) % 11) };
        let workload = workloads[i % workloads.len()].name.clone();
        judge.observe(&Round { workload, ..round(side(millis), candidate) });
    }
    judge
}

#[test]
fn failures_of_several_workloads_are_judged_together() {
    let judge = of_several(4, 1_000, |_| false);
    let snapshot = judge.snapshot();
    let together = snapshot.together.unwrap();
    assert_eq!((snapshot.standing.verdict, together.pairs), (Verdict::NotWorse, 1_000));
    let each = snapshot.workloads.iter().flat_map(|w| &w.streams);
    let mut each = each.filter(|s| s.signal == Signal::Failure);
    assert!(each.all(|s| s.gate.verdict == Verdict::Undecided), "too few alone");

    // Two per cent, of each workload alike.
    let judge = of_several(4, 1_000, |i| i % 53 == 5);
    let together = judge.snapshot().together.unwrap();
    assert_eq!(
        (judge.standing().verdict, together.gate.verdict),
        (Verdict::Regressed, Verdict::Regressed)
    );
    assert_eq!((together.discordant.candidate_worse, together.discordant.baseline_worse), (19, 0));

    // Of one workload only: that one speaks for itself.
    let judge = of_several(4, 100, |i| i % 4 == 2);
    assert_eq!(judge.standing().verdict, Verdict::Regressed);
    assert_eq!(of_several(1, 10, |_| false).snapshot().together, None);
}

/// Else a workload that is seldom drawn would pass unseen.
#[test]
fn a_workload_without_rounds_is_not_passed_over() {
    let workloads = vec![workload("chat", Vec::new()), workload("rare", Vec::new())];
    let mut judge = Judge::new(&Comparison { workloads, ..spec() }, 10, run());
    for i in 0..2_000 {
        judge.observe(&round(side(200 + i % 7), side(200 + i % 5)));
    }
    let snapshot = judge.snapshot();
    let chat = &snapshot.workloads[0].streams[0];
    assert_eq!(
        (chat.gate.verdict, snapshot.standing.verdict),
        (Verdict::NotWorse, Verdict::Undecided)
    );
}

#[test]
fn an_alarm_is_told_with_its_time_and_goes_when_the_effect_does() {
    let mut judge = Judge::new(&spec(), 5, run());
    let mut changes = Vec::new();
    let mut watch = |candidate: u64, rounds: u64| {
        for i in 0..rounds {
            let events = judge.observe(&round(side(200), side(candidate + i % 3)));
            let alarms = events.into_iter().filter_map(|e| match e.what {
                What::Alarm(change) if e.signal == Signal::Ttft => Some(change),
                _ => None,
            });
            changes.extend(alarms);
        }
        judge.snapshot().workloads[0].streams[0].clone()
    };
    let raised = watch(300, 100);
    assert_eq!((raised.alarmed, raised.alarms), (true, 1));
    assert_eq!(raised.last_alarm_unix_millis, Some(1_700_000_000_123));
    let over = watch(199, 400);
    assert_eq!((over.alarmed, over.alarms), (false, 1));
    assert_eq!(changes, [Change::Raised, Change::Cleared]);
}

#[test]
fn answers_are_counted_where_they_are_compared() {
    let rules = AnswerRules { length_ratio: 2.0, exact: true };
    let mut judge = Judge::new(&Comparison { answers: Some(rules), ..spec() }, 5, run());
    let answers = super::Answers { finish: true, length: false, exact: Some(false) };
    judge.observe(&Round { answers: Some(answers), ..round(side(200), side(200)) });
    judge.observe(&round(side(200), FAILED));
    let counts = judge.snapshot().workloads[0].answers.unwrap();
    assert_eq!((counts.compared, counts.finish_differs), (1, 0));
    assert_eq!((counts.length_differs, counts.text_differs), (1, 1));
}

#[test]
fn a_rare_workload_needs_less_evidence_and_a_large_fleet_more() {
    let spec = spec();
    let [chat, rare] = [1.0, 0.25]
        .map(|weight| Arc::new(Workload { weight, ..Workload::clone(&spec.workloads[0]) }));
    let spec = Comparison { workloads: vec![Arc::clone(&chat), Arc::clone(&rare)], ..spec };
    let of = |workload, fleet| spec.threshold(workload, fleet).log10();
    assert!((of(&chat, 1) - of(&rare, 1) - 4.0_f64.log10()).abs() < 1e-9);
    assert!((of(&chat, 40) - of(&chat, 1) - 40.0_f64.log10()).abs() < 1e-9);
}

/// What counts of captured requests is how many they are.
#[test]
fn the_mean_gap_is_the_interval_of_recorded_arrivals() {
    let chat = captured("chat", &[Some(0), Some(5), Some(5), Some(8)]);
    let rare = captured("rare", &[Some(20)]);
    let rare = Arc::new(Workload { weight: 9.0, ..Workload::clone(&rare) });
    let workloads = vec![chat, rare];
    let timing = Timing::Recorded(Replay::of(&workloads, 2.0).unwrap());
    let spec = Comparison { workloads, timing, ..spec() };
    let of = |workload: usize| spec.threshold(&spec.workloads[workload], 7);
    // Four gaps in twenty seconds, at twice the speed.
    let every =
        |millis| Threshold::of_fleet(spec.false_alarm_every, Duration::from_millis(millis), 7);
    assert_eq!((of(0), of(1)), (every(3125), every(12_500)));
}

#[test]
fn only_a_judge_of_the_same_streams_fits() {
    let judge = Judge::new(&spec(), 5, run());
    assert!(judge.fits(&Comparison { tolerance: Tolerance::TTFT, ..spec() }));
    let others = vec![workload("other", Vec::new())];
    assert!(!judge.fits(&Comparison { workloads: others, ..spec() }));
    assert!(!judge.fits(&Comparison { candidate: Arc::new(target("next")), ..spec() }), "no SLO");
}

/// The words are not all of it: the parameters bear on the answer, too.
#[test]
fn other_captured_requests_are_another_comparison() {
    let of = |body: serde_json::Value| {
        let request = Captured::new(body.as_object().unwrap().clone()).unwrap();
        let prompts = vec![Prompt::captured(request)].into();
        let chat = Workload { prompts, ..Workload::clone(&workload("chat", Vec::new())) };
        Comparison { workloads: vec![Arc::new(chat)], ..spec() }.fingerprint()
    };
    let plain = of(json!({"prompt": "p"}));
    assert_eq!(plain, of(json!({"prompt": "p"})));
    assert_ne!(plain, of(json!({"prompt": "p", "temperature": 0})));
}

#[test]
fn who_is_first_is_left_to_a_seeded_coin() {
    let draw = |seed| {
        let mut source = Source::new(&spec(), seed);
        let rounds: Vec<_> = (0..400).map(|_| source.next().unwrap()).collect();
        let first: Vec<_> = rounds.iter().map(|r| r.baseline_first).collect();
        let prompts: Vec<_> = rounds.iter().map(|r| r.draw.prompt.text()).collect();
        (first, prompts)
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    let ahead = draw(1).0.iter().filter(|first| **first).count();
    assert!((160..=240).contains(&ahead), "{ahead}"); // four standard deviations
}

fn any_side() -> impl Strategy<Value = Side> {
    prop_oneof![
        1 => Just(FAILED),
        9 => (1_u64..2_000, proptest::option::of(1_u64..50)).prop_map(|(ttft, itl)| Side {
            itl: itl.map(Duration::from_millis),
            ..side(ttft)
        }),
    ]
}

proptest! {
    /// A restart in mid-stream leaves every statistic as it would be without.
    #[test]
    fn written_down_and_read_back_it_goes_on_bit_for_bit(
        rounds in proptest::collection::vec((any_side(), any_side()), 0..60),
        split in 0_usize..60,
    ) {
        let mut through = Judge::new(&spec(), 5, run());
        let mut judge = through.clone();
        for (i, (baseline, candidate)) in rounds.into_iter().enumerate() {
            if i == split {
                judge.dropped(DropReason::Skipped(SkipReason::Late));
                through.dropped(DropReason::Skipped(SkipReason::Late));
                judge = serde_json::from_str(&serde_json::to_string(&judge).unwrap()).unwrap();
            }
            let round = round(baseline, candidate);
            prop_assert_eq!(judge.observe(&round), through.observe(&round));
        }
        prop_assert_eq!(serde_json::to_string(&judge).unwrap(), serde_json::to_string(&through).unwrap());
        prop_assert!(judge == through && judge.fits(&spec()));
    }
}
