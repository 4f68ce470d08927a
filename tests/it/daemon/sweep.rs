//! `llm-prober sweep`: what it prints and how it ends.

use std::net::SocketAddr;
use std::process::Output;

use serde_json::Value;

use crate::common::daemon::run;
use crate::common::in_process::simulator;

const FAST: &str = "model: m\nttft: 4ms\nitl: 1ms\nanswer_tokens: 8\n";

async fn sweep(arguments: &[&str]) -> Output {
    let arguments = ["sweep"].iter().chain(arguments).map(|a| (*a).to_owned());
    let arguments: Vec<_> = arguments.collect();
    tokio::task::spawn_blocking(move || run(arguments)).await.unwrap()
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/v1")
}

fn object(output: &Output) -> Value {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A machine that is busy with other tests makes a level invalid, and that is said.
fn code(output: &Output, report: &Value, expect: i32) {
    let valid = report["levels"].as_array().unwrap().iter().all(|level| level["valid"] == true);
    let expect = if valid { expect } else { 2 };
    assert_eq!(output.status.code(), Some(expect), "{output:?}");
    assert_eq!(said(output).contains("invalid at "), !valid, "{output:?}");
}

#[tokio::test]
async fn the_json_holds_every_level_and_run() {
    let url = url(simulator(FAST).await);
    let output = sweep(&[
        &url,
        "--concurrency=1,3",
        "--requests=6",
        "--warmup=2",
        "--runs=2",
        "--workload=short",
        "--goodput=request_latency:30s",
        "--export=json",
    ])
    .await;
    let report = object(&output);
    code(&output, &report, 0);
    let host = url.strip_prefix("http://").unwrap().strip_suffix("/v1").unwrap();
    assert_eq!((&report["schema"], &report["target"]), (&1.into(), &host.into()));
    assert_eq!((&report["model"], &report["dialect"]), (&"m".into(), &"openai-chat".into()));
    assert_eq!(report["workload"], "short");
    assert_eq!(report["slo"]["goodput"]["request_latency"], 30.0);
    let levels = report["levels"].as_array().unwrap();
    assert_eq!((levels.len(), report["runs"].as_array().unwrap().len()), (2, 2));
    for (level, users) in levels.iter().zip([1, 3]) {
        assert_eq!((&level["concurrency"], &level["loop"]), (&users.into(), &"closed".into()));
        assert_eq!((&level["requests"], &level["sent"]), (&16.into(), &12.into()));
        assert_eq!((&level["completed"], &level["attainment"]), (&12.into(), &1.0.into()));
        assert_eq!((&level["output_tokens"], &level["rate"]), (&96.into(), &Value::Null));
        assert!(level["ttft"]["p50"].as_f64().unwrap() >= 0.004, "{level}");
        assert!(level["request_rate"].as_f64().unwrap() > 0.0, "{level}");
    }
    assert!(report["confidence"][1]["ttft_p50"]["mean"].as_f64().unwrap() > 0.0, "{report}");
    // Progress is not for programs, and without a terminal it is lines.
    let said = said(&output);
    assert!(said.contains("3 users") && !said.contains('\x1b'), "{said}");
}

#[tokio::test]
async fn a_table_names_the_knee_and_an_open_loop_its_rate() {
    let url = url(simulator(FAST).await);
    let arguments =
        [&url, "--rate=20", "--requests=10", "--concurrency=50", "--goodput=request_latency:30s"];
    let output = sweep(&arguments).await;
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(matches!(output.status.code(), Some(0 | 2)), "{output:?}");
    for part in ["20 requests/s, open loop, at most 50 in flight: 10 sent", "attainment 100.0 %"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("knee: ") && !text.contains('\x1b'), "{text}");
}

/// A file's target, its SLOs, and an answer that always breaks off.
#[tokio::test]
async fn conditions_decide_how_it_ends() {
    let broken = format!("{FAST}faults: {{truncate: {{probability: 1, after_tokens: 2}}}}\n");
    let (server, broken) = (simulator(FAST).await, simulator(&broken).await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("llm-prober.yml");
    let yaml = format!(
        "slos: {{easy: {{objective: 0.95, request_latency: 30s}}}}\n\
         targets:\n- {{name: good, url: '{}', model: m}}\n- {{name: bad, url: '{}', model: m}}\n",
        url(server),
        url(broken)
    );
    std::fs::write(&file, yaml).unwrap();
    let config = format!("--config.file={}", file.display());
    let with = async |target: &str, conditions: &[&str]| {
        let usual = ["--concurrency=2", "--requests=4", "--export=json", target];
        sweep(&[&[config.as_str()], &usual[..], conditions].concat()).await
    };
    let output = with("--target=good", &["--fail-if=attainment < 90%"]).await;
    let report = object(&output);
    code(&output, &report, 0);
    assert_eq!(report["slo"]["easy"]["request_latency"], 30.0);
    // A level that is not valid is no knee.
    let knee = &report["knee"];
    let found = (&knee["concurrency"], &knee["at_least"]) == (&2.into(), &true.into());
    assert_eq!(found, report["levels"][0]["valid"] == true, "{report}");

    let output = with("--target=bad", &["--fail-if=error_ratio@2 > 1%"]).await;
    let report = object(&output);
    code(&output, &report, 1);
    assert_eq!(report["levels"][0]["errors"]["truncated"], 4);
    assert!(report["levels"][0]["ttft"].is_null() && report["knee"].is_null(), "{report}");
    let why = "llm-prober: failed: error_ratio@2 > 1%: 100.0 % at 2 users";
    assert!(said(&output).contains(why), "{}", said(&output));

    let output = with("--target=bad", &["--fail-if=ttft_p95 > 1s"]).await;
    assert_eq!(output.status.code(), Some(2), "a figure that is not there is no pass");
    assert!(said(&output).contains("cannot tell: ttft_p95 > 1s: not observed at 2 users"));
}

#[tokio::test]
async fn a_search_says_how_many_requests_it_sent() {
    let url = url(simulator(FAST).await);
    let goodput = "--goodput=request_latency:30s";
    let output = sweep(&[&url, "--adaptive", "--concurrency=1..4", goodput, "--export=json"]).await;
    let report = object(&output);
    code(&output, &report, 0);
    let levels = report["levels"].as_array().unwrap();
    let sent: u64 = levels.iter().map(|level| level["requests"].as_u64().unwrap()).sum();
    assert_eq!((levels.len(), report["adaptive"]["sent"].as_u64()), (3, Some(sent)));
    assert_eq!(report["adaptive"]["complete"], true);
    assert!(levels.iter().all(|level| level["sent"].as_u64() >= Some(42)), "{report}");
}

#[tokio::test]
async fn a_target_that_does_not_answer_ends_it_with_2() {
    let output = sweep(&["http://127.0.0.1:9/v1", "--model=m", "--concurrency=1"]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = said(&output);
    assert!(said.contains("the target does not answer (3 tries): connect"), "{said}");
    assert!(said.contains("; nothing was measured") && output.stdout.is_empty(), "{said}");
}

#[tokio::test]
async fn what_cannot_be_swept_is_refused() {
    let check = async |arguments: &[&str], expect: &str| {
        let output = sweep(arguments).await;
        let said = said(&output);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {said}");
        assert!(said.contains(expect), "{arguments:?}: {said}");
    };
    let url = "http://h/v1";
    check(&["--concurrency=1"], "--config.file").await;
    check(&[url], "--concurrency").await;
    check(&["h/v1", "--concurrency=1"], "`h/v1`: expected a URL such as http://").await;
    check(&[url, "--concurrency=one"], "expected whole numbers, such as 1,8,50").await;
    check(&[url, "--rate=5", "--concurrency=1,2"], "expected one number for --concurrency").await;
    check(&[url, "--rate=5", "--adaptive"], "cannot be used with").await;
    let few = "--requests 8 is less than one for each of 50 users";
    check(&[url, "--concurrency=1,50", "--requests=8"], few).await;
    check(&[url, "--concurrency=1", "--duration=1s", "--requests=8"], "cannot be used with").await;
    check(&[url, "--concurrency=1", "--workload=x"], "no workload `x`, expected one of: ").await;
    check(&[url, "--concurrency=1", "--goodput=ttft"], "expected OBJECTIVE:BOUND").await;
    check(&[url, "--concurrency=1", "--fail-if=tfft_p95 > 1s"], "did you mean `ttft_p95`?").await;
    let level = "no such level, expected one of: 1, 8";
    check(&[url, "--concurrency=1,8", "--fail-if=goodput@2 < 1"], level).await;
    check(&[url, "--concurrency=1", "--attainment=100%"], "expected 1% to 99.9%").await;
}
