//! Profiles from outcomes, comparisons from profiles.
#![allow(clippy::needless_raw_string_hashes)] // as expect-test writes them

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;

use super::compare::{Comparison, Decision, Refusal, compare};
use super::identity::TokenizerFile;
use super::{Identity, Limits, Profile, Samples, Taken, report};
use crate::failure::FailureReason;
use crate::measure::{Measurement, TokenCount, TokenSource};
use crate::outcome::Outcome;
use crate::slo::{ObjectiveKind, judge};
use crate::target::{Price, Target};
use crate::testing;
use crate::workload::{Captured, Prompt, Workload};

const PRICE: Price = Price { input_per_million: 1.0, output_per_million: 2.0 };

fn target() -> Target {
    let version = [("serving_image", "v:1"), ("hardware", "8xH200")];
    let version = version.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Target {
        version: version.into(),
        slos: vec![testing::slo("fast", &[(ObjectiveKind::Ttft, 0.25)])],
        ..testing::target("prod")
    }
}

/// A success with this time to first token, and 100 tokens 10 ms apart.
fn success(ttft: Duration) -> Outcome {
    let count = |tokens| Some(TokenCount { tokens, source: TokenSource::Usage });
    let measurement = Measurement {
        ttft: Some(ttft),
        itl: Some(Duration::from_millis(10)),
        request_latency: Some(ttft + Duration::from_millis(990)),
        input_tokens: count(1000),
        output_tokens: count(100),
        ..Measurement::default()
    };
    let verdicts = vec![judge(&target().slos[0], true, &measurement)];
    Outcome { verdicts, ..testing::outcome(measurement) }
}

fn failure(reason: FailureReason, status: Option<u16>) -> Outcome {
    Outcome { http_status: status, ..testing::failed(reason) }
}

/// Successes from 201 ms on in steps of a millisecond, slowed down by `factor`.
fn steps(count: u32, factor: f64) -> Vec<Outcome> {
    let step = |i: u32| success(Duration::from_millis(200 + u64::from(i)).mul_f64(factor));
    (1..=count).map(step).collect()
}

fn profile_of(target: &Target, outcomes: &[Outcome]) -> Profile {
    let mut samples = Samples::default();
    for outcome in outcomes {
        samples.add(outcome, Some(&PRICE));
    }
    let taken = Taken {
        at: "2026-01-02T03:04:05Z".to_owned(),
        prober_version: "0.1.0".to_owned(),
        target: target.name.clone(),
        version: target.version.clone(),
        seed: 1,
    };
    samples.profile(Identity::of(target, &target.workloads, 1, None), taken)
}

fn profile(outcomes: &[Outcome]) -> Profile {
    profile_of(&target(), outcomes)
}

fn compared(baseline: &Profile, candidate: &Profile) -> Result<Comparison, Refusal> {
    compare(baseline, candidate, &Limits::default(), &[])
}

fn limited(baseline: &Profile, candidate: &Profile, limit: &str) -> Result<Comparison, Refusal> {
    compare(baseline, candidate, &Limits::new(vec![limit.parse().unwrap()]), &[])
}

/// The decision, and that on each figure with a limit.
fn decisions(comparison: &Comparison) -> (Decision, BTreeMap<&'static str, Decision>) {
    let rows = comparison.rows.iter().filter_map(|r| Some((r.figure.name, r.decision?)));
    (comparison.decision, rows.collect())
}

#[test]
fn a_profile_holds_the_figures_of_what_succeeded() {
    let mut outcomes = steps(100, 1.0);
    outcomes.push(failure(FailureReason::Truncated, Some(200)));
    outcomes.push(failure(FailureReason::HttpStatus, Some(503)));
    outcomes.push(failure(FailureReason::Validation, Some(200)));
    let profile = profile(&outcomes);
    let counts = &profile.counts;
    assert_eq!((counts.probes, counts.succeeded, counts.stream_errors), (103, 100, 1));
    assert_eq!(counts.good, 50, "within 250 ms");
    assert_eq!(counts.failures_in_words(), "1 http_status, 1 truncated, 1 validation");
    let value = |name: &str| profile.figures[name].value;
    let close = |name: &str, expect: f64| {
        assert!((value(name) - expect).abs() < 1e-9, "{name}: {}", value(name));
    };
    close("ttft_p50", 0.25);
    close("ttft_p95", 0.295);
    close("ttft_p99", 0.299);
    close("itl_p50", 0.01);
    close("request_latency_p95", 1.285);
    // 100 tokens each in 990 ms and 250.5 ms on average.
    close("output_tokens_per_second", 100.0 / 1.2405);
    close("stream_errors", 1.0 / 103.0);
    close("errors", 3.0 / 103.0);
    // 1000 tokens in and 100 out for each of 100, 50 of them good.
    close("cost_per_thousand_good", 100.0 * 0.0012 / 50.0 * 1000.0);
    assert_eq!(profile.figures["ttft_p95"].samples, 100);
    assert_eq!(profile.identity.token_source.as_deref(), Some("usage"));
}

