//! `llm-prober compare`: what it prints and how it ends.

use std::net::SocketAddr;
use std::process::Output;

use serde_json::Value;

use super::common::daemon::run;
use super::common::in_process::simulator;

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
}

/// What fails on both sides says nothing, but is not silent.
#[tokio::test]
async fn two_dead_sides_are_undecided() {
    let nobody: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let output = compare(with(sides(nobody, nobody), &["--max-pairs=5"])).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    // A busy machine may have dropped rounds besides, or have had more of them under way.
    let all_failed =
        |n: u32| text.contains(&format!("\n{n} pairs, {n} of them failed on both sides"));
    assert!((5..50).any(all_failed), "{text}");
    assert!(text.trim_end().ends_with(": undecided"), "{text}");
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
