//! What outlives a restart, and at what size.

use std::collections::BTreeMap;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::memory::state::{Batch, Sections, Store};

const HOUR: i64 = 60;

/// Writes what is new; as the daemon does.
fn save(history: &History, store: &Store) -> usize {
    let unsaved = history.take_unsaved();
    let rows = history.rows(&unsaved);
    let count = rows.changed.len();
    store.write(Batch { sections: Sections::default(), history: rows }).unwrap();
    count
}

fn restored(folder: &Path, targets: &[Arc<Target>]) -> (History, Store) {
    let mut saved = testing::saved(folder).unwrap();
    let history = History::default();
    history.restore(saved.take_history(), targets);
    (history, saved.into_store())
}

/// What is shown of it, but for the successes' own lines.
fn shown(history: &History, target: &Target, now: i64) -> String {
    let Overview { state, last, last_failure, now, hour, day, month, marks } =
        history.overview(target, now);
    let id = |summary: Option<Arc<Summary>>| summary.map(|s| s.id.as_str().to_owned());
    format!(
        "{state:?} {:?} {:?} {now:#?} {hour:#?} {day:#?} {month:#?} {marks:?}",
        id(last),
        id(last_failure)
    )
}

/// Thirty-one days at 24 probes an hour, every 50th of them failed.
fn month(history: &History, target: &Arc<Target>) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for probe_number in 0..31 * 24 * 24 {
        let minutes = probe_number * 5 / 2 - 31 * 24 * HOUR;
        let outcome = match probe_number % 50 {
            49 => failure(target),
            _ => success(target, 200 + rng.random_range(0..400)),
        };
        history.add(target, super::probe(target, minutes, outcome, 40));
    }
}

/// Each end of the program gives some up.
#[test]
fn a_probe_that_was_given_up_last_does_not_stand_for_the_target_after_a_restart() {
    let (folder, t) = (tempfile::tempdir().unwrap(), target("t"));
    let (history, store) = restored(folder.path(), &[Arc::clone(&t)]);
    super::add(&history, &t, failure(&t));
    save(&history, &store);
    super::add(&history, &t, success(&t, 100));
    super::add(&history, &t, testing::failed(FailureReason::Cancelled).judged(&t));
    save(&history, &store);
    drop(store);
    let again = restored(folder.path(), &[Arc::clone(&t)]).0;
    assert_eq!(again.probes("t").len(), 3);
    assert_eq!(again.state(&t, NOW), history.state(&t, NOW));
}

#[test]
fn thirty_days_and_the_last_failures_outlive_a_restart() {
    let (folder, t) = (tempfile::tempdir().unwrap(), target("t"));
    let (history, store) = restored(folder.path(), &[Arc::clone(&t)]);
    month(&history, &t);
    let overview = history.overview(&t, NOW);
    // The month begins with a whole block of eight hours, the last hour is not over.
    assert!((30 * 24 * 24 - 24..=(30 * 24 + 7) * 24).contains(&overview.month.probes));
    assert!((23 * 24..=24 * 24).contains(&overview.day.probes), "{:?}", overview.day);
    assert_eq!(overview.month.failed(), overview.month.failures[&FailureReason::Stalled]);
    let p50 = overview.month.ttft.unwrap().p50.as_secs_f64();
    assert!((p50 / 0.4 - 1.0).abs() < 0.03, "{p50}");
    save(&history, &store);
    let before = shown(&history, &t, NOW);
    let failures: Vec<_> =
        history.probes("t").into_iter().filter(|e| e.summary.reason.is_some()).collect();
    assert_eq!(failures.len(), FAILED);
    drop((history, store));

    let (history, store) = restored(folder.path(), &[Arc::clone(&t)]);
    assert_eq!(shown(&history, &t, NOW), before);
    for entry in &failures {
        let again = history.find(entry.summary.id.as_str()).unwrap();
        assert_eq!(*again.summary, *entry.summary);
        let (flight, kept) = (again.flight().unwrap(), entry.flight().unwrap());
        assert_eq!(flight.probe.recording, kept.probe.recording, "the answer as it came");
    }
    // It goes on from there, and an hour later the oldest hour is gone.
    assert_eq!(save(&history, &store), 0, "nothing is written twice");
    history.add(&t, super::probe(&t, 1, failure(&t), 40));
    let rows = save(&history, &store);
    assert!((3..12).contains(&rows), "{rows}");
    let later = shown(&history, &t, NOW + 60 * MINUTE);
    drop((history, store));
    let (history, _store) = restored(folder.path(), &[Arc::clone(&t)]);
    assert_eq!(shown(&history, &t, NOW + 60 * MINUTE), later);
}

