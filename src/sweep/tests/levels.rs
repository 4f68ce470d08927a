use super::*;
use crate::answer::skip::SkipReason;

#[test]
fn requests_before_the_window_count_for_rates_alone() {
    let mut tally = users(2);
    // Sent while the ramp lasts; half of its content comes within the window.
    assert_eq!(tally.sent(), None);
    tally.open(ms(100));
    assert_eq!((tally.sent(), tally.sent()), (Some(0), Some(1)));
    tally.over(&request(None, 0, [50, 90, 110, 150], true));
    tally.over(&request(Some(0), 100, [200, 300, 400, 500], true));
    tally.close(ms(500));
    // Half of it comes after the window.
    tally.over(&request(Some(1), 100, [400, 500, 600, 700], false));
    let level = Level::of(&[tally]).unwrap();
    assert_eq!((level.requests, level.sent, level.completed), (3, 2, 2));
    assert_eq!(level.window, Some(0.4));
    assert_eq!(level.request_rate, Some(2.0 / 0.4), "1/2 + 1 + 1/2 in 0.4 s");
    assert_eq!(level.goodput, Some(1.5 / 0.4));
    assert_eq!(level.output_tokens_per_second, Some(8.0 / 0.4));
    assert_eq!(level.attainment, Some(0.5));
    let ttft = level.ttft.unwrap();
    assert_eq!((ttft.min, ttft.max), (0.1, 0.3), "the one before the window is not among them");
    assert_eq!((level.input_tokens, level.output_tokens), (Some(14), Some(8)));
    assert_eq!(level.itl_source, Some("usage"));
    assert!(level.valid, "{:?}", level.invalid_reasons);
}

#[test]
fn failures_are_bad_and_cancelled_requests_are_neither() {
    let mut tally = users(1);
    tally.open(ms(0));
    for _ in 0..4 {
        tally.sent();
    }
    tally.over(&request(Some(0), 0, [10, 20, 30, 40], true));
    tally.over(&failed(Some(1), FailureReason::Timeout, 50));
    tally.over(&failed(Some(2), FailureReason::Cancelled, 60));
    tally.over(&failed(Some(3), FailureReason::Timeout, 70));
    tally.close(ms(100));
    let level = Level::of(&[tally]).unwrap();
    assert_eq!((level.sent, level.completed, level.cancelled), (4, 1, 1));
    assert_eq!(level.errors, BTreeMap::from([("timeout", 2)]));
    assert_eq!(level.attainment, Some(1.0 / 3.0));
    assert_eq!(level.request_rate, Some(10.0), "of what was completed");
}

#[test]
fn arrivals_that_could_not_be_sent_are_bad() {
    let mut tally = Tally::new(Load::Open { rate: 4.0, in_flight: 1 });
    tally.not_sent(SkipReason::InFlightLimit); // before the window: it counts for nothing
    tally.open(ms(0));
    tally.sent();
    tally.not_sent(SkipReason::InFlightLimit);
    tally.close(ms(500));
    tally.over(&request(Some(0), 0, [10, 20, 30, 40], true));
    let level = Level::of(&[tally]).unwrap();
    assert_eq!((level.loop_name, level.rate, level.concurrency), ("open", Some(4.0), 1));
    assert_eq!((level.sent, level.attainment), (1, Some(0.5)));
    assert_eq!(level.errors, BTreeMap::from([("in_flight_limit", 1)]));
    assert!(level.valid, "the server was too slow, not the prober");
}

#[test]
fn what_was_not_observed_is_absent() {
    let mut tally = users(1);
    tally.open(ms(0));
    tally.sent();
    tally.over(&failed(Some(0), FailureReason::Connect, 1));
    tally.close(ms(1000));
    let level = Level::of(&[tally]).unwrap();
    let figures: Vec<_> =
        Figure::all().filter(|f| f.of(&level).is_some()).map(Figure::name).collect();
    let observed = ["request_rate", "goodput", "attainment", "error_ratio", "schedule_delay_p99"];
    assert_eq!(figures, observed);
    assert_eq!((level.request_rate, level.attainment), (Some(0.0), Some(0.0)));
    assert_eq!((level.output_tokens, level.itl_source), (None, None));
    let json = serde_json::to_value(&level).unwrap();
    assert!(json["ttft"].is_null() && json["output_tokens_per_second"].is_null(), "{json}");
}

