mod kept;

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::answer::failure::FailureReason;
use crate::answer::measure::{Measurement, TokenCount, TokenSource};
use crate::answer::outcome::Outcome;
use crate::answer::recording::{Arrival, Chunk, Offset};
use crate::answer::slo::{ObjectiveKind, judge};
use crate::target::request::ProbeId;
use crate::testing;

const MINUTE: i64 = 60_000_000_000;
/// The wall clock of every test, in the middle of a minute.
const NOW: i64 = 28_000_000 * MINUTE + MINUTE / 2;

fn target(name: &str) -> Arc<Target> {
    let slos = vec![testing::slo("fast", &[(ObjectiveKind::Ttft, 0.5)])];
    Arc::new(Target { slos, ..testing::target(name) })
}

/// A success with this time to first token: 20 tokens in a second.
fn success(target: &Target, ttft_ms: u64) -> Outcome {
    testing::outcome(Measurement {
        ttft: Some(Duration::from_millis(ttft_ms)),
        itl: Some(Duration::from_millis(10)),
        request_latency: Some(Duration::from_secs(1)),
        output_tokens: Some(TokenCount { tokens: 20, source: TokenSource::Usage }),
        content_at: vec![Offset(1), Offset(2)],
        ..Measurement::default()
    })
    .judged(target)
}

impl Outcome {
    fn judged(mut self, target: &Target) -> Self {
        let judge = |slo: &Arc<_>| judge(slo, self.result.is_ok(), &self.measurement);
        self.verdicts = target.slos.iter().map(judge).collect();
        self
    }
}

fn failure(target: &Target) -> Outcome {
    testing::failed(FailureReason::Stalled).judged(target)
}

/// A probe that started `minutes` after [`NOW`], with a body of so many bytes.
fn probe(target: &Target, minutes: i64, outcome: Outcome, body: usize) -> Probe {
    let mut recording = testing::recording();
    recording.started_unix_nanos = NOW + minutes * MINUTE;
    let arrival = Arrival { read: 0, task: Offset(1), kernel: None };
    recording.chunks = vec![Chunk { bytes: Bytes::from(vec![b'x'; body]), arrival }];
    Probe::new(ProbeId::random(), Arc::clone(&target.workloads[0]), recording, outcome)
}

/// With a body that cannot be made any shorter.
fn noisy(target: &Target, outcome: Outcome, body: usize) -> Probe {
    let mut probe = probe(target, 0, outcome, 0);
    let noise: Vec<u8> = rand::random_iter().take(body).collect();
    probe.recording.chunks[0].bytes = noise.into();
    probe
}

fn add(history: &History, target: &Arc<Target>, outcome: Outcome) -> String {
    let entry = history.add(target, probe(target, 0, outcome, 10));
    entry.summary.id.as_str().to_owned()
}

#[test]
fn failures_outlive_successes() {
    let (history, t) = (History::default(), target("t"));
    let failed = add(&history, &t, failure(&t));
    let missed = add(&history, &t, success(&t, 900));
    for _ in 0..1_000 {
        add(&history, &t, success(&t, 100));
    }
    let probes = history.probes("t");
    assert_eq!(probes.len(), ORDINARY + 2);
    assert_eq!(history.len(), ORDINARY + 2);
    let [.., second, oldest] = &probes[..] else { panic!("{probes:?}") };
    assert_eq!((oldest.summary.id.as_str(), second.summary.id.as_str()), (&*failed, &*missed));
    assert_eq!(second.summary.odd, Some(Oddity::SloMissed));
    assert!(probes.iter().all(Entry::is_whole));
    // A flood of failures drives out neither odd nor ordinary ones.
    for _ in 0..1_000 {
        add(&history, &t, failure(&t));
    }
    assert_eq!(history.len(), ORDINARY + 1 + FAILED);
    assert!(history.find(&missed).is_some() && history.find(&failed).is_none());
}

#[test]
fn numbers_of_the_newest_first() {
    let (history, t) = (History::default(), target("t"));
    let ids: Vec<_> = [success(&t, 1), failure(&t), success(&t, 900), success(&t, 1)]
        .into_iter()
        .map(|outcome| add(&history, &t, outcome))
        .collect();
    let found: Vec<_> =
        history.probes("t").iter().map(|e| e.summary.id.as_str().to_owned()).rev().collect();
    assert_eq!(found, ids);
    assert!(history.probes("another").is_empty());
}

#[test]
fn probes_that_overlap_are_in_the_order_of_their_starts() {
    let (history, t) = (History::default(), target("t"));
    let add = |minutes, outcome| {
        history.add(&t, probe(&t, minutes, outcome, 10)).summary.id.as_str().to_owned()
    };
    // A long one that ends after the one that started in its middle.
    let middle = add(1, success(&t, 1));
    let long = add(0, failure(&t));
    let found: Vec<_> =
        history.probes("t").iter().map(|e| e.summary.id.as_str().to_owned()).collect();
    assert_eq!(found, [middle, long]);
    assert!(
        history.overview(&t, NOW).last.is_some_and(|p| p.id.as_str() == found[1]),
        "ended last"
    );
}