#[test]
fn a_target_takes_its_bounded_share() {
    let (folder, t) = (tempfile::tempdir().unwrap(), target("t"));
    let (history, store) = restored(folder.path(), &[Arc::clone(&t)]);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let sample = history.add(&t, super::probe(&t, 0, success(&t, 1), 0)).summary;
    // Four probes a minute for thirty-two days, log-normal with a spread of a quarter.
    let name = history.inner().name_of("t");
    for i in 0..32 * 24 * 240 {
        let normal: f64 = (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
        let ttft = Some(Duration::from_secs_f64(0.3 * (0.25 * normal).exp()));
        let started_unix_nanos = NOW + i * MINUTE / 4;
        let itl = ttft.map(|ttft| ttft / 20);
        let summary = Summary { started_unix_nanos, ttft, itl, ..(*sample).clone() };
        history.inner().past(&name).hours.add(&summary, Some(20.0));
    }
    history.not_saved(Unsaved::default(), true);
    let in_memory = history.inner().pasts["t"].hours.size();
    assert!((30_000..80_000).contains(&in_memory), "{in_memory} bytes");
    save(&history, &store);
    drop((history, store));
    let on_disk = std::fs::metadata(folder.path().join("state.redb")).unwrap().len();
    drop(testing::saved(folder.path()).unwrap()); // compacts
    let compact = std::fs::metadata(folder.path().join("state.redb")).unwrap().len();
    assert!(compact <= on_disk && compact < 1_700_000, "{on_disk} {compact}");
}

#[test]
fn nothing_is_noted_where_nothing_is_kept() {
    let (history, t) = (History::default(), target("t"));
    add(&history, &t, failure(&t));
    assert!(history.rows(&history.take_unsaved()).changed.is_empty());
}

#[test]
fn what_could_not_be_written_is_written_next_time() {
    let (folder, t) = (tempfile::tempdir().unwrap(), target("t"));
    let (history, store) = restored(folder.path(), &[Arc::clone(&t)]);
    let first = add(&history, &t, failure(&t));
    let unsaved = history.take_unsaved();
    history.not_saved(unsaved, false);
    let second = add(&history, &t, failure(&t));
    save(&history, &store);
    drop((history, store));
    let (history, store) = restored(folder.path(), &[Arc::clone(&t)]);
    assert!(history.find(&first).is_some() && history.find(&second).is_some());
    // Nor what was written before, when the file was lost.
    std::fs::remove_file(folder.path().join("state.redb")).unwrap();
    let unsaved = history.take_unsaved();
    let error = store.write(Batch { history: history.rows(&unsaved), ..Batch::default() });
    history.not_saved(unsaved, error.unwrap_err().lost);
    save(&history, &store);
    drop((history, store));
    let (history, _store) = restored(folder.path(), &[Arc::clone(&t)]);
    assert!(history.find(&first).is_some() && history.find(&second).is_some());
}

#[test]
fn a_removed_target_leaves_no_trace_in_the_file_and_its_namesake_begins_anew() {
    let (folder, t, u) = (tempfile::tempdir().unwrap(), target("t"), target("tt"));
    let all = [Arc::clone(&t), Arc::clone(&u)];
    let (history, store) = restored(folder.path(), &all);
    add(&history, &t, failure(&t));
    let of_u = add(&history, &u, failure(&u));
    save(&history, &store);
    history.retain(|name| name != "t");
    let again = add(&history, &t, success(&t, 100));
    save(&history, &store);
    drop((history, store));
    let (history, store) = restored(folder.path(), &all);
    assert_eq!(history.overview(&t, NOW).month.probes, 1);
    assert!(history.find(&again).is_some() && history.find(&of_u).is_some());
    assert!(history.overview(&t, NOW).last_failure.is_none());
    drop((history, store));
    // One that a restart does not know any more is forgotten, too.
    let (history, store) = restored(folder.path(), &[Arc::clone(&t)]);
    assert!(history.find(&of_u).is_none());
    save(&history, &store);
    drop((history, store));
    let (history, _store) = restored(folder.path(), &all);
    assert!(history.find(&of_u).is_none());
}

/// An hour that a probe is late for is written again, and no window counts it twice.
#[test]
fn late_probes_count_in_the_hour_of_their_start() {
    let (history, t) = (History::default(), target("t"));
    let at = |minutes| drop(history.add(&t, super::probe(&t, minutes, success(&t, 100), 0)));
    at(-70);
    at(0);
    assert_eq!(history.overview(&t, NOW).day.probes, 2);
    at(-70);
    at(-71);
    at(1);
    let overview = history.overview(&t, NOW);
    assert_eq!((overview.day.probes, overview.month.probes), (5, 5));
    // A day later they are in the thirty days only.
    let later = history.overview(&t, NOW + 25 * 60 * MINUTE);
    assert_eq!((later.day.probes, later.month.probes), (0, 5));
    assert_eq!(history.overview(&t, NOW + 31 * 24 * 60 * MINUTE).month.probes, 0);
}

/// A wall clock that was wrong for an hour does not cost thirty days.
#[test]
fn a_clock_that_jumps_and_comes_back() {
    let (history, t) = (History::default(), target("t"));
    let at = |minutes| drop(history.add(&t, super::probe(&t, minutes, success(&t, 100), 0)));
    (0..48).for_each(|hours| at(hours * HOUR));
    at(400 * 24 * HOUR);
    (48..50).for_each(|hours| at(hours * HOUR));
    let overview = history.overview(&t, NOW + 49 * 60 * MINUTE);
    assert_eq!((overview.month.probes, overview.day.probes), (50, 24));
    // Nor does it come back in a year.
    let newest = history.inner().pasts["t"].hours.numbers().max();
    assert_eq!(newest, Some(hour_of(NOW) + 49));
}

/// What is put together is counted once, and for no longer than a block.
#[test]
fn hours_of_the_past_are_put_together_and_lose_no_probe() {
    let (folder, t) = (tempfile::tempdir().unwrap(), target("t"));
    let (history, store) = restored(folder.path(), &[Arc::clone(&t)]);
    for hour in 0..40 * 24 {
        drop(history.add(&t, super::probe(&t, hour * HOUR, success(&t, 100), 0)));
        let month = history.overview(&t, NOW + hour * HOUR * MINUTE).month.probes;
        let all = (hour + 1).min(720);
        assert!((all..all + 8).contains(&i64::from(month)), "{month} probes in hour {hour}");
    }
    let later = |history: &History| {
        let Overview { day, month, .. } = history.overview(&t, NOW + (40 * 24 - 1) * HOUR * MINUTE);
        (day.probes, month.probes, month.ttft)
    };
    let kept = later(&history);
    assert_eq!(kept.0, 24);
    let numbers =
        |history: &History| -> Vec<i64> { history.inner().pasts["t"].hours.numbers().collect() };
    let in_memory = numbers(&history);
    assert!((130..145).contains(&in_memory.len()), "{in_memory:?}");
    save(&history, &store);
    drop((history, store));
    let (history, _store) = restored(folder.path(), &[Arc::clone(&t)]);
    assert_eq!((later(&history), numbers(&history)), (kept, in_memory));
}

/// After another bound, the SLO's share begins anew, and only that.
#[test]
fn windows_of_an_slo_begin_with_its_bounds() {
    let (history, t) = (History::default(), target("t"));
    add(&history, &t, success(&t, 900));
    let other = vec![testing::slo("fast", &[(ObjectiveKind::Ttft, 1.0)])];
    let changed = Arc::new(Target { slos: other, ..(*t).clone() });
    let shares = |t: &Target| {
        let Overview { now, hour, day, month, .. } = history.overview(t, NOW);
        [now.slos[0].probes, hour.slos[0].probes, day.slos[0].probes, month.slos[0].probes]
    };
    assert_eq!((shares(&t), shares(&changed)), ([1; 4], [0; 4]));
    add(&history, &changed, success(&changed, 900));
    let overview = history.overview(&changed, NOW);
    assert_eq!((overview.month.probes, overview.month.good), (2, 1));
    assert_eq!((shares(&changed), overview.hour.slos[0].attainment()), ([1; 4], Some(1.0)));
}

#[test]
fn marks_are_bounded_and_come_back_in_order() {
    let (folder, t) = (tempfile::tempdir().unwrap(), target("t"));
    let (history, store) = restored(folder.path(), &[Arc::clone(&t)]);
    for i in 0..70 {
        let what = match i % 2 {
            0 => Occasion::Moved(crate::target::Moved::Url),
            _ => Occasion::AlarmRaised { workload: "chat".to_owned(), signal: "ttft".to_owned() },
        };
        history.mark("t", Mark { unix_nanos: NOW - i64::from(i), what });
    }
    let marks = history.overview(&t, NOW).marks;
    assert_eq!((marks.len(), marks[0].unix_nanos), (MARKS, NOW - 69));
    save(&history, &store);
    drop((history, store));
    let (history, _store) = restored(folder.path(), &[Arc::clone(&t)]);
    assert_eq!(history.overview(&t, NOW).marks, marks);
}

/// What cannot be read is left out, told of, and written no more; all else is there.
#[test]
fn a_row_that_cannot_be_read_costs_itself_only() {
    let (folder, t) = (tempfile::tempdir().unwrap(), target("t"));
    let (history, store) = restored(folder.path(), &[Arc::clone(&t)]);
    let failed = add(&history, &t, failure(&t));
    save(&history, &store);
    drop((history, store));
    let mut saved = testing::saved(folder.path()).unwrap();
    let rows: Vec<_> = saved.take_history();
    let keys: Vec<_> = rows.iter().map(|(key, _)| key.clone()).collect();
    for damaged in 0..rows.len() {
        let mut rows = rows.clone();
        rows[damaged].1.truncate(3);
        let kind = rows[damaged].0[5];
        let history = History::default();
        history.restore(rows, &[Arc::clone(&t)]);
        let found = history.find(&failed);
        assert_eq!(found.is_some(), kind != b'f');
        assert_eq!(found.is_some_and(|e| e.is_whole()), kind != b'f' && kind != b'r');
        let overview = history.overview(&t, NOW);
        let counts = [overview.now.probes, overview.hour.probes, overview.month.probes];
        let expected = match kind {
            b'm' => [0, 0, 1],
            b'h' => [1, 1, 0],
            _ => [1; 3],
        };
        assert_eq!(counts, expected, "{}", char::from(kind));
        let written = history.rows(&history.take_unsaved()).changed;
        assert!(written.contains_key(&keys[damaged]), "{}", char::from(kind));
    }
}

/// Memory for recordings bounds those on disk, too: lines stay.
#[test]
fn recordings_on_disk_keep_to_their_memory() {
    const BODY: usize = 10_000;
    let (folder, t) = (tempfile::tempdir().unwrap(), target("t"));
    let history = History::new(40 * BODY);
    history.restore(Vec::new(), &[]);
    let store = testing::saved(folder.path()).unwrap().into_store();
    for _ in 0..FAILED {
        history.add(&t, super::noisy(&t, failure(&t), BODY));
        save(&history, &store);
    }
    drop(store);
    let mut rows: BTreeMap<u8, usize> = BTreeMap::new();
    for (key, _) in testing::saved(folder.path()).unwrap().take_history() {
        *rows.entry(key[5]).or_default() += 1;
    }
    assert_eq!(rows[&b'f'], FAILED);
    assert!((15..20).contains(&rows[&b'r']), "{rows:?}");
}
