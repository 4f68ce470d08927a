use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::task::TaskTracker;

use super::{Fleet, Live, StartContext};
use crate::load::{Admission, Limits, Prober, Stop};
use crate::probe::Probing;
use crate::probe::sink::TargetSinks;
use crate::regression::comparison::{
    Cause, Comparison, DropReason, Order, Round, RunId, Side, Timing,
};
use crate::regression::detect::Tolerance;
use crate::target::Target;
use crate::target::budget::Ledger;
use crate::target::schedule::{Arrival, Schedule};
use crate::testing::{captured, target, workload};
use crate::transport::Transport;
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

/// A prober whose server, which says nothing, is to be had from the other end of `dialled`.
fn prober(name: &str, dialled: UnboundedSender<DuplexStream>) -> Arc<Prober> {
    let target = Arc::new(target(name));
    let dialer = Arc::new(move || {
        let (client, server) = tokio::io::duplex(1 << 16);
        let _ = dialled.send(server); // nobody may look
        client
    });
    let transport = Transport::pipe(&target, dialer);
    let admission = Admission::new(Limits::of(&target), Ledger::default());
    let (sinks, stop) = (TargetSinks::default(), Stop::default());
    let probing = Arc::new(Probing::new(target, transport));
    Arc::new(Prober::new(probing, admission, sinks, Arc::default(), stop))
}

/// The fleet at work, without answers.
fn apply(fleet: &mut Fleet, wanted: &[Comparison], seed: u64) -> Vec<Arc<Live>> {
    let wanted: Vec<_> = wanted.iter().cloned().map(Arc::new).collect();
    let prober = |name: &str| Some(prober(name, unbounded_channel().0));
    let context = StartContext { prober: &prober, seed: &|_| seed, tasks: &TaskTracker::new() };
    fleet.apply(&wanted, 4, &context)
}

fn observe(live: &Live, rounds: std::ops::Range<u64>) {
    for i in rounds {
        let side = |ttft| Side {
            failure: None,
            ttft: Some(Duration::from_millis(ttft)),
            itl: Some(Duration::from_millis(10)),
            request_latency: Some(Duration::from_millis(ttft + 100)),
            missed_slo: None,
        };
        live.observe(
            &live.run(),
            &Round {
                workload: "chat".to_owned(),
                baseline: side(200 + i % 7),
                candidate: side(205 + i % 5),
                answers: None,
                ended_unix_millis: 0,
            },
        );
    }
}

#[tokio::test]
async fn a_restart_in_mid_stream_changes_nothing() {
    let mut through = Fleet::default();
    let one = apply(&mut through, &[spec("canary")], 7);
    let mut before = Fleet::remembering(through.state()); // of the same run
    let other = apply(&mut before, &[spec("canary")], 7);
    observe(&one[0], 0..100);
    observe(&other[0], 0..60);
    let written = serde_json::to_string(&before.state()).unwrap();
    before.end();

    let mut after = Fleet::remembering(serde_json::from_str(&written).unwrap());
    let again = apply(&mut after, &[spec("canary")], 8);
    assert_eq!(again[0].seed(), 7);
    observe(&again[0], 60..100);
    assert_eq!(after.state(), through.state());
    let text = |fleet: &Fleet| serde_json::to_string(&fleet.state()).unwrap();
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
        let (dialled, mut servers) = unbounded_channel();
        let version = [("serving_image".to_owned(), version.to_owned())].into();
        let candidate = Arc::new(Target { version, ..target("next") });
        let chat =
            Workload { prefix: Prefix::Unique, ..Workload::clone(&workload("chat", vec![])) };
        let spec = Comparison { candidate, workloads: vec![Arc::new(chat)], ..spec("canary") };
        let prober = |name: &str| Some(prober(name, dialled.clone()));
        let context = StartContext { prober: &prober, seed: &|_| 7, tasks: &tasks };
        fleet.apply(&[Arc::new(spec)], 4, &context);
        let (mut server, mut request) = (servers.recv().await.unwrap(), Vec::new());
        while !request.ends_with(b"}") {
            server.read_buf(&mut request).await.unwrap();
        }
        let request = String::from_utf8(request).unwrap();
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        body["messages"][0]["content"].as_str().unwrap().to_owned()
    };
    let (one, other) = (first_prompt("v1").await, first_prompt("v2").await);
    let words = |prompt: &str| prompt.split_once("] ").unwrap().1.to_owned();
    assert_eq!(words(&one), words(&other), "the same draws");
    assert_ne!(one, other);
}

