//! `llm-prober compare`: what it prints and how it ends.

use std::net::SocketAddr;
use std::process::Output;

use serde_json::Value;

use crate::common::daemon::run;
use crate::common::in_process::simulator;

const FAST: &str = "model: m\nttft: 4ms\nitl: 1ms\n";

async fn compare(arguments: Vec<String>) -> Output {
    let arguments = ["compare".to_owned()].into_iter().chain(arguments);
    let arguments: Vec<_> = arguments.collect();
    tokio::task::spawn_blocking(move || run(arguments)).await.unwrap()
}

fn sides(baseline: SocketAddr, candidate: SocketAddr) -> Vec<String> {
    vec![
        format!("--baseline=http://{baseline}/v1"),
        format!("--candidate=http://{candidate}/v1"),
        "--interval=1ms".to_owned(),
    ]
}

fn with(mut arguments: Vec<String>, more: &[&str]) -> Vec<String> {
    arguments.extend(more.iter().map(|&a| a.to_owned()));
    arguments
}

fn object(output: &Output) -> Value {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

/// Every answer of the candidate breaks off.
#[tokio::test]
async fn a_worse_candidate_ends_it_with_1() {
    let broken = format!("{FAST}faults: {{truncate: {{probability: 1, after_tokens: 2}}}}\n");
    let (baseline, candidate) = (simulator(FAST).await, simulator(&broken).await);
    let output = compare(with(sides(baseline, candidate), &["--output=json"])).await;
    let found = object(&output);
    assert_eq!((output.status.code(), &found["verdict"]), (Some(1), &"regressed".into()));
    let signals = found["workloads"][0]["signals"].as_array().unwrap();
    let failure = signals.iter().find(|s| s["signal"] == "failure").unwrap();
    assert_eq!(failure["candidate_worse"], failure["pairs"], "{found}");
    assert_eq!(failure["baseline_worse"], 0, "{found}");
}

/// The candidate answers in half the time, and wide margins need few pairs.
#[tokio::test]
async fn a_better_candidate_ends_it_with_0() {
    let slow = "model: m\nttft: 12ms\nitl: 2ms\n";
    let (baseline, candidate) = (simulator(slow).await, simulator(FAST).await);
    let more = ["--workload=short", "--failure-margin=50%", "--tolerance=100%", "--max-pairs=400"];
    let output = compare(with(sides(baseline, candidate), &more)).await;
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for row in ["short", "ttft", "itl", "failure", "slo"] {
        assert!(text.contains(row), "{row}: {text}");
    }
    assert!(!text.contains("context") && !text.contains('\x1b'), "{text}");
    assert!(text.trim_end().ends_with(": not worse"), "{text}");
}

#[tokio::test]
async fn without_a_verdict_it_ends_with_2() {
    let both = simulator(FAST).await;
    let output = compare(with(sides(both, both), &["--max-pairs=3", "--output=json"])).await;
    let found = object(&output);
    let ended = (output.status.code(), &found["verdict"], &found["pairs"]);
    assert_eq!(ended, (Some(2), &"undecided".into(), &3.into()));
    let waits = "both sides answered in ";
    assert!(found["waits_for"].as_str().unwrap().starts_with(waits), "{found}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("llm-prober: undecided: {waits}")), "{said}");
}

/// What ended a comparison that could not be made.
async fn refused(baseline: SocketAddr, candidate: SocketAddr) -> String {
    let output = compare(with(sides(baseline, candidate), &["--max-pairs=2000"])).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(!shown.contains(": not worse"), "{shown}");
    said
}

const REFUSING: &str = "model: m\nfaults: {http_status: {probability: 1, status: 401}}\n";

#[tokio::test]
async fn a_side_that_does_not_answer_is_refused_before_the_first_pair() {
    let nobody: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let (server, refusing) = (simulator(FAST).await, simulator(REFUSING).await);
    let check = async |baseline, candidate, expect: &[&str]| {
        let said = refused(baseline, candidate).await;
        for part in expect.iter().chain(&["; nothing was compared"]) {
            assert!(said.contains(part), "{part}: {said}");
        }
        said
    };
    let baseline = "llm-prober: the baseline does not answer (3 tries): ";
    let said = check(nobody, server, &[baseline, "connect: ", "127.0.0.1:9"]).await;
    assert!(!said.contains("the candidate"), "{said}");
    let said = check(server, nobody, &["the candidate does not answer (3 tries): connect"]).await;
    assert!(!said.contains("the baseline"), "{said}");
    check(nobody, nobody, &[baseline, "the candidate does not answer"]).await;
    check(refusing, server, &[baseline, "http_status", "401"]).await;
    check(server, refusing, &["the candidate does not answer", "http_status", "401"]).await;
}

/// After a few seconds each request to it fails by this status.
fn fails_later(status: u16) -> String {
    let faults = format!("{{http_status: {{probability: 1, status: {status}}}}}");
    format!("{FAST}script: [{{after: 4s, faults: {faults}}}]\n")
}

/// The machine may be so busy that it has gone before the first pair.
fn says_so(said: &str, side: &str, reason: &str) {
    let midway = format!("undecided: the {side} has failed in each of the last ");
    // A busy machine notices after a round or two more.
    let midway = said.contains(&midway) && said.contains(&format!(" rounds ({reason})"));
    let before = format!("the {side} does not answer");
    assert!(midway || said.contains(&before), "{said}");
}

#[tokio::test]
async fn a_side_that_stops_answering_ends_it_with_2() {
    let server = simulator(FAST).await;
    let dies = simulator(&fails_later(503)).await;
    says_so(&refused(dies, server).await, "baseline", "http_status");
    let refuses_later = fails_later(401);
    let dies = simulator(&refuses_later).await;
    says_so(&refused(dies, server).await, "baseline", "unauthorized");
    let dies = simulator(&refuses_later).await;
    says_so(&refused(server, dies).await, "candidate", "unauthorized");
}

/// A baseline that answers nothing well speaks for no candidate.
#[tokio::test]
async fn without_an_answer_from_both_nothing_is_not_worse() {
    let broken = format!("{FAST}faults: {{truncate: {{probability: 1, after_tokens: 2}}}}\n");
    let (broken, server) = (simulator(&broken).await, simulator(FAST).await);
    let said = refused(broken, server).await;
    says_so(&said, "baseline", "truncated");
}

#[tokio::test]
async fn a_spent_budget_ends_it_with_2() {
    let server = simulator(FAST).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("llm-prober.yml");
    let url = format!("url: 'http://{server}/v1', model: m");
    let yaml = format!(
        "targets:\n- {{name: a, {url}, budget: {{output_tokens_per_day: 10}}}}\n- {{name: b, {url}}}\n"
    );
    std::fs::write(&file, yaml).unwrap();
    let arguments = ["--baseline=a", "--candidate=b", "--interval=1ms"];
    let output = compare(with(vec![format!("--config.file={}", file.display())], &arguments)).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no pair in 20 rounds: a target's budget is spent"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("llm-prober.yml");
    let yaml = "workloads: {v: {prompts: {inline: [x]}}, w: {prompts: {inline: [x]}}}\n\
        targets:\n- {name: a, url: 'http://h/v1', workloads: [v]}\n\
        - {name: b, url: 'http://h/v1'}\n- {name: c, url: 'http://h/v1', workloads: [w]}\n";
    std::fs::write(&file, yaml).unwrap();
    let config = format!("--config.file={}", file.display());
    let check = async |arguments: &[&str], expect: &str| {
        let output = compare(with(vec![config.clone()], arguments)).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{said}");
        assert!(said.contains(expect), "{said}");
    };
    check(&["--baseline=a", "--candidate=x"], "no target `x`, expected one of: a, b, c").await;
    check(&["--baseline=a", "--candidate=a"], "are the same target, expected two").await;
    check(&["--baseline=a", "--candidate=c"], "have no workload in common").await;
    let two = ["--baseline=a", "--candidate=b"];
    let wrong = [
        ("--workload=w", "no workload `w` of both targets, expected one of: v"),
        ("--tolerance=5", "expected a percentage, such as 5% or 0.5%"),
        ("--tolerance=200%", "expected 0% to 100%"),
        ("--failure-margin=0%", "expected more than 0% and at most 50%"),
        ("--interval=1", "expected a duration with a unit"),
        ("--max-pairs=0", "0 is not in 1..=10000000"),
    ];
    for (argument, expect) in wrong {
        check(&[two[0], two[1], argument], expect).await;
    }
    let output = compare(vec!["--baseline=a".to_owned(), "--candidate=b".to_owned()]).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains("expected --config.file, or two URLs"), "{said}");
}
