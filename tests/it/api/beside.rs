//! What stands beside the probes: comparisons, the targets' own past, their servers, GPUs.

use llm_prober::web::WebOptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{LIVELY, Page};
use crate::common::eventually::{eventually, only_if};

/// Asks until `seen` says yes.
async fn until(page: &Page, path: &str, seen: impl Fn(&Value) -> bool) -> Value {
    let look = async || {
        let answer = page.get(path).await;
        only_if(seen(&answer), answer)
    };
    eventually(path, look).await
}

#[tokio::test]
async fn a_comparison_by_workload_and_signal() {
    let page = Page::lively(WebOptions::default()).await;
    let judged = |list: &Value| list["comparisons"][0]["pairs"].as_u64() >= Some(5);
    let list = until(&page, "/api/v1/comparisons", judged).await;
    let canary = &list["comparisons"][0];
    let facts = ["name", "baseline", "candidate", "order", "verdict"].map(|key| &canary[key]);
    assert_eq!(json!(facts), json!(["canary", "good", "a slow/one", "simultaneous", "undecided"]));
    assert_eq!((&canary["interval"], &canary["tolerance"]), (&json!(0.1), &json!(0.05)));
    let needed = canary["regressed_threshold_log10"].as_f64().unwrap();
    assert!(needed > canary["not_worse_threshold_log10"].as_f64().unwrap(), "{canary}");
    let short = &canary["workloads"][0];
    assert_eq!((&short["workload"], &short["pairs"]), (&json!("short"), &canary["pairs"]));
    assert_eq!(short.get("answers"), None, "they are not compared");
    let signals = short["signals"].as_array().unwrap();
    let names: Vec<_> = signals.iter().map(|s| s["signal"].as_str().unwrap()).collect();
    assert_eq!(names, ["ttft", "itl", "request_latency", "failure"], "no SLO is common to both");
    let (ttft, failure) = (&signals[0], &signals[3]);
    assert_eq!(ttft["effect"]["observations"], ttft["pairs"]);
    assert!(ttft["effect"]["ratio"].as_f64().unwrap() > 0.0, "{ttft}");
    assert_eq!(ttft["effect"].get("lower"), None, "so few pairs bound nothing: {ttft}");
    assert_eq!((ttft.get("discordant"), failure.get("effect")), (None, None));
    assert_eq!(failure["discordant"], json!({"candidate_worse": 0, "baseline_worse": 0}));
    assert!(ttft["alarm_threshold_log10"].as_f64().unwrap() > 1.0, "{ttft}");
    assert_eq!((&ttft["alarm"], &ttft["alarms"]), (&json!(false), &json!(0)));
    assert_eq!(ttft.get("last_alarm_unix_seconds"), None);
}

/// By API and page.
#[tokio::test]
async fn latencies_of_several_workloads_are_shown_together() {
    let config = LIVELY.replace(", workloads: [short]", "");
    let page = Page::of(&config, WebOptions::default()).await;
    let seen = |list: &Value| {
        let latencies = list["comparisons"][0]["latencies_together"].as_array();
        latencies.is_some_and(|all| all.iter().all(|s| s["pairs"].as_u64() >= Some(2)))
    };
    let list = until(&page, "/api/v1/comparisons", seen).await;
    let together = list["comparisons"][0]["latencies_together"].as_array().unwrap();
    let names: Vec<_> = together.iter().map(|s| s["signal"].as_str().unwrap()).collect();
    assert_eq!(names, ["ttft", "itl"], "those that decide");
    assert_eq!(together[0]["effect"]["observations"], together[0]["pairs"]);
    assert_eq!(together[0]["verdict"], "undecided");
    let html = page.ask(Method::GET, "/comparisons/canary").await.text().await.unwrap();
    for row in ["all ttft", "all itl", "all failure"] {
        assert!(html.contains(row), "{row} is not in {html}");
    }
    assert!(!html.contains("all request_latency"), "a streamed answer's length is noise");
}

#[tokio::test]
async fn a_round_that_is_not_judged_has_a_reason() {
    let config = LIVELY.replace(
        "name: good,",
        "name: good, max_in_flight: 1, budget: {output_tokens_per_day: 3},",
    );
    let page = Page::of(&config, WebOptions::default()).await;
    let dropped = |list: &Value| list["comparisons"][0]["rounds_dropped"]["budget"].is_u64();
    until(&page, "/api/v1/comparisons", dropped).await;
}

