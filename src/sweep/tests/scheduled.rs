//! Scheduled sweeps: when they are due, when they are broken off, and what their runs come to.

use std::sync::Arc;

use super::*;
use crate::answer::slo::ObjectiveKind;
use crate::testing;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// 2026-01-05 was a Monday.
const MONDAY: u64 = 1_767_571_200_000;

fn daily(at: u16, utc_offset: i16) -> Timetable {
    Timetable { every: Duration::from_millis(DAY), at, utc_offset }
}

#[test]
fn instants_are_at_equal_distances_from_a_time_of_day() {
    let three = daily(3 * 60, 0);
    let check = |timetable: Timetable, now: u64, next: u64| {
        assert_eq!(timetable.next_after(MONDAY + now), MONDAY + next, "{now}");
    };
    check(three, 0, 3 * HOUR);
    check(three, 3 * HOUR - 1, 3 * HOUR);
    check(three, 3 * HOUR, DAY + 3 * HOUR);
    check(three, 3 * HOUR + 1, DAY + 3 * HOUR);
    // Where the clocks are ahead it is three o'clock earlier.
    check(daily(3 * 60, 120), 0, HOUR);
    check(daily(60, 120), 0, 23 * HOUR);
    check(daily(3 * 60, -330), 0, 8 * HOUR + 30 * MINUTE);
    let often = Timetable { every: Duration::from_millis(5 * HOUR), ..three };
    let mut now = MONDAY;
    for _ in 0..1_000 {
        let next = often.next_after(now);
        assert!(next > now && next - now <= 5 * HOUR);
        assert_eq!((next - 3 * HOUR) % (5 * HOUR), 0);
        now = next;
    }
    // The first day of the epoch was a Thursday.
    let weekly = Timetable { every: Duration::from_millis(7 * DAY), ..three };
    check(weekly, 0, 3 * DAY + 3 * HOUR);
    assert_eq!(daily(60, 0).next_after(u64::MAX), u64::MAX);
}

fn strain(requests: impl IntoIterator<Item = Result<(), FailureReason>>) -> Strain {
    let mut strain = Strain::default();
    requests.into_iter().for_each(|result| strain.note(result, Some(ms(10))));
    strain
}

#[test]
fn a_sweep_is_broken_off_where_it_hurts_the_server() {
    let bound = Some(ms(100));
    let good = |n| std::iter::repeat_n(Ok(()), n);
    let look = |strain: &Strain| strain.too_much(bound, ms(0));
    assert_eq!(look(&strain(good(1_000))), None);
    assert_eq!(look(&Strain::default()), None);
    let timeout = Err(FailureReason::Timeout);
    assert_eq!(look(&strain(good(9).chain([timeout]))), Some(SweepResult::Errors), "1 of 20");
    assert_eq!(look(&strain(good(20).chain([timeout]))), None, "1 of 21");
    assert_eq!(look(&strain(good(38).chain([timeout; 2]))), Some(SweepResult::Errors));
    // One is too much.
    let throttled = Err(FailureReason::Throttled);
    assert_eq!(look(&strain(good(999).chain([throttled]))), Some(SweepResult::RateLimited));
    let own = [FailureReason::Cancelled, FailureReason::Internal, FailureReason::Validation];
    assert_eq!(look(&strain(own.map(Err))), None, "not the server's doing");
}

#[test]
fn a_first_token_that_does_not_come_counts_like_one_that_came_late() {
    let mut strain = strain([Ok(())]);
    let look = |strain: Strain, bound, waiting| strain.too_much(bound, waiting);
    assert_eq!(look(strain, Some(ms(100)), ms(1_000)), None);
    assert_eq!(look(strain, Some(ms(100)), ms(1_001)), Some(SweepResult::Ttft));
    assert_eq!(look(strain, None, ms(1_000_000)), None, "without a bound");
    strain.note(Ok(()), Some(ms(1_001)));
    assert_eq!(look(strain, Some(ms(100)), ms(0)), Some(SweepResult::Ttft));
    strain.note(Ok(()), None);
    assert_eq!(look(strain, Some(ms(101)), ms(0)), None);
}

/// So many good ones of 20.
fn tally(users: u32, good: usize) -> Tally {
    let mut tally = Tally::new(Load::Closed { users });
    tally.open(ms(0));
    for number in 0..20 {
        tally.sent();
        tally.over(&request(Some(number), 0, [100, 110, 120, 130], number < good));
    }
    tally.close(ms(130));
    tally
}