#[test]
fn what_was_not_observed_is_absent() {
    let mut samples = Samples::default();
    for outcome in steps(30, 1.0) {
        samples.add(&outcome, None);
    }
    let taken = profile(&[]).taken;
    let profile = samples.profile(profile(&[]).identity, taken);
    let absent = ["ttft_p99", "itl_p99", "request_latency_p99", "cost_per_thousand_good"];
    assert!(absent.iter().all(|name| !profile.figures.contains_key(*name)), "{profile:?}");
    assert_eq!(profile.figures.len(), super::figures::FIGURES.len() - absent.len());
}

#[test]
fn equal_profiles_pass() {
    let profile = profile(&steps(200, 1.0));
    let (decision, rows) = decisions(&compared(&profile, &profile).unwrap());
    assert_eq!(decision, Decision::Pass);
    let names: Vec<_> = rows.keys().copied().collect();
    assert_eq!(names, ["errors", "output_tokens_per_second", "stream_errors", "ttft_p95"]);
}

#[test]
fn a_fifth_slower_fails_and_a_tenth_passes() {
    let baseline = profile(&steps(200, 1.0));
    let decided = |factor| {
        let (decision, rows) =
            decisions(&compared(&baseline, &profile(&steps(200, factor))).unwrap());
        assert_eq!(decision, rows["ttft_p95"]);
        decision
    };
    assert_eq!(decided(1.2), Decision::Fail);
    assert_eq!(decided(1.1), Decision::Pass);
    assert_eq!(decided(0.5), Decision::Pass, "faster is not worse");
}

#[test]
fn beyond_a_limit_but_within_noise_is_undecided() {
    let (baseline, candidate) = (profile(&steps(200, 1.0)), profile(&steps(200, 1.01)));
    let comparison = limited(&baseline, &candidate, "ttft_p95=0.5%").unwrap();
    assert_eq!(decisions(&comparison).1["ttft_p95"], Decision::Undecided);
    assert_eq!(comparison.decision, Decision::Undecided);
}

#[test]
fn fewer_tokens_per_second_fail() {
    let slower = |outcome: &Outcome| {
        let mut outcome = outcome.clone();
        outcome.measurement.request_latency =
            outcome.measurement.request_latency.map(|d| d.mul_f64(1.25));
        outcome
    };
    let outcomes = steps(200, 1.0);
    let baseline = profile(&outcomes);
    let candidate = profile(&outcomes.iter().map(slower).collect::<Vec<_>>());
    let (decision, rows) = decisions(&compared(&baseline, &candidate).unwrap());
    assert_eq!(decision, Decision::Fail);
    assert_eq!(rows["output_tokens_per_second"], Decision::Fail);
    assert_eq!(rows["ttft_p95"], Decision::Pass);
    let (decision, _) = decisions(&compared(&candidate, &baseline).unwrap());
    assert_eq!(decision, Decision::Pass, "more of them is not worse");
}

#[test]
fn errors_are_held_to_the_limit_itself() {
    let baseline = profile(&steps(200, 1.0));
    let decided = |broken: u32, reason, status| {
        let mut outcomes = steps(200 - broken, 1.0);
        outcomes.extend((0..broken).map(|_| failure(reason, status)));
        let comparison = compared(&baseline, &profile(&outcomes)).unwrap();
        let rows = decisions(&comparison).1;
        assert_eq!(comparison.decision, rows["errors"]);
        (rows["stream_errors"], rows["errors"])
    };
    let truncated = |broken| decided(broken, FailureReason::Truncated, Some(200));
    assert_eq!(truncated(1), (Decision::Pass, Decision::Pass), "0.5 % of 200");
    assert_eq!(truncated(4), (Decision::Fail, Decision::Fail));
    let refused = decided(4, FailureReason::HttpStatus, Some(503));
    assert_eq!(refused, (Decision::Pass, Decision::Fail), "no stream began");
}

#[test]
fn what_could_not_be_reached_is_undecided_and_what_answered_badly_is_not() {
    let baseline = profile(&steps(200, 1.0));
    let all = |reason, status| profile(&vec![failure(reason, status); 200]);
    let unreached = compared(&baseline, &all(FailureReason::Connect, None)).unwrap();
    assert_eq!(unreached.decision, Decision::Undecided);
    let broken = compared(&baseline, &all(FailureReason::HttpStatus, Some(500))).unwrap();
    assert_eq!(decisions(&broken).1["ttft_p95"], Decision::Undecided);
    assert_eq!(broken.decision, Decision::Fail);
}

fn refusal(baseline: &Profile, candidate: &Profile, limit: &str) -> String {
    limited(baseline, candidate, limit).unwrap_err().to_string()
}