#[tokio::test]
async fn a_target_against_its_own_past() {
    let page = Page::lively(WebOptions::default()).await;
    let ttft = |list: &Value| {
        let streams = list["streams"].as_array().unwrap().iter();
        let seen = streams.filter(|s| s["signal"] == "ttft");
        seen.map(|s| s["reference"]["observations"].as_u64().unwrap()).sum::<u64>()
    };
    // Probes that began late teach nothing.
    let change = until(&page, "/api/v1/targets/good/change", |list| ttft(list) >= 5).await;
    let streams = change["streams"].as_array().unwrap();
    assert_eq!(streams.len(), 2 * 5, "two workloads: {change}");
    let named = |workload: &str, signal: &str| {
        let mut all = streams.iter();
        all.find(|s| s["workload"] == workload && s["signal"] == signal).unwrap()
    };
    assert!(streams.iter().all(|s| s["state"] == "collecting"), "{change}");
    let reference = &named("short", "slo")["reference"];
    assert_eq!(
        (&reference["min_samples"], &reference["min_duration"]),
        (&json!(500), &json!(86_400.0))
    );
    assert_eq!(reference.get("complete_unix_seconds"), None);
    assert_eq!(named("short", "itl")["tolerance"], json!(0.05));
    assert_eq!(named("short", "failure").get("evidence_log10"), None, "nothing was compared");

    let without = format!("{LIVELY}change_detection: {{enabled: false}}\n");
    let page = Page::of(&without, WebOptions::default()).await;
    assert_eq!(page.get("/api/v1/targets/good/change").await, json!({"streams": []}));
}

#[tokio::test]
async fn the_state_of_a_server() {
    let page = Page::lively(WebOptions::default()).await;
    let server = &page.get("/api/v1/targets/good").await["server"];
    assert_eq!((&server["engine"], server.get("problem")), (&json!("vllm"), None));
    for figure in ["running", "waiting", "kv_cache_usage"] {
        assert!(server[figure].as_f64().unwrap() >= 0.0, "{figure}: {server}");
    }
    assert_eq!(server.get("prefix_cache_hit_ratio"), None, "it counts both instead: {server}");
    assert_eq!(page.get("/api/v1/targets/dead").await.get("server"), None);

    let lost = LIVELY.replace("server_metrics: /metrics", "server_metrics: /nowhere");
    let page = Page::of(&lost, WebOptions::default()).await;
    let looked = |target: &Value| target.get("server").is_some();
    let server = &until(&page, "/api/v1/targets/good", looked).await["server"];
    assert!(server["problem"].as_str().unwrap().contains("404"), "{server}");
    assert_eq!(server.as_object().unwrap().len(), 2, "the problem, and when: {server}");
}

#[tokio::test]
async fn gpus_of_the_machine() {
    let page = Page::lively(WebOptions::default()).await;
    let seen = |list: &Value| {
        let all = list["gpus"].as_array().unwrap();
        all.len() == 2 && all.iter().all(|gpu| gpu["collect_success"] == true)
    };
    let list = until(&page, "/api/v1/gpus", seen).await;
    assert_eq!(list["driver_up"], true);
    let gpu = &list["gpus"][0];
    assert_eq!((&gpu["index"], &gpu["utilization"]), (&json!(0), &json!(0.5)));
    assert_eq!(gpu["memory"]["total"], json!(80_u64 << 30));
    assert_eq!(gpu["power_limit_watts"], json!(700.0));
    assert_eq!(gpu["temperatures_celsius"], json!({"gpu": 40.0, "memory": 55.0}));
    assert_eq!(gpu["throttle_reasons"], json!(["gpu_idle"]));
    assert!((0.0..60.0).contains(&gpu["age"].as_f64().unwrap()), "{gpu}");

    let without = LIVELY.replace("gpu: {library: '{library}'}", "gpu: {enabled: false}");
    let page = Page::of(&without, WebOptions::default()).await;
    assert_eq!(page.get("/api/v1/gpus").await, json!({"gpus": []}));
}