/// One that is broken off with a failure.
fn broken(users: u32) -> Tally {
    let mut tally = tally(users, 20);
    tally.sent();
    tally.over(&failed(Some(20), FailureReason::Throttled, 200));
    tally.stopped = Some(InvalidReason::Interrupted);
    tally
}

fn run(tallies: &[Tally], broken_off: Option<SweepResult>) -> SweepRun {
    SweepRun::of((1_000, 2_000), tallies, broken_off, 0.9)
}

#[test]
fn a_run_tells_the_knee_where_it_can() {
    let knee = |tallies: &[Tally], why| {
        let run = run(tallies, why);
        (run.result, run.knee)
    };
    let (complete, invalid) = (SweepResult::Complete, SweepResult::Invalid);
    assert_eq!(knee(&[tally(1, 20), tally(8, 18), tally(50, 17)], None), (complete, Some(8)));
    assert_eq!(knee(&[tally(1, 17), tally(8, 17)], None), (complete, Some(0)), "no good level");
    let mut starved = tally(8, 20);
    starved.cpu = Some(1.0);
    assert_eq!(knee(&[tally(1, 20), starved.clone()], None), (invalid, None));
    // What the server could not take is not good, however it looked until then.
    for why in [SweepResult::RateLimited, SweepResult::Errors, SweepResult::Ttft] {
        assert_eq!(knee(&[tally(1, 20), broken(8)], Some(why)), (why, Some(1)));
        assert_eq!(knee(&[tally(1, 20), tally(8, 20)], Some(why)), (why, Some(1)), "at its end");
        assert_eq!(knee(&[starved.clone(), broken(50)], Some(why)), (why, None));
    }
    // Who is alone and refused meets a server that is ill; who waits too long, one that is too slow.
    assert_eq!(knee(&[broken(1)], Some(SweepResult::Errors)).1, None);
    assert_eq!(knee(&[broken(1)], Some(SweepResult::RateLimited)).1, None);
    assert_eq!(knee(&[broken(1)], Some(SweepResult::Ttft)).1, Some(0));
    assert_eq!(knee(&[], Some(SweepResult::Errors)).1, None);
    for why in [SweepResult::Time, SweepResult::Tokens, SweepResult::Budget, SweepResult::Stopped] {
        assert_eq!(knee(&[tally(1, 20), broken(8)], Some(why)), (why, None));
    }
}

#[test]
fn a_run_keeps_the_figures_of_its_levels() {
    let run = run(&[tally(1, 20), broken(8)], Some(SweepResult::RateLimited));
    let [one, eight] = &run.levels[..] else { panic!("{run:?}") };
    assert_eq!((one.users, one.requests, one.good, one.valid), (1, 20, 20, true));
    assert_eq!((one.attainment, one.errors.len()), (Some(1.0), 0));
    assert_eq!(one.ttft.map(|ttft| ttft.p95), Some(0.1));
    assert_eq!(one.itl.map(|itl| itl.p50), Some(0.01));
    assert_eq!((eight.requests, eight.good, eight.valid), (21, 20, false));
    assert_eq!(eight.errors["throttled"], 1);
    let written = serde_json::to_value(&run).unwrap();
    assert_eq!(serde_json::from_value::<SweepRun>(written).unwrap(), run);
    let mut counts = SweepCounts::new(&[1, 8, 50]);
    counts.add(&run);
    counts.add(&run);
    assert_eq!((counts.levels[&1].requests, counts.levels[&8].good), (40, 40));
    assert_eq!((counts.levels[&8].errors["throttled"], counts.levels[&50].requests), (2, 0));
    let ended = |wanted| counts.runs().find(|(result, _)| *result == wanted).map(|(_, n)| n);
    assert_eq!(ended(SweepResult::RateLimited), Some(2));
    assert_eq!(ended(SweepResult::Complete), Some(0));
}

fn past(runs: &[(u64, Option<u32>)]) -> SweepPast {
    let mut past = SweepPast::default();
    for (days, knee) in runs {
        past.add(SweepRun { began: MONDAY + days * DAY, knee: *knee, ..run(&[], None) });
    }
    past
}

