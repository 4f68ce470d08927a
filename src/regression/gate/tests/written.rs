//! Tables and files.
#![allow(clippy::needless_raw_string_hashes)] // as expect-test writes them

use expect_test::expect;

use super::*;
use crate::regression::gate::report;

#[test]
fn the_table() {
    let baseline = profile(&steps(200, 1.0));
    let mut outcomes = steps(197, 1.2);
    outcomes.extend((0..3).map(|_| failure(FailureReason::Truncated, Some(200))));
    let mut next = target();
    next.version.insert("serving_image".to_owned(), "v:2\u{1b}[2J".to_owned());
    let candidate = profile_of(&next, &outcomes);
    let comparison = compared(&baseline, &candidate).unwrap();
    expect![[r#"
                                     baseline              candidate
        target                       prod                  prod
        taken at                     2026-01-02T03:04:05Z  2026-01-02T03:04:05Z
        probes                       200, none failed      200, 3 truncated
        hardware                     8xH200                8xH200
        serving_image                v:1                   v:2?[2J
                                                                                 change    noise                           limit
        time to first token, p50     300.0 ms              358.8 ms              +19.6 %   +12.8 % to +26.6 %
        time to first token, p95     390.0 ms              465.6 ms              +19.4 %   +16.8 % to +21.6 %              +15 %  fail
        time to first token, p99     398.0 ms              475.2 ms              +19.4 %   +18.3 % to +20.4 % (81 % sure)
        inter-token latency, p50     10.0 ms               10.0 ms               +0.0 %    +0.0 % to +0.0 %
        inter-token latency, p95     10.0 ms               10.0 ms               +0.0 %    +0.0 % to +0.0 %
        inter-token latency, p99     10.0 ms               10.0 ms               +0.0 %    +0.0 % to +0.0 % (81 % sure)
        request latency, p50         1290.0 ms             1348.8 ms             +4.6 %    +3.0 % to +6.0 %
        request latency, p95         1380.0 ms             1455.6 ms             +5.5 %    +4.8 % to +6.1 %
        request latency, p99         1388.0 ms             1465.2 ms             +5.6 %    +5.3 % to +5.8 % (81 % sure)
        output tokens per second     77.5 /s               74.1 /s               −4.3 %    −5.1 % to −3.6 %                −10 %  pass
        stream errors                0.00 %                1.50 %                          0.41 % to 3.83 %                0.5 %  fail (within noise of the limit)
        all errors                   0.00 %                1.50 %                          0.41 % to 3.83 %                0.5 %  fail (within noise of the limit)
        cost of 1000 good responses  4.8000 $              29.5500 $             +515.6 %  +158.9 % to +920.1 %
        fail
    "#]].assert_eq(&report::table(&comparison, &baseline, &candidate));
}

#[test]
fn a_written_profile_reads_back_the_same() {
    let profile = profile(&steps(100, 1.0));
    let text = profile.to_json().unwrap();
    assert_eq!(Profile::parse(&text), Ok(profile));
    assert!(!text.contains("Hello?"), "the prompt's text");
}

#[test]
fn what_is_no_profile_is_refused() {
    let good = profile(&steps(100, 1.0)).to_json().unwrap();
    let check = |text: &str, part: &str| {
        let why = Profile::parse(text).unwrap_err().to_string();
        assert!(why.contains(part), "{why}");
        assert!(why.contains("written by `llm-prober gate --save`, version 1"), "{why}");
    };
    check("", "1:0: EOF while parsing a value, expected");
    check(&good[..good.len() / 2], "EOF while parsing");
    check("{\"format\": \"x\", \"version\": 1}", "another kind of file");
    check(&good.replace("\"version\": 1,", "\"version\": 2,"), "a profile of version 2");
    check(&good.replace("\"taken\"", "\"took\""), "unknown field `took`");
    check(&good.replace("\"probes\": 100", "\"probes\": 99"), "its counts contradict");
    check(&good.replace("\"stream_errors\": 0", "\"stream_errors\": 1"), "its counts contradict");
    check(&good.replace("ttft_p95", "ttft_p96"), "a figure of an unknown name");
    let value = format!("\"value\": {}", 0.295);
    assert!(good.contains(&value), "{good}");
    check(&good.replace(&value, "\"value\": 9.5"), "the figure ttft_p95 contradicts itself");
    check(&good.replace(&value, "\"value\": 1e999"), "out of range");
}
