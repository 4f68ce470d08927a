use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use super::{
    ChangeDetection, Event, FieldNames, Observation, ReferenceSnapshot, StreamSnapshot,
    TargetState, TargetWatch, What,
};
use crate::answer::failure::FailureReason;
use crate::answer::measure::Measurement;
use crate::answer::outcome::Outcome;
use crate::answer::slo::{ObjectiveKind, judge};
use crate::regression::comparison::{Comparison, Order, Signal};
use crate::regression::detect::{Change, Tolerance};
use crate::target::Target;
use crate::target::schedule::{Arrival, Schedule};
use crate::testing;
use crate::workload::{Captured, Prompt, Workload};

const HOUR: u64 = 3600;

fn settings() -> ChangeDetection {
    ChangeDetection { reference: Duration::from_secs(HOUR), ..ChangeDetection::usual() }
}

fn target() -> Target {
    let slos = vec![testing::slo("quick", &[(ObjectiveKind::Ttft, 0.25)])];
    Target { slos, ..testing::target("t") }
}

fn watch(settings: &ChangeDetection, target: &Target) -> TargetWatch {
    TargetWatch::new(settings, target, &[], settings.streams(target), &mut FieldNames::default())
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

/// A success with this TTFT, a tenth of it as ITL and tenfold as latency.
fn success(ttft: f64) -> Outcome {
    let seconds = |factor: f64| Some(Duration::from_secs_f64(ttft * factor));
    let measurement = Measurement {
        ttft: seconds(1.0),
        itl: seconds(0.1),
        request_latency: seconds(10.0),
        ..Measurement::default()
    };
    let verdicts = target().slos.iter().map(|slo| judge(slo, true, &measurement)).collect();
    Outcome { verdicts, ..testing::outcome(measurement) }
}

/// As [`success`], around 200 ms; never the same.
fn usual(i: u64) -> f64 {
    // Without a memory: what follows on each other has nothing in common.
    let mixed = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40;
    #[allow(clippy::cast_precision_loss)]
    let noise = (mixed % 1000) as f64 / 1000.0 - 0.5;
    0.2 * (noise * 0.4).exp()
}

/// Probes from one second on, one every 15 s.
fn probe(
    watch: &mut TargetWatch,
    from: u64,
    count: u64,
    outcome: impl Fn(u64) -> Outcome,
) -> Vec<Event> {
    let mut events = Vec::new();
    for i in 0..count {
        let observation = Observation::of(&outcome(i), at(from + 15 * i)).unwrap();
        events.extend(watch.observe("chat", &observation));
    }
    events
}

fn healthy(watch: &mut TargetWatch, from: u64, count: u64) -> Vec<Event> {
    probe(watch, from, count, |i| success(usual(i)))
}

fn stream(watch: &TargetWatch, signal: Signal) -> StreamSnapshot {
    watch.snapshot().into_iter().find(|(_, s)| s.signal == signal).unwrap().1
}

fn collected(watch: &TargetWatch, signal: Signal) -> u64 {
    stream(watch, signal).reference.unwrap().observations
}

fn signals(events: &[Event]) -> Vec<Signal> {
    events.iter().map(|e| e.signal).collect()
}

/// With a complete reference, after 1,000 probes.
fn settled(settings: &ChangeDetection, target: &Target) -> TargetWatch {
    let mut watch = watch(settings, target);
    healthy(&mut watch, 0, 1000);
    assert!(watch.snapshot().iter().all(|(_, s)| s.alarmed == Some(false)));
    watch
}

#[test]
fn a_reference_needs_its_time_and_its_samples() {
    let target = target();
    // An hour has 240 probes; 500 are needed.
    let mut few = watch(&settings(), &target);
    assert_eq!(healthy(&mut few, 0, 499), []);
    assert_eq!(stream(&few, Signal::Ttft).alarmed, None);
    let complete = healthy(&mut few, 499 * 15, 1);
    assert_eq!(signals(&complete).len(), Signal::ALL.len());
    assert!(complete.iter().all(|e| e.what == What::Complete && e.workload == "chat"));
    let expected = ReferenceSnapshot {
        observations: 500,
        complete_unix_millis: Some((1_700_000_000 + 499 * 15) * 1000),
    };
    assert_eq!(stream(&few, Signal::Ttft).reference, Some(expected));
    // A day has 5,760.
    let mut long = watch(&ChangeDetection::usual(), &target);
    assert_eq!(healthy(&mut long, 0, 5760), []);
    assert_eq!(healthy(&mut long, 5760 * 15, 1).len(), Signal::ALL.len());
}

#[test]
fn a_clock_that_is_set_back_counts_from_there() {
    let mut watch = watch(&settings(), &target());
    healthy(&mut watch, 1_100_000, 1);
    // With the one before it, these are 499.
    assert_eq!(healthy(&mut watch, 0, 498), []);
    assert_eq!(healthy(&mut watch, 498 * 15, 1).len(), Signal::ALL.len());
}

/// Seconds until midnight before a Saturday.
const FRIDAY_NIGHT: u64 = 265_600;

/// What was seen on a Friday is none of a Saturday, and goes on to be collected on Monday.
#[test]
fn a_reference_of_working_days_leaves_weekends_out() {
    let mut watch = watch(&ChangeDetection::usual(), &target());
    let day = 86_400;
    let noon = FRIDAY_NIGHT - day / 2;
    assert_eq!(healthy(&mut watch, noon, 2_880), []);
    assert_eq!(collected(&watch, Signal::Ttft), 2_880);
    let shares = healthy(&mut watch, FRIDAY_NIGHT, 2 * 5_760);
    assert_eq!(signals(&shares), [Signal::Failure, Signal::Slo]);
    assert_eq!(collected(&watch, Signal::Ttft), 2_880);
    let monday = FRIDAY_NIGHT + 2 * day;
    assert_eq!(healthy(&mut watch, monday, 2_880), []);
    assert_eq!(healthy(&mut watch, monday + day / 2, 1).len(), 3);
    // At the next weekend latencies are what they are.
    let slower = probe(&mut watch, FRIDAY_NIGHT + 7 * day, 400, |i| success(usual(i) * 1.5));
    assert_eq!(signals(&slower), [Signal::Slo]);
    let slower = probe(&mut watch, monday + 7 * day, 400, |i| success(usual(i) * 1.5));
    assert!(signals(&slower).contains(&Signal::Ttft), "{slower:?}");
}

#[test]
fn a_reference_of_a_weekend_is_one_until_monday() {
    let mut watch = watch(&settings(), &target());
    assert_eq!(healthy(&mut watch, FRIDAY_NIGHT, 600).len(), Signal::ALL.len());
    let monday = FRIDAY_NIGHT + 2 * 86_400;
    let events = healthy(&mut watch, monday, 499);
    assert_eq!(signals(&events), [Signal::Ttft, Signal::Itl, Signal::RequestLatency]);
    let outdated = What::Outdated(vec!["kind of day".to_owned()]);
    assert!(events.iter().all(|event| event.what == outdated), "{events:?}");
    assert_eq!(healthy(&mut watch, monday + 499 * 15, 1).len(), 3);
}

#[test]
fn alarms_are_told_and_end() {
    let mut watch = settled(&settings(), &target());
    let slower = probe(&mut watch, 15_000, 200, |i| success(usual(i) * 1.5));
    let raised: Vec<_> = slower.iter().filter(|e| e.what == What::Alarm(Change::Raised)).collect();
    assert_eq!(raised.len(), 4, "{slower:?}"); // all but failures
    let ttft = stream(&watch, Signal::Ttft);
    assert_eq!((ttft.alarmed, ttft.alarms), (Some(true), 1));
    assert!(ttft.evidence_log10.unwrap() > ttft.threshold_log10);
    assert!((ttft.effect.unwrap().ratio.unwrap() - 1.5).abs() < 0.1);
    let last = ttft.last_alarm_unix_millis.unwrap() / 1000 - 1_700_000_000;
    assert!((15_000..15_000 + 200 * 15).contains(&last), "{last}");
    let cleared = healthy(&mut watch, 18_000, 300);
    assert_eq!(signals(&cleared).len(), 4, "{cleared:?}");
    assert_eq!(stream(&watch, Signal::Ttft).alarmed, Some(false));
}

#[test]
fn failures_are_found_as_failures() {
    let mut watch = settled(&settings(), &target());
    let failing = |i| {
        if i % 5 == 0 { testing::failed(FailureReason::ErrorEvent) } else { success(usual(i)) }
    };
    let events = probe(&mut watch, 15_000, 200, failing);
    let first = Event {
        workload: "chat".to_owned(),
        signal: Signal::Failure,
        what: What::Alarm(Change::Raised),
    };
    assert_eq!(events[0], first);
}

#[test]
fn a_reference_of_failures_is_none() {
    let mut watch = watch(&settings(), &target());
    let events = probe(&mut watch, 0, 500, |_| testing::failed(FailureReason::Connect));
    let unfit = events.iter().filter(|e| matches!(e.what, What::Unfit(_))).count();
    assert_eq!((events.len(), unfit), (4, 3), "{events:?}");
    assert_eq!(collected(&watch, Signal::Ttft), 0);
    assert_eq!(collected(&watch, Signal::Failure), 500);
}

#[test]
fn what_the_prober_gave_up_says_nothing() {
    for reason in [FailureReason::Cancelled, FailureReason::Internal] {
        assert_eq!(Observation::of(&testing::failed(reason), at(0)), None);
    }
    assert!(Observation::of(&testing::failed(FailureReason::Timeout), at(0)).is_some());
}

/// Each change, and the signals whose reference it outdates.
#[test]
fn only_what_is_outdated_begins_anew() {
    let all = Signal::ALL.to_vec();
    let with = |change: fn(&mut Target)| {
        let mut target = target();
        change(&mut target);
        target
    };
    let cases = [
        (with(|_| {}), vec![]),
        (with(|t| t.max_in_flight = 9), vec![]),
        (with(|t| drop(t.labels.insert("stack".into(), "next".into()))), vec![]),
        (with(|t| drop(t.version.insert("model_version".into(), "2".into()))), all.clone()),
        (with(|t| t.url = "http://other.test/v1".parse().unwrap()), all.clone()),
        (with(|t| drop(t.extra_body.insert("top_p".into(), 1.into()))), all.clone()),
        (with(|t| t.workloads.push(testing::workload("more", Vec::new()))), all),
        (
            with(|t| t.slos = vec![testing::slo("quick", &[(ObjectiveKind::Ttft, 0.3)])]),
            vec![Signal::Slo],
        ),
    ];
    let earlier = settled(&settings(), &target()).state();
    for (target, outdated) in cases {
        let mut next = watch(&settings(), &target);
        let events = next.adopt(&earlier);
        assert_eq!(signals(&events), outdated, "{events:?}");
        for (workload, stream) in next.snapshot().iter().filter(|(w, _)| w == "chat") {
            let kept = !outdated.contains(&stream.signal);
            assert_eq!(stream.alarmed.is_some(), kept, "{workload} {:?}", stream.signal);
        }
    }
}

#[test]
fn other_captured_requests_are_not_what_was_asked() {
    let asking = |text: &str| {
        let body = serde_json::Map::from_iter([("prompt".to_owned(), text.into())]);
        let prompts = vec![Prompt::captured(Captured::new(body).unwrap())].into();
        let chat = Workload { prompts, ..Workload::clone(&target().workloads[0]) };
        Target { workloads: vec![Arc::new(chat)], ..target() }
    };
    let earlier = settled(&settings(), &asking("p")).state();
    let outdated = |text| signals(&watch(&settings(), &asking(text)).adopt(&earlier));
    assert_eq!((outdated("p"), outdated("q")), (vec![], Signal::ALL.to_vec()));
}

/// What an earlier version of the program has written says in another way what it is about.
#[test]
fn a_reference_of_an_earlier_version_begins_anew() {
    let mut watch = settled(&settings(), &target());
    probe(&mut watch, 15_000, 200, |i| success(usual(i) * 1.5));
    let mut state = serde_json::to_value(watch.state()).unwrap();
    assert!(state["chat"].as_object_mut().unwrap().remove("basis").is_some());
    let state: TargetState = serde_json::from_value(state).unwrap();
    let mut next = self::watch(&settings(), &target());
    let events = next.adopt(&state);
    let outdated = What::Outdated(vec!["the program's version".to_owned()]);
    assert!(events.len() == 5 && events.iter().all(|e| e.what == outdated), "{events:?}");
    assert_eq!(stream(&next, Signal::Ttft).alarms, 1);
    assert_eq!(collected(&next, Signal::Ttft), 0);
}

#[test]
fn another_tolerance_keeps_the_reference_of_latencies() {
    let mut wanted = settings();
    wanted.tolerances.ttft = Tolerance::new(0.6).unwrap();
    wanted.tolerances.failure = Tolerance::new(0.1).unwrap();
    let mut next = watch(&wanted, &target());
    let events = next.adopt(&settled(&settings(), &target()).state());
    assert_eq!(signals(&events), [Signal::Failure]);
    let reference = collected(&next, Signal::Ttft);
    let slower = probe(&mut next, 15_000, 200, |i| success(usual(i) * 1.5));
    assert!(!signals(&slower).contains(&Signal::Ttft), "{slower:?}");
    assert!(signals(&slower).contains(&Signal::Itl));
    assert_eq!(collected(&next, Signal::Ttft), reference);
}

#[test]
fn on_request_all_begins_anew_but_the_count_of_alarms() {
    let mut watch = settled(&settings(), &target());
    probe(&mut watch, 15_000, 200, |i| success(usual(i) * 1.5));
    assert_eq!(watch.begin_anew(Some("unknown")), 0);
    assert_eq!(stream(&watch, Signal::Ttft).alarmed, Some(true));
    assert_eq!(watch.begin_anew(None), 1);
    for (_, stream) in watch.snapshot() {
        assert_eq!((stream.alarmed, stream.reference.unwrap().observations), (None, 0));
    }
    assert_eq!(stream(&watch, Signal::Ttft).alarms, 1);
}

#[test]
fn nothing_is_watched_where_it_is_not_wanted() {
    let settings = ChangeDetection { enabled: false, ..settings() };
    let mut watch = watch(&settings, &target());
    healthy(&mut watch, 0, 600);
    assert_eq!((watch.snapshot(), watch.state()), (vec![], TargetState::default()));
}

/// Its probes are observed, too: else false alarms would come more often than is asked for.
#[test]
fn a_comparison_beside_it_raises_the_evidence_needed() {
    let target = Arc::new(target());
    let compared = |baseline: &str, times: u32| {
        let interval = target.schedule.interval / times;
        Arc::new(Comparison {
            name: baseline.to_owned(),
            baseline: Arc::new(testing::target(baseline)),
            candidate: Arc::clone(&target),
            workloads: target.workloads.clone(),
            timing: Schedule { interval, arrival: Arrival::Poisson }.into(),
            order: Order::Simultaneous,
            tolerance: Tolerance::PAIRS,
            failure_margin: 0.01,
            slo_margin: 0.05,
            false_alarm_every: Duration::from_secs(86_400),
            answers: None,
        })
    };
    let elsewhere = Arc::new(Comparison {
        candidate: Arc::new(testing::target("other")),
        ..Comparison::clone(&compared("x", 1))
    });
    let of = |comparisons: &[Arc<Comparison>]| {
        let watch =
            TargetWatch::new(&settings(), &target, comparisons, 5, &mut FieldNames::default());
        watch.snapshot()[0].1.threshold_log10
    };
    let more = of(&[compared("a", 2), compared("b", 7), elsewhere]) - of(&[]);
    assert!((more - 10_f64.log10()).abs() < 1e-9, "{more}");
}

#[test]
fn a_rare_workload_needs_less_evidence() {
    let mut rare = (*testing::workload("rare", Vec::new())).clone();
    rare.weight = 1.0 / 9.0;
    let mut target = target();
    target.workloads.push(rare.into());
    let thresholds = watch(&settings(), &target).snapshot();
    let of = |name| thresholds.iter().find(|(w, _)| w == name).unwrap().1.threshold_log10;
    assert!((of("chat") - of("rare") - 9.0_f64.log10()).abs() < 1e-9);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Written down and read back at any moment, it goes on bit for bit.
    #[test]
    fn a_restart_in_mid_stream_changes_nothing(cut in 0_u64..1200, factor in 0.8..1.6_f64) {
        let target = target();
        let outcome = |i: u64| match i {
            _ if i.is_multiple_of(37) => testing::failed(FailureReason::Stalled),
            0..600 => success(usual(i)),
            _ => success(usual(i) * factor),
        };
        let mut steady = watch(&settings(), &target);
        probe(&mut steady, 0, cut, outcome);
        let written = serde_json::to_string(&steady.state()).unwrap();
        let mut restarted = watch(&settings(), &target);
        let events = restarted.adopt(&serde_json::from_str(&written).unwrap());
        prop_assert!(events.is_empty());
        for i in cut..1200 {
            prop_assert_eq!(restarted.snapshot(), steady.snapshot());
            let observation = Observation::of(&outcome(i), at(15 * i)).unwrap();
            let both = [&mut steady, &mut restarted].map(|w| w.observe("chat", &observation));
            prop_assert_eq!(&both[0], &both[1]);
        }
        let states = [steady, restarted].map(|w| serde_json::to_string(&w.state()).unwrap());
        prop_assert_eq!(&states[0], &states[1]);
    }
}