#[test]
fn recordings_keep_to_their_memory() {
    const BODY: usize = 10_000;
    let (history, t) = (History::new(40 * BODY), target("t"));
    let add = |outcome| history.add(&t, noisy(&t, outcome, BODY));
    (0..FAILED).for_each(|_| drop(add(failure(&t))));
    (0..ORDINARY).for_each(|_| drop(add(success(&t, 1))));
    assert!(history.recorded_bytes() <= 40 * BODY, "{}", history.recorded_bytes());
    assert!(history.recorded_bytes() > 30 * BODY, "{}", history.recorded_bytes());
    let probes = history.probes("t");
    assert_eq!(probes.len(), FAILED + ORDINARY, "every line stays");
    // Successes, newest first, then failures; of each kind the newest have their recording.
    let held: Vec<_> = probes.iter().map(Entry::is_whole).collect();
    for kind in [&held[..ORDINARY], &held[ORDINARY..]] {
        let count = kind.iter().filter(|held| **held).count();
        assert!((15..20).contains(&count) && kind[..count].iter().all(|h| *h), "{kind:?}");
    }
    // One that is too large for any memory leaves the others in peace.
    let before = history.recorded_bytes();
    history.add(&t, noisy(&t, success(&t, 1), 3 * BODY));
    assert!(!history.probes("t")[0].is_whole());
    assert!(history.recorded_bytes() <= before);
    // Those that memory is short of, ordinary ones first; and all of them.
    history.give_up_recordings(3 * BODY);
    let left = history.recorded_bytes();
    assert!((before - 5 * BODY..=before - 3 * BODY).contains(&left), "{before}, then {left}");
    let whole = |probes: &[Entry]| probes.iter().filter(|entry| entry.is_whole()).count();
    let probes = history.probes("t");
    let (ordinary, failed) = (whole(&probes[..ORDINARY]), whole(&probes[ORDINARY..]));
    assert!(ordinary < failed && failed >= 15, "{ordinary} ordinary, {failed} failed");
    history.give_up_recordings(usize::MAX);
    assert_eq!((history.recorded_bytes(), whole(&history.probes("t"))), (0, 0));
    assert_eq!(history.probes("t").len(), probes.len(), "every line stays");
    history.retain(|_| false);
    assert_eq!((history.recorded_bytes(), history.len()), (0, 0));
}

/// 4,000 tokens are a megabyte or two.
#[test]
fn a_long_answer_is_held_too() {
    let (history, t) = (History::default(), target("t"));
    history.add(&t, probe(&t, 0, success(&t, 1), 3 << 20));
    assert!(history.probes("t")[0].is_whole());
}

/// Chunks are slices of larger read buffers; what is kept must not keep those.
#[test]
fn a_kept_body_has_memory_of_its_own() {
    let (history, t) = (History::default(), target("t"));
    let buffer = Bytes::from(vec![b'y'; 100_000]);
    let mut given = probe(&t, 0, success(&t, 1), 0);
    let arrival = given.recording.chunks[0].arrival;
    given.recording.chunks =
        (0..3).map(|i| Chunk { bytes: buffer.slice(i..i + 2), arrival }).collect();
    let kept = history.add(&t, given.clone()).flight().unwrap();
    assert_eq!(kept.probe.recording, given.recording);
    drop(given);
    assert!(buffer.is_unique());
}

#[test]
fn what_is_odd() {
    let (history, t) = (History::default(), target("t"));
    let odd = |outcome| history.add(&t, probe(&t, 0, outcome, 0)).summary.odd;
    for _ in 0..20 {
        assert_eq!(odd(success(&t, 100)), None);
    }
    assert_eq!(odd(success(&t, 100)), None, "not slower than all");
    assert_eq!(odd(success(&t, 101)), Some(Oddity::Slowest));
    assert_eq!(odd(success(&t, 101)), None);
    assert_eq!(odd(success(&t, 501)), Some(Oddity::SloMissed));
    let mut together = success(&t, 100);
    together.measurement.coalesced = 1;
    assert_eq!(odd(together), Some(Oddity::Coalesced));
    assert_eq!(odd(failure(&t)), None, "a failure is kept as such");
}

/// It may have hung, so that it is shown; but it is nobody's failure.
#[test]
fn a_probe_that_was_given_up_is_shown_and_counts_nowhere() {
    let (history, t) = (History::default(), target("t"));
    let given_up = || testing::failed(FailureReason::Cancelled).judged(&t);
    add(&history, &t, given_up());
    assert_eq!(history.state(&t, NOW), State::NotProbed);
    add(&history, &t, success(&t, 100));
    let last = add(&history, &t, given_up());
    let seen = history.overview(&t, NOW);
    assert_eq!((seen.state, history.state(&t, NOW)), (State::Healthy, State::Healthy));
    assert_eq!((seen.hour.probes, seen.hour.good, seen.month.probes), (1, 1, 1));
    assert_eq!((seen.hour.failures.len(), seen.hour.slos[0].probes), (0, 1));
    assert_eq!(seen.last.unwrap().id.as_str(), last);
    assert!(seen.last_failure.is_none() && history.failures(9).is_empty());
    assert_eq!(history.probes("t").len(), 3);
}