#[test]
fn a_level_without_a_request_is_invalid() {
    let level = Level::of(&[users(3)]).unwrap();
    assert_eq!(level.invalid_reasons, [InvalidReason::Empty]);
    assert_eq!((level.window, level.attainment, level.request_rate), (None, None, None));
    assert_eq!(Level::of(&[]), None);
}

/// What speaks against a level of ten requests that are like this one.
fn against(change: impl Fn(&mut Request)) -> Vec<InvalidReason> {
    against_in(users(1), change)
}

fn against_in(mut tally: Tally, change: impl Fn(&mut Request)) -> Vec<InvalidReason> {
    tally.open(ms(0));
    for number in 0..10 {
        tally.sent();
        let mut request = request(Some(number), 20, [100, 110, 120, 130], true);
        change(&mut request);
        tally.over(&request);
    }
    tally.close(ms(1000));
    Level::of(&[tally]).unwrap().invalid_reasons
}

#[test]
fn a_level_is_invalid_where_the_prober_was_the_bottleneck() {
    assert_eq!(against(|_| {}), []);
    // Users wait for the prober for 5 of 115 ms, or 6 of 116 ms.
    assert_eq!(against(|r| r.instants.due = ms(15)), []);
    assert_eq!(against(|r| r.instants.due = ms(14)), [InvalidReason::ScheduleDelay]);
    // A single one who does is no matter.
    assert_eq!(against(|r| r.instants.due = ms(if r.counted == Some(3) { 0 } else { 20 })), []);
    // In an open loop 10 ms is little, also beside a latency of 110 ms; and 20 ms beside a second.
    let open = |change: &dyn Fn(&mut Request)| {
        against_in(Tally::new(Load::Open { rate: 1.0, in_flight: 1 }), change)
    };
    assert_eq!(open(&|r| r.instants.due = ms(10)), []);
    assert_eq!(open(&|r| r.instants.due = ms(9)), [InvalidReason::ScheduleDelay]);
    let slow = |r: &mut Request| {
        (r.instants.due, r.request_latency) = (ms(0), Some(ms(1000)));
    };
    assert_eq!(open(&slow), []);
    // Tokens that share reads are the server's doing, unless the reads were late.
    let coalesced = |r: &mut Request| r.coalesced = 2;
    assert_eq!(against(coalesced), []);
    let late = |r: &mut Request| (r.coalesced, r.reading.late) = (2, 1);
    assert_eq!(against(late), [InvalidReason::Coalesced]);
    assert_eq!(against(|r| r.reading.late = 4), [], "stamps are the kernel's");
    let defect = |r: &mut Request| r.result = Err(FailureReason::Internal);
    assert_eq!(against(defect), [InvalidReason::Internal]);
    let mut tally = users(1);
    tally.open(ms(0));
    tally.not_sent(SkipReason::Late);
    (tally.cpu, tally.stopped) = (Some(0.95), Some(InvalidReason::Interrupted));
    let expect = [InvalidReason::Late, InvalidReason::Cpu, InvalidReason::Interrupted];
    assert_eq!(Level::of(&[tally]).unwrap().invalid_reasons, expect);
}