#[test]
fn what_is_usual_is_the_median_of_the_weeks_before() {
    let of = |runs: &[(u64, Option<u32>)]| {
        let past = past(runs);
        (past.knee(), past.usual_knee())
    };
    let some = |days, knee| (days, Some(knee));
    assert_eq!(of(&[]), (None, None));
    assert_eq!(of(&[some(1, 8), some(2, 8), some(3, 1)]), (Some(1), None), "of two nothing");
    assert_eq!(of(&[some(1, 8), some(2, 50), some(3, 8), some(4, 1)]), (Some(1), Some(8.0)));
    let even = [some(1, 8), some(2, 50), some(3, 8), some(4, 50), some(5, 0)];
    assert_eq!(of(&even), (Some(0), Some(29.0)));
    // Runs that tell nothing are not looked at, and the newest one of all may be one.
    let gaps = [some(1, 8), (2, None), some(3, 8), some(4, 8), some(5, 50), (6, None)];
    assert_eq!(of(&gaps), (Some(50), Some(8.0)));
    // 28 days before the newest, and not a day more.
    let old = [some(1, 1), some(2, 1), some(3, 1), some(5, 8), some(6, 8), some(7, 8)];
    assert_eq!(of(&[&old[..], &[some(30, 8)]].concat()).1, Some(8.0));
    assert_eq!(of(&[&old[..], &[some(29, 8)]].concat()).1, Some(4.5));
}

#[test]
fn the_past_has_a_limit() {
    let runs: Vec<_> = (0..100).map(|day| (day, Some(8))).collect();
    let past = past(&runs);
    assert_eq!(
        (past.runs().len(), past.last().unwrap().began),
        (REMEMBERED_RUNS, MONDAY + 99 * DAY)
    );
    assert_eq!(past.runs().next().unwrap().began, MONDAY + 40 * DAY);
}

fn spec() -> ScheduledSweep {
    let slos = vec![testing::slo("s", &[(ObjectiveKind::Ttft, 0.5), (ObjectiveKind::Itl, 0.05)])];
    ScheduledSweep {
        name: "nightly".to_owned(),
        target: Arc::new(crate::target::Target { slos, ..testing::target("t") }),
        workload: None,
        levels: vec![1, 8],
        requests_per_level: 100,
        most_output_tokens: 1_000,
        most_duration: Duration::from_secs(60),
        timetable: daily(180, 0),
        attainment: 0.9,
    }
}

#[test]
fn knees_are_comparable_where_the_same_was_asked() {
    let known = spec();
    let target = |change: &dyn Fn(&mut crate::target::Target)| {
        let mut target = crate::target::Target::clone(&known.target);
        change(&mut target);
        ScheduledSweep { target: Arc::new(target), ..known.clone() }
    };
    let same = [
        ScheduledSweep { timetable: daily(60, 0), most_output_tokens: 7, ..known.clone() },
        target(&|t| t.max_in_flight = 7),
    ];
    let other = [
        ScheduledSweep { levels: vec![1, 9], ..known.clone() },
        ScheduledSweep { requests_per_level: 101, ..known.clone() },
        ScheduledSweep { attainment: 0.91, ..known.clone() },
        target(&|t| t.model = Some("other".to_owned())),
        target(&|t| t.slos = vec![testing::slo("s", &[(ObjectiveKind::Ttft, 0.6)])]),
        target(&|t| t.workloads = vec![testing::workload("other", Vec::new())]),
    ];
    assert!(same.iter().all(|sweep| sweep.fingerprint() == known.fingerprint()));
    for sweep in other {
        assert_ne!(sweep.fingerprint(), known.fingerprint(), "{sweep:?}");
    }
}

#[test]
fn the_bound_is_that_of_the_strictest_slo_that_applies() {
    let known = spec();
    assert_eq!((known.ttft_bound(), known.requests()), (Some(ms(500)), 200));
    let with = |change: &dyn Fn(&mut crate::target::Target)| {
        let mut target = crate::target::Target::clone(&known.target);
        change(&mut target);
        ScheduledSweep { target: Arc::new(target), ..known.clone() }.ttft_bound()
    };
    assert_eq!(
        with(&|t| t.slos.push(testing::slo("x", &[(ObjectiveKind::Ttft, 0.2)]))),
        Some(ms(200))
    );
    assert_eq!(with(&|t| t.slos.clear()), None);
    assert_eq!(with(&|t| t.stream = false), None);
    let elsewhere = |t: &mut crate::target::Target| {
        let slo = testing::slo("x", &[(ObjectiveKind::Ttft, 0.2)]);
        let workloads = Some(vec!["another".to_owned()]);
        t.slos.push(Arc::new(crate::answer::slo::Slo { workloads, ..(*slo).clone() }));
    };
    assert_eq!(with(&elsewhere), Some(ms(500)));
}
