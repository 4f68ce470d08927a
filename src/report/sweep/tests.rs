#![allow(clippy::needless_raw_string_hashes)] // as expect-test writes them

use std::collections::BTreeMap;
use std::time::Duration;

use expect_test::expect;

use super::*;
use crate::sweep::{
    Adaptive, Instants, InvalidReason, Load, Report, Request, Speed, Subject, Tally,
};

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn tally(users: u32, ttft: u64, good: u32) -> Tally {
    let mut tally = Tally::new(Load::Closed { users });
    tally.open(ms(0));
    for number in 0..10 {
        let counted = tally.sent();
        let content = [0, 10, 20, 30].map(|after| ms(ttft + after));
        tally.over(&Request {
            counted,
            result: Ok(()),
            good: number < good,
            instants: Instants { due: ms(0), began: ms(0), over: content[3] },
            ttft: Some(ms(ttft)),
            ttst: Some(ms(10)),
            itl: Some(ms(10)),
            itl_source: None,
            request_latency: Some(content[3]),
            input_tokens: Some(7),
            output_tokens: Some(4),
            content_at: content.to_vec(),
            coalesced: 0,
            reading: Speed::default(),
        });
    }
    tally.close(ms(2000));
    tally
}

fn report(runs: &[Vec<Tally>], adaptive: Option<Adaptive>) -> Report {
    let subject = Subject {
        version: "0",
        target: "llm:8000".to_owned(),
        model: Some("m".to_owned()),
        dialect: "openai-chat".to_owned(),
        workload: "short".to_owned(),
        seed: 7,
        started: "2026-01-01T00:00:00Z".to_owned(),
        slo: BTreeMap::new(),
    };
    Report::new(subject, runs, 0.9, adaptive)
}

#[test]
fn a_table_for_people() {
    let mut slow = tally(50, 1900, 0);
    slow.stopped = Some(InvalidReason::Interrupted);
    let report = report(&[vec![tally(1, 100, 10), tally(8, 400, 5), slow]], None);
    expect![[r#"
        llm:8000 (m), openai-chat, workload short, seed 7

        1 user, closed loop: 10 sent, 10 completed, window 2.00 s
                                 avg        min        max        p50        p90        p95        p99        std
          TTFT             100.00 ms  100.00 ms  100.00 ms  100.00 ms  100.00 ms  100.00 ms  100.00 ms    0.00 ms
          TTST              10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms    0.00 ms
          ITL               10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms    0.00 ms
          request latency  130.00 ms  130.00 ms  130.00 ms  130.00 ms  130.00 ms  130.00 ms  130.00 ms    0.00 ms
          5.00 requests/s, 20.00 output tokens/s, 100.00 per user; goodput 5.00 requests/s, attainment 100.0 %
          the prober itself: schedule delay p99 0.00 ms, 0.0 % of tokens coalesced

        8 users, closed loop: 10 sent, 10 completed, window 2.00 s
                                 avg        min        max        p50        p90        p95        p99        std
          TTFT             400.00 ms  400.00 ms  400.00 ms  400.00 ms  400.00 ms  400.00 ms  400.00 ms    0.00 ms
          TTST              10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms    0.00 ms
          ITL               10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms    0.00 ms
          request latency  430.00 ms  430.00 ms  430.00 ms  430.00 ms  430.00 ms  430.00 ms  430.00 ms    0.00 ms
          5.00 requests/s, 20.00 output tokens/s, 100.00 per user; goodput 2.50 requests/s, attainment 50.0 %
          the prober itself: schedule delay p99 0.00 ms, 0.0 % of tokens coalesced

        50 users, closed loop: 10 sent, 10 completed, window 2.00 s
                                 avg        min        max        p50        p90        p95        p99        std
          TTFT                1.90 s     1.90 s     1.90 s     1.90 s     1.90 s     1.90 s     1.90 s    0.00 ms
          TTST              10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms    0.00 ms
          ITL               10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms   10.00 ms    0.00 ms
          request latency     1.93 s     1.93 s     1.93 s     1.93 s     1.93 s     1.93 s     1.93 s    0.00 ms
          5.00 requests/s, 20.00 output tokens/s, 100.00 per user; goodput 0.00 requests/s, attainment 0.0 %
          the prober itself: schedule delay p99 0.00 ms, 0.0 % of tokens coalesced
          INVALID: interrupted: somebody asked for an end

                          TTFT p50, log scale                 attainment
                  1 user  ██████████▌              100.00 ms  ████████████████████████ 100.0 %
                 8 users  ████████████████▉        400.00 ms  ████████████              50.0 %
                50 users  ████████████████████████    1.90 s                             0.0 %
        knee: 1 user (attainment 100.0 %, wanted 90.0 %); safe level: below one user
    "#]].assert_eq(&table(&report, 0.9));
}

#[test]
fn the_other_forms() {
    let adaptive = Some(Adaptive { sent: 60, complete: true, knee: Some(1) });
    let report = report(&[vec![tally(1, 100, 10)], vec![tally(1, 120, 10)]], adaptive);
    expect![[r#"
        | load | sent | TTFT p50 | TTFT p99 | ITL avg | requests/s | output tokens/s | goodput/s | attainment | errors |
        | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
        | 1 user | 20 | 110.00 ms | 120.00 ms | 10.00 ms | 5.00 | 20.00 | 5.00 | 100.0 % |  |

        | load | figure | avg | min | max | p50 | p90 | p95 | p99 | std |
        | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
        | 1 user | TTFT | 110.00 ms | 100.00 ms | 120.00 ms | 110.00 ms | 120.00 ms | 120.00 ms | 120.00 ms | 10.00 ms |
        | 1 user | TTST | 10.00 ms | 10.00 ms | 10.00 ms | 10.00 ms | 10.00 ms | 10.00 ms | 10.00 ms | 0.00 ms |
        | 1 user | ITL | 10.00 ms | 10.00 ms | 10.00 ms | 10.00 ms | 10.00 ms | 10.00 ms | 10.00 ms | 0.00 ms |
        | 1 user | request latency | 140.00 ms | 130.00 ms | 150.00 ms | 140.00 ms | 150.00 ms | 150.00 ms | 150.00 ms | 10.00 ms |

        knee: at least 1 user (attainment 100.0 %, wanted 90.0 %); safe level: below one user; no larger level was measured: the knee may lie beyond
    "#]].assert_eq(&markdown(&report, 0.9));
    let text = csv(&report);
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((rows.len(), rows[0].len()), (2, rows[1].len()));
    let cell = |name: &str| rows[1][rows[0].iter().position(|head| *head == name).unwrap()];
    assert_eq!((cell("concurrency"), cell("loop"), cell("rate")), ("1", "closed", ""));
    assert_eq!((cell("sent"), cell("attainment"), cell("ttft_min")), ("20", "1", "0.1"));
    let table = table(&report, 0.9);
    assert!(table.contains("95 % confidence over the runs: TTFT p50 "), "{table}");
    assert!(table.contains("60 requests sent, in flight at a stop included"), "{table}");
}
