//! Profiles from outcomes, decisions from profiles.

mod refusals;
mod written;

use std::collections::BTreeMap;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use super::compare::{Comparison, Decision, Refusal, compare};
use super::{Identity, Limits, Profile, Samples, Taken};
use crate::answer::failure::FailureReason;
use crate::answer::measure::{Measurement, TokenCount, TokenSource};
use crate::answer::outcome::Outcome;
use crate::answer::slo::{ObjectiveKind, judge};
use crate::target::{Price, Target};
use crate::testing;

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

/// How often each decision on `ttft_p95` comes out when 200 log-normal times (σ 0.25) stand against
/// 200 others that are `slower`: pass, fail, undecided.
fn decisions_on_noise(slower: f64) -> [u32; 3] {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let spread = LogNormal::new(-1.6, 0.25).unwrap();
    let mut release = |factor: f64| {
        let seconds = spread.sample_iter(&mut rng).take(200);
        let times = seconds.map(|s: f64| success(Duration::from_secs_f64(factor * s)));
        profile(&times.collect::<Vec<_>>())
    };
    let mut tally = [0; 3];
    for _ in 0..100 {
        let comparison = compared(&release(1.0), &release(slower)).unwrap();
        tally[decisions(&comparison).1["ttft_p95"] as usize] += 1;
    }
    tally
}

#[test]
fn noise_seldom_fails_a_release_and_seldom_hides_a_slow_one() {
    let [_, fail, undecided] = decisions_on_noise(1.0);
    assert!(fail + undecided <= 2, "{fail} and {undecided} of 100 equal ones");
    let [pass, fail, undecided] = decisions_on_noise(1.2);
    assert!(fail >= 65, "{pass}, {fail}, {undecided} of 100 that are a fifth slower");
    assert_eq!(decisions_on_noise(1.4), [0, 100, 0]);
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
    let refused = compared(&baseline, &all(FailureReason::HttpStatus, Some(401))).unwrap();
    assert_eq!(refused.decision, Decision::Undecided);
    let broken = compared(&baseline, &all(FailureReason::HttpStatus, Some(500))).unwrap();
    assert_eq!(decisions(&broken).1["ttft_p95"], Decision::Undecided);
    assert_eq!(broken.decision, Decision::Fail);
}

/// A key that expires half way is no fault of the release.
#[test]
fn refused_credentials_are_undecided() {
    let baseline = profile(&steps(200, 1.0));
    let with = |refused: u32, broken: u32| {
        let mut outcomes = steps(200, 1.0);
        let failures =
            |n: u32, status| (0..n).map(move |_| failure(FailureReason::HttpStatus, Some(status)));
        outcomes.extend(failures(refused, 401).chain(failures(broken, 500)));
        profile(&outcomes)
    };
    let expired = compared(&baseline, &with(100, 0)).unwrap();
    assert_eq!(expired.decision, Decision::Undecided);
    let row = expired.rows.iter().find(|row| row.figure.name == "errors").unwrap();
    let note = "100 probes were refused for their credentials (status 401)";
    assert_eq!(row.note.as_deref(), Some(note));
    let broken = compared(&baseline, &with(100, 100)).unwrap();
    assert_eq!(broken.decision, Decision::Fail);
    let refusal = compared(&with(100, 0), &baseline).unwrap_err().to_string();
    assert!(refusal.contains(&format!("{note} of the baseline: take it anew")), "{refusal}");
}