#[test]
fn runs_are_laid_together() {
    let run = |ttft: u64, good: bool| {
        let mut tally = users(1);
        tally.open(ms(0));
        tally.sent();
        tally.over(&request(Some(0), 0, [ttft, ttft + 10, ttft + 20, ttft + 30], good));
        tally.close(ms(ttft + 30));
        tally
    };
    let runs = [vec![run(70, true)], vec![run(170, true)], vec![run(270, false)]];
    let report = Report::new(subject(), &runs, 0.5, None);
    let level = &report.levels[0];
    assert_eq!((level.sent, level.attainment), (3, Some(2.0 / 3.0)));
    assert_eq!(level.window, Some(0.6));
    assert_eq!(level.request_rate, Some(5.0));
    assert!((level.ttft.unwrap().avg - 0.17).abs() < 1e-9);
    assert_eq!(report.runs.len(), 3);
    assert!(report.runs[2].knee.is_none() && report.knee.is_some());
    let interval = report.confidence[0].figures["ttft_p50"];
    assert!((interval.mean - 0.17).abs() < 1e-9 && interval.low < 0.0, "{interval:?}");
    let alone = Report::new(subject(), &runs[..1], 0.5, None);
    assert!(alone.confidence.is_empty());
}

/// The form is a stable interface.
#[test]
fn the_keys_of_the_json() {
    let runs = [vec![users(1)]];
    let json = serde_json::to_value(Report::new(subject(), &runs, 0.9, None)).unwrap();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort_unstable();
        keys
    };
    let mut expect = vec![
        "schema",
        "version",
        "target",
        "model",
        "dialect",
        "workload",
        "seed",
        "started",
        "slo",
        "levels",
        "knee",
        "runs",
        "confidence",
        "adaptive",
    ];
    expect.sort_unstable();
    assert_eq!(keys(&json), expect);
    let mut expect = vec![
        "concurrency",
        "loop",
        "rate",
        "requests",
        "sent",
        "completed",
        "cancelled",
        "errors",
        "window",
        "ttft",
        "ttst",
        "itl",
        "itl_source",
        "request_latency",
        "input_tokens",
        "output_tokens",
        "request_rate",
        "output_tokens_per_second",
        "output_tokens_per_second_per_user",
        "goodput",
        "attainment",
        "schedule_delay_p99",
        "coalesced_ratio",
        "valid",
        "invalid_reasons",
    ];
    expect.sort_unstable();
    assert_eq!(keys(&json["levels"][0]), expect);
    assert_eq!((json["schema"].as_u64(), json["knee"].is_null()), (Some(1), true));
    let json = serde_json::to_value(level(1, 95)).unwrap();
    let mut expect = vec!["avg", "min", "p50", "p90", "p95", "p99", "max", "std"];
    expect.sort_unstable();
    assert_eq!(keys(&json["ttft"]), expect);
}

#[test]
fn the_knee_is_the_largest_good_level() {
    let found = knee(&[level(1, 100), level(8, 95), level(50, 3)], 0.9).unwrap();
    assert_eq!((found.concurrency, found.rate, found.attainment), (8, None, 0.95));
    assert!((found.safe - 5.6).abs() < 1e-9, "{found:?}");
    assert!(!found.at_least && found.monotone, "{found:?}");
}

#[test]
fn knees_at_the_ends_and_without_order() {
    assert_eq!(knee(&[level(1, 89), level(8, 3)], 0.9), None);
    assert_eq!(knee(&[], 0.9), None);
    let one = knee(&[level(4, 90)], 0.9).unwrap();
    assert!(one.at_least && one.concurrency == 4, "{one:?}");
    // In whatever order they were measured.
    let all = knee(&[level(8, 99), level(1, 91)], 0.9).unwrap();
    assert!(all.at_least && all.monotone && all.concurrency == 8, "{all:?}");
    let odd = knee(&[level(1, 100), level(4, 80), level(8, 95), level(9, 1)], 0.9).unwrap();
    assert!(!odd.monotone && !odd.at_least && odd.concurrency == 8, "{odd:?}");
    // What is not valid says nothing, neither for nor against.
    let found = knee(&[level(1, 100), invalid(4, 100), invalid(2, 0)], 0.9).unwrap();
    assert_eq!((found.concurrency, found.at_least, found.monotone), (1, true, true));
    assert_eq!(knee(&[invalid(1, 100)], 0.9), None);
}