#[test]
fn an_hour_in_minutes() {
    let (history, t) = (History::default(), target("t"));
    let at = |minutes, outcome| drop(history.add(&t, probe(&t, minutes, outcome, 0)));
    at(-60, failure(&t)); // just too old
    at(-59, success(&t, 100));
    at(-1, success(&t, 200));
    at(-1, failure(&t));
    at(0, success(&t, 900));
    at(-1, success(&t, 200)); // ended late
    let Overview { state, last, hour, .. } = history.overview(&t, NOW);
    assert_eq!((hour.probes, hour.good), (5, 3));
    assert_eq!(hour.failures, [(FailureReason::Stalled, 1)].into());
    assert_eq!(hour.points.len(), MINUTES);
    let counts = |i: usize| (hour.points[i].probes, hour.points[i].good, hour.points[i].failures);
    assert_eq!(
        [counts(0), counts(1), counts(58), counts(59)],
        [(1, 1, 0), (0, 0, 0), (3, 2, 1), (1, 0, 0)]
    );
    assert_eq!((hour.points[1].ttft, hour.points[59].unix_seconds), (None, 28_000_000 * 60));
    let p50 = hour.points[58].ttft.unwrap().p50.as_secs_f64();
    assert!((p50 / 0.2 - 1.0).abs() < 0.011, "{p50}");
    let [slo] = &hour.slos[..] else { panic!("{:?}", hour.slos) };
    assert_eq!((slo.probes, slo.good, slo.attainment()), (5, 3, Some(0.6)));
    // 20 tokens/s of the good ones, 0 of the others.
    assert_eq!(slo.goodput, Some(3.0 * 20.0 / 5.0));
    assert_eq!((state, last.unwrap().ttft), (State::Degraded, Some(Duration::from_millis(200))));
    // Time passes without probes.
    let later = history.overview(&t, NOW + 30 * MINUTE).hour;
    assert_eq!((later.probes, later.points[28].probes), (4, 3));
    let empty = history.overview(&t, NOW + 61 * MINUTE).hour;
    assert_eq!((empty.probes, empty.ttft, empty.slos[0].attainment()), (0, None, None));
}

#[test]
fn a_clock_that_is_set_back_begins_anew() {
    let (history, t) = (History::default(), target("t"));
    history.add(&t, probe(&t, 600, success(&t, 100), 0));
    history.add(&t, probe(&t, 0, success(&t, 100), 0));
    assert_eq!(history.overview(&t, NOW).hour.probes, 1);
}

#[test]
fn states() {
    let (history, t) = (History::default(), target("t"));
    let state = || {
        assert_eq!(history.state(&t, NOW), history.overview(&t, NOW).state);
        history.state(&t, NOW)
    };
    assert_eq!(state(), State::NotProbed);
    add(&history, &t, success(&t, 100));
    assert_eq!(state(), State::Healthy);
    add(&history, &t, failure(&t));
    assert_eq!(state(), State::Failing);
    add(&history, &t, success(&t, 100));
    assert_eq!(state(), State::Degraded);
}

#[test]
fn failures_by_kind() {
    let (history, t, u) = (History::default(), target("t"), target("u"));
    let timeout = || testing::failed(FailureReason::Timeout).judged(&t);
    (0..3).for_each(|_| drop(add(&history, &t, failure(&t))));
    let newest_timeout = add(&history, &t, timeout());
    let newest_of_u = add(&history, &u, failure(&u));
    let newest = add(&history, &t, failure(&t));
    add(&history, &t, success(&t, 100));
    let kinds = history.failures(10);
    let found: Vec<_> = kinds.iter().map(|k| (k.newest.id.as_str(), k.remembered)).collect();
    assert_eq!(found, [(&*newest, 4), (&newest_of_u, 1), (&newest_timeout, 1)]);
    assert_eq!(history.failures(1).len(), 1);
    assert_eq!(history.overview(&t, NOW).last_failure.unwrap().id.as_str(), newest);
    assert_eq!(history.overview(&target("v"), NOW).last_failure, None);
}

#[test]
fn listeners_hear_of_each_probe() {
    let (history, t) = (History::default(), target("t"));
    add(&history, &t, success(&t, 100));
    let mut finished = history.finished();
    let id = add(&history, &t, failure(&t));
    let heard = finished.try_recv().unwrap();
    assert_eq!((heard.id.as_str(), heard.reason), (&*id, Some(FailureReason::Stalled)));
    assert!(finished.try_recv().is_err());
    // A slow one is told that it missed some, and costs no more than the backlog.
    (0..2_000).for_each(|_| drop(add(&history, &t, success(&t, 100))));
    let error = finished.try_recv().unwrap_err();
    assert!(matches!(error, broadcast::error::TryRecvError::Lagged(n) if n == 2_000 - 1_024));
}