fn id(id: &str) -> RunId {
    RunId::try_from(id.to_owned()).unwrap()
}

#[tokio::test]
async fn a_run_is_begun_as_asked_and_knows_nothing_of_the_one_before() {
    let mut fleet = Fleet::default();
    let live = apply(&mut fleet, &[spec("canary")], 7).remove(0);
    let first = live.snapshot().standing.run;
    assert_eq!(first.cause, Cause::New);
    observe(&live, 0..5);

    assert_eq!(live.start(Some(id("v2"))), Ok(id("v2")));
    let begun = live.snapshot();
    assert_eq!((begun.pairs(), &begun.standing.run.id), (0, &id("v2")));
    assert_eq!(begun.standing.run.cause, Cause::Asked);
    // Asked for twice, as by a client that did not hear the answer.
    assert_eq!(live.start(Some(id("v2"))), Ok(id("v2")));
    observe(&live, 0..1);
    let error = live.start(Some(id("v2"))).unwrap_err().to_string();
    assert!(error.starts_with("the current run is `v2` and has made rounds, expected"), "{error}");
    assert_eq!(live.snapshot().pairs(), 1);
    let own = live.start(None).unwrap();
    assert!(own != id("v2") && own != first.id, "{own}");
    assert_eq!(live.snapshot().pairs(), 0);
}

/// A probe of yesterday's candidate is none of today's.
#[tokio::test]
async fn rounds_under_way_do_not_count_in_the_next_run() {
    let mut fleet = Fleet::default();
    let live = apply(&mut fleet, &[spec("canary")], 7).remove(0);
    let begun_in = live.run();
    live.start(None).unwrap();
    let side =
        Side { failure: None, ttft: None, itl: None, request_latency: None, missed_slo: None };
    live.observe(
        &begun_in,
        &Round {
            workload: "chat".to_owned(),
            baseline: side,
            candidate: side,
            answers: None,
            ended_unix_millis: 0,
        },
    );
    let snapshot = live.snapshot();
    assert_eq!((snapshot.pairs(), snapshot.rounds_dropped()), (0, 1));
    assert!(snapshot.dropped.contains(&(DropReason::OtherRun, 1)));
}

/// Another rhythm is the same comparison, another candidate is not.
#[tokio::test]
async fn a_reload_begins_a_run_only_where_it_is_another_comparison() {
    let mut fleet = Fleet::default();
    let live = apply(&mut fleet, &[spec("canary")], 7).remove(0);
    let run = live.snapshot().standing.run;
    observe(&live, 0..5);
    let timing = Schedule { interval: Duration::from_secs(30), arrival: Arrival::Constant }.into();
    let slower = Comparison { timing, ..spec("canary") };
    let live = apply(&mut fleet, std::slice::from_ref(&slower), 8).remove(0);
    assert_eq!((live.snapshot().pairs(), live.snapshot().standing.run), (5, run.clone()));

    let version = [("image".to_owned(), "v2".to_owned())].into();
    let candidate = Arc::new(Target { version, ..target("next") });
    let live = apply(&mut fleet, &[Comparison { candidate, ..slower }], 8).remove(0);
    let next = live.snapshot().standing.run;
    assert_eq!(live.snapshot().pairs(), 0);
    assert_ne!(next.id, run.id);
    assert_eq!(next.cause.to_string(), "changed: candidate version.image");
}

/// Of an earlier version of the program: it is refused as a whole, and nothing in it is guessed at.
#[tokio::test]
async fn what_has_another_shape_is_refused() {
    let mut fleet = Fleet::default();
    apply(&mut fleet, &[spec("canary")], 7);
    let mut state = serde_json::to_value(fleet.state()).unwrap();
    let read = |state| serde_json::from_value::<Vec<super::Remembered>>(state);
    assert_eq!(read(state.clone()).unwrap(), fleet.state());
    state[0]["fingerprint"] = 12_345.into();
    assert!(read(state.clone()).unwrap_err().to_string().contains("expected a map"));
    state = serde_json::to_value(fleet.state()).unwrap();
    state[0]["judge"].as_object_mut().unwrap().remove("run");
    assert!(read(state).unwrap_err().to_string().contains("missing field `run`"));
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