#[test]
fn unlike_profiles_are_refused() {
    let outcomes = steps(200, 1.0);
    let baseline = profile(&outcomes);
    let mut workload = Workload::clone(&testing::workload("chat", Vec::new()));
    workload.prompts = vec![Prompt::user("Something confidential?")].into();
    workload.max_output_tokens = 32;
    let other = testing::workload("other", Vec::new());
    let mut changed = target();
    changed.workloads = vec![Arc::new(workload), other];
    changed.slos = vec![testing::slo("fast", &[(ObjectiveKind::Ttft, 0.5)])];
    changed.model = Some("large".to_owned());
    changed.version.insert("hardware".to_owned(), "1xH100".to_owned());
    changed.stream = false;
    changed.extra_body.insert("temperature".to_owned(), 1.into());
    let mut candidate = profile_of(&changed, &outcomes);
    candidate.identity.concurrency = 8;
    candidate.identity.token_source = Some("events".to_owned());
    candidate.identity.tokenizer = Some(TokenizerFile::new("t", b"tokenizer"));
    let expect = expect![[r#"
        the profiles cannot be compared:
          model differs: tiny / large
          hardware differs: 8xH200 / 1xH100
          stream differs: true / false
          concurrency differs: 1 / 8
          extra_body differs: none / SHA-256 9e3dbad7…
          tokenizer differs: none / SHA-256 5f97e377…
          token_source differs: usage / events
          mix differs: workload chat: share: 100.0 % / 50.0 %
          mix differs: workload chat: prompts: 1 with SHA-256 52a6dea8… / 1 with SHA-256 ac281729…
          mix differs: workload chat: max_output_tokens: 16 / 32
          mix differs: workload other is only in the candidate
          slos differs: the bounds of fast differ
          (baseline / candidate; --allow-different=model,hardware,stream,concurrency,extra_body,tokenizer,token_source,mix,slos compares all the same)"#]];
    expect.assert_eq(&refusal(&baseline, &candidate, "errors=1%"));
}

#[test]
fn captured_requests_are_told_apart() {
    let asked = |temperature: f64| {
        let body = serde_json::json!({"prompt": "Once", "temperature": temperature});
        let captured = Captured::new(body.as_object().unwrap().clone()).unwrap();
        let mut workload = Workload::clone(&testing::workload("chat", Vec::new()));
        workload.prompts = vec![Prompt::captured(captured)].into();
        super::mix::of(&[Arc::new(workload)])
    };
    assert_eq!(asked(0.0), asked(0.0));
    let found = super::mix::differences(&asked(0.0), &asked(1.0));
    assert!(matches!(&found[..], [only] if only.contains("prompts")), "{found:?}");
}

#[test]
fn what_a_release_changes_may_differ() {
    let outcomes = steps(200, 1.0);
    let mut next = target();
    next.name = "next".to_owned();
    next.url = "http://canary:8000/v1".parse().unwrap();
    next.version.insert("serving_image".to_owned(), "v:2".to_owned());
    let candidate = profile_of(&next, &outcomes);
    let comparison = compared(&profile(&outcomes), &candidate).unwrap();
    assert_eq!((comparison.decision, comparison.allowed), (Decision::Pass, Vec::new()));
}

#[test]
fn the_user_may_allow_a_difference() {
    let outcomes = steps(200, 1.0);
    let mut next = target();
    next.version.insert("hardware".to_owned(), "1xH100".to_owned());
    let (baseline, candidate) = (profile(&outcomes), profile_of(&next, &outcomes));
    let allowed = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        compare(&baseline, &candidate, &Limits::default(), &names)
    };
    assert!(allowed(&["model", "mix"]).is_err());
    let comparison = allowed(&["hardware"]).unwrap();
    assert_eq!(comparison.allowed.len(), 1);
}

#[test]
fn too_few_probes_for_a_limit_are_refused() {
    let of = |count| profile(&steps(count, 1.0));
    let why = refusal(&of(200), &of(99), "ttft_p99=20%");
    let expect = "ttft_p99 needs at least 100 probes, the candidate has 99: take more (--count), \
                  or drop the limit (--limit=ttft_p99=none)";
    assert!(why.contains(expect), "{why}");
    assert!(refusal(&of(19), &of(200), "errors=1%").contains("the baseline has 19"));
    assert!(limited(&of(19), &of(19), "ttft_p95=none").is_ok());
    let broken = profile(&vec![failure(FailureReason::HttpStatus, Some(500)); 200]);
    assert!(refusal(&broken, &of(200), "errors=1%").contains("no probe of the baseline succeeded"));
}

#[test]
fn a_limit_on_what_nobody_measured_is_refused() {
    let whole = |mut outcome: Outcome| {
        outcome.measurement.ttft = None;
        outcome
    };
    let profile = profile(&steps(200, 1.0).into_iter().map(whole).collect::<Vec<_>>());
    let why = refusal(&profile, &profile, "ttft_p50=10%");
    assert!(why.contains("ttft_p50 has a limit, but neither profile holds the figure"), "{why}");
    // A limit that nobody asked for is left out.
    assert_eq!(compared(&profile, &profile).unwrap().decision, Decision::Pass);
}

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
        let why = Profile::parse(text).unwrap_err();
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
