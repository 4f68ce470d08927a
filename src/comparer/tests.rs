use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::{Fleet, Live, Means};
use crate::comparison::{Comparison, Order, Round, Side, Timing};
use crate::detect::{self, Tolerance};
use crate::prober::commission::desk;
use crate::schedule::{Arrival, Schedule};
use crate::target::Target;
use crate::testing::{captured, target, workload};
use crate::workload::replay::Replay;
use crate::workload::{Prefix, Workload};

fn spec(name: &str) -> Comparison {
    Comparison {
        name: name.to_owned(),
        baseline: Arc::new(target("prod")),
        candidate: Arc::new(target("next")),
        workloads: vec![workload("chat", Vec::new())],
        timing: Schedule { interval: Duration::from_secs(15), arrival: Arrival::Poisson }.into(),
        order: Order::Simultaneous,
        tolerance: Tolerance::PAIRS,
        failure_margin: 0.01,
        slo_margin: 0.05,
        false_alarm_every: Duration::from_secs(86_400),
        answers: None,
    }
}

/// The fleet at work; no prober takes its commissions.
fn apply(fleet: &mut Fleet, wanted: &[Comparison], seed: u64) -> Vec<Arc<Live>> {
    let wanted: Vec<_> = wanted.iter().cloned().map(Arc::new).collect();
    let means = Means { desk: &|_| Some(desk().0), seed: &|_| seed, tasks: &TaskTracker::new() };
    fleet.apply(&wanted, 4, &means)
}

fn observe(live: &Live, rounds: std::ops::Range<u64>) {
    for i in rounds {
        let side = |ttft| Side {
            failed: false,
            ttft: Some(Duration::from_millis(ttft)),
            itl: Some(Duration::from_millis(10)),
            request_latency: Some(Duration::from_millis(ttft + 100)),
            missed_slo: None,
        };
        live.observe(&Round {
            workload: "chat".to_owned(),
            baseline: side(200 + i % 7),
            candidate: side(205 + i % 5),
            answers: None,
            ended_unix_millis: 0,
        });
    }
}

#[tokio::test]
async fn a_restart_in_mid_stream_changes_nothing() {
    let (mut through, mut before) = (Fleet::default(), Fleet::default());
    let one = apply(&mut through, &[spec("canary")], 7);
    let other = apply(&mut before, &[spec("canary")], 7);
    observe(&one[0], 0..100);
    observe(&other[0], 0..60);
    let written = detect::save(&before.state()).unwrap();
    before.end();

    let mut after = Fleet::remembering(detect::restore(&written).unwrap());
    let again = apply(&mut after, &[spec("canary")], 8);
    assert_eq!(again[0].seed(), 7);
    observe(&again[0], 60..100);
    assert_eq!(after.state(), through.state());
    let text = |fleet: &Fleet| detect::save(&fleet.state()).unwrap();
    assert_eq!(text(&after), text(&through));
    assert_eq!(again[0].snapshot().pairs(), 100);
}

/// A reload that changes nothing goes on where the replay stands; another speed begins anew.
#[tokio::test]
async fn equal_replays_go_on() {
    let recorded = |speed| {
        let workloads = vec![captured("chat", &[Some(0), Some(60)])];
        let timing = Timing::Recorded(Replay::of(&workloads, speed).unwrap());
        Comparison { workloads, timing, ..spec("canary") }
    };
    let mut fleet = Fleet::default();
    let live = apply(&mut fleet, &[recorded(1.0)], 7);
    assert!(Arc::ptr_eq(&live[0], &apply(&mut fleet, &[recorded(1.0)], 7)[0]));
    assert!(!Arc::ptr_eq(&live[0], &apply(&mut fleet, &[recorded(2.0)], 7)[0]));
}

#[tokio::test]
async fn what_was_learnt_about_other_stacks_is_forgotten() {
    let check = |changed: Comparison, kept: bool| {
        let mut before = Fleet::default();
        observe(&apply(&mut before, &[spec("canary")], 7)[0], 0..5);
        let mut after = Fleet::remembering(before.state());
        let live = apply(&mut after, &[changed], 8);
        assert_eq!(live[0].snapshot().pairs(), if kept { 5 } else { 0 });
        assert_eq!(live[0].seed(), if kept { 7 } else { 8 });
    };
    check(spec("canary"), true);
    check(spec("other"), false);
    // How often is asked does not matter.
    let interval = Duration::from_secs(30);
    let timing = Schedule { interval, arrival: Arrival::Constant }.into();
    check(Comparison { timing, ..spec("canary") }, true);
    check(Comparison { tolerance: Tolerance::TTFT, ..spec("canary") }, false);
    check(Comparison { order: Order::BackToBack, ..spec("canary") }, false);
    let version = [("serving_image".to_owned(), "v2".to_owned())].into();
    let candidate = Arc::new(Target { version, ..target("next") });
    check(Comparison { candidate, ..spec("canary") }, false);
    let workloads = vec![workload("chat", Vec::new()), workload("more", Vec::new())];
    check(Comparison { workloads, ..spec("canary") }, false);
}

/// Else the baseline had the prompts in its prefix cache, and a new candidate had not.
#[tokio::test(start_paused = true)]
async fn a_comparison_that_begins_anew_sends_fresh_nonces() {
    let (mut fleet, tasks) = (Fleet::default(), TaskTracker::new());
    let mut first_prompt = async |version: &str| {
        let (begins, mut commissions) = desk();
        let version = [("serving_image".to_owned(), version.to_owned())].into();
        let candidate = Arc::new(Target { version, ..target("next") });
        let chat =
            Workload { prefix: Prefix::Unique, ..Workload::clone(&workload("chat", vec![])) };
        let spec = Comparison { candidate, workloads: vec![Arc::new(chat)], ..spec("canary") };
        let means = Means { desk: &|_| Some(begins.clone()), seed: &|_| 7, tasks: &tasks };
        fleet.apply(&[Arc::new(spec)], 4, &means);
        commissions.recv().await.unwrap().draw.prompt.text()
    };
    let (one, other) = (first_prompt("v1").await, first_prompt("v2").await);
    let words = |prompt: &str| prompt.split_once("] ").unwrap().1.to_owned();
    assert_eq!(words(&one), words(&other), "the same draws");
    assert_ne!(one, other);
}

/// A label, or how often is asked, bears on no figure: what was learnt goes on over a reload.
#[tokio::test]
async fn a_reload_that_changes_no_figure_keeps_what_was_learnt() {
    let check = |changed: Comparison, kept: bool| {
        let mut fleet = Fleet::default();
        let before = apply(&mut fleet, &[spec("canary")], 7);
        observe(&before[0], 0..5);
        let after = apply(&mut fleet, &[changed], 8);
        assert!(!Arc::ptr_eq(&before[0], &after[0]), "with the targets as they are now");
        assert_eq!(after[0].snapshot().pairs(), if kept { 5 } else { 0 });
        assert_eq!(after[0].seed(), if kept { 7 } else { 8 });
    };
    let labels = [("stack".to_owned(), "new".to_owned())].into();
    let candidate = Arc::new(Target { labels, ..target("next") });
    check(Comparison { candidate, ..spec("canary") }, true);
    let candidate = Arc::new(Target { max_in_flight: 9, ..target("next") });
    check(Comparison { candidate, ..spec("canary") }, true);
    let candidate = Arc::new(Target { model: Some("other".to_owned()), ..target("next") });
    check(Comparison { candidate, ..spec("canary") }, false);
}
