//! Filters, pages and refusals.

use llm_prober::memory::flight::FlightRecord;
use llm_prober::web::WebOptions;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::Page;

fn names(list: &Value) -> Vec<&str> {
    list["targets"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn targets_by_filter_and_page() {
    let page = Page::lively(WebOptions::default()).await;
    let check = async |query: &str, total: u64, expect: &[&str]| {
        let list = page.get(&format!("/api/v1/targets{query}")).await;
        assert_eq!(
            (list["total"].as_u64(), names(&list)),
            (Some(total), expect.to_vec()),
            "{query}"
        );
    };
    check("", 4, &["good", "a slow/one", "dead", "idle"]).await;
    check("?name=O", 2, &["good", "a slow/one"]).await;
    check("?label=stack%3Dcurrent", 2, &["good", "dead"]).await;
    check("?label=stack=current,node=a", 1, &["good"]).await;
    check("?label=stack=", 0, &[]).await;
    check("?state=healthy", 1, &["good"]).await;
    check("?state=degraded", 1, &["a slow/one"]).await;
    check("?state=failing", 1, &["dead"]).await;
    check("?state=not_probed&name=i", 1, &["idle"]).await;
    check("?limit=2", 4, &["good", "a slow/one"]).await;
    check("?limit=2&offset=3", 4, &["idle"]).await;
    check("?offset=9", 4, &[]).await;
}

#[tokio::test]
async fn a_target_and_its_hour() {
    let page = Page::lively(WebOptions::default()).await;
    let good = page.get("/api/v1/targets/good").await;
    assert_eq!((&good["model"], &good["state"]), (&json!("m"), &json!("healthy")));
    assert_eq!(good["labels"], json!({"stack": "current", "node": "a"}));
    let probes = good["hour"]["probes"].as_u64().unwrap();
    assert!(probes >= 5 && good["hour"]["good"] == probes, "{good}");
    assert_eq!(good["hour"]["slos"][0]["attainment"], json!(1.0));
    let p50 = good["hour"]["ttft"]["p50"].as_f64().unwrap();
    assert!(p50 > 0.004, "the server takes 5 ms: {p50}");
    // Windows of other lengths hold at least as much.
    for (window, minutes) in [("now", 5), ("day", 24 * 60), ("month", 30 * 24 * 60)] {
        let window = &good[window];
        assert_eq!(window["minutes"], json!(minutes));
        assert_eq!((&window["good"], &window["failures"]), (&window["probes"], &json!({})));
        assert!(window["probes"].as_u64().unwrap() >= probes.min(5), "{good}");
        assert_eq!(window["slos"][0]["attainment"], json!(1.0));
        assert!(window["ttft"]["p95"].as_f64().unwrap() > 0.004);
    }
    assert_eq!(good["marks"], json!([]));
    let minutes = good["hour"]["minutes"]["probes"].as_array().unwrap();
    let sum: u64 = minutes.iter().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!((minutes.len(), sum), (60, probes));
    // The name of its model was found out.
    assert_eq!(page.get("/api/v1/targets/a%20slow%2Fone").await["model"], "m");
    let dead = page.get("/api/v1/targets/dead").await;
    let failures = dead["hour"]["failures"]["http_status"].as_u64().unwrap();
    assert!(failures >= 5 && dead["hour"]["probes"] == failures, "{dead}");
    let idle = page.get("/api/v1/targets/idle").await;
    assert_eq!((&idle["last"], &idle["hour"]["ttft"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn probes_by_filter() {
    let page = Page::lively(WebOptions::default()).await;
    let probes = async |target: &str, query: &str| {
        let list = page.get(&format!("/api/v1/targets/{target}/probes{query}")).await;
        list["probes"].as_array().unwrap().clone()
    };
    let all = probes("good", "").await;
    assert!(all.len() >= 5 && all.iter().all(|p| p["reason"].is_null() && p["good"] == true));
    let started: Vec<_> = all.iter().map(|p| p["started_unix_seconds"].as_f64().unwrap()).collect();
    assert!(started.is_sorted_by(|a, b| a >= b), "newest first: {started:?}");
    assert_eq!(probes("good", "?limit=2").await.len(), 2);
    assert_eq!(probes("good", "?failed=true").await.len(), 0);
    assert_eq!(probes("dead", "?failed=false").await.len(), 0);
    assert!(probes("dead", "?reason=http_status").await.len() >= 5);
    assert_eq!(probes("dead", "?reason=stalled").await.len(), 0);
    let of_long = probes("good", "?workload=long").await;
    assert!(of_long.iter().all(|p| p["workload"] == "long"), "{of_long:?}");
    let slow = probes("a%20slow%2Fone", "?limit=1").await;
    assert_eq!((&slow[0]["odd"], &slow[0]["good"]), (&json!("slo_missed"), &json!(false)));
    assert_eq!(slow[0]["slos"], json!({"hopeless": false}));
}

#[tokio::test]
async fn one_probe() {
    let page = Page::lively(WebOptions::default()).await;
    let slow = page.probe_id("a%20slow%2Fone").await;
    let probe = page.get(&format!("/api/v1/probes/{slow}")).await;
    let detail = &probe["detail"];
    assert_eq!(probe["summary"]["id"], json!(slow));
    assert_eq!(detail["content_at"].as_array().unwrap().len(), 3);
    assert_eq!(detail["finish"], "length");
    let objective = &detail["verdicts"][0]["objectives"][0];
    assert_eq!((&objective["objective"], &objective["threshold"]), (&json!("ttft"), &json!(0.001)));
    let ttft = probe["summary"]["ttft"].as_f64().unwrap();
    assert!((objective["consumption"].as_f64().unwrap() - ttft / 0.001).abs() < 1e-6, "{probe}");
    let phases = detail["phases"].as_array().unwrap();
    assert_eq!(phases.last().unwrap()["phase"], "tail", "{phases:?}");
    assert_eq!(detail["headers"]["content-type"], "text/event-stream");
    assert!(detail["other_headers"].as_u64().unwrap() >= 1, "{detail}");
    let bytes: u64 =
        detail["chunks"].as_array().unwrap().iter().map(|c| c["bytes"].as_u64().unwrap()).sum();
    assert!(bytes > 100, "{detail}");
}

#[tokio::test]
async fn recordings_are_there_for_who_enabled_them() {
    let page = Page::lively(WebOptions::default()).await;
    let id = page.probe_id("good").await;
    let (status, refusal) = page.json(&format!("/api/v1/probes/{id}/recording")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(refusal["error"].as_str().unwrap().contains("--web.enable-recordings"), "{refusal}");

    let page =
        Page::lively(WebOptions { recordings: true, probe: false, ..WebOptions::FIGURES }).await;
    for target in ["good", "dead"] {
        let id = page.probe_id(target).await;
        let file = page.ask(Method::GET, &format!("/api/v1/probes/{id}/recording")).await;
        assert_eq!(file.headers()["content-type"], "application/jsonl");
        let name = format!("attachment; filename=\"{id}.flight.jsonl\"");
        assert_eq!(file.headers()["content-disposition"], name);
        let record = FlightRecord::read(&file.bytes().await.unwrap()).unwrap();
        let kept = page.daemon.history.find(&id).unwrap().flight().unwrap();
        assert_eq!(record.interpret().outcome, kept.probe.outcome);
    }
    let dead = page.get(&format!("/api/v1/probes/{}", page.probe_id("dead").await)).await;
    assert!(dead["detail"]["message"].as_str().unwrap().contains("unknown path"), "{dead}");
}

#[tokio::test]
async fn refusals_say_what_was_expected() {
    let page = Page::lively(WebOptions::default()).await;
    let check = async |path: &str, status: u16, expect: &str| {
        let (found, refusal) = page.json(path).await;
        assert_eq!(found.as_u16(), status, "{path}: {refusal}");
        let message = refusal["error"].as_str().unwrap();
        assert!(message.contains(expect), "{path}: {message}");
        assert_eq!(refusal.as_object().unwrap().len(), 1);
    };
    check("/api/v1/targets?limit=0", 400, "limit is 0, expected 1 to 1000").await;
    check("/api/v1/targets?limit=1001", 400, "expected 1 to 1000").await;
    check("/api/v1/targets?limit=x", 400, "limit").await;
    check("/api/v1/targets?offset=-1", 400, "offset").await;
    check("/api/v1/targets?offset=10001", 400, "offset is 10001, expected 0 to 10000").await;
    check("/api/v1/targets?label=", 400, "``, expected key=value").await;
    check("/api/v1/targets?label=x", 400, "`x`, expected key=value").await;
    check("/api/v1/targets?state=x", 400, "`x`: expected one of failing, degraded").await;
    check("/api/v1/targets?nonsense=1", 400, "unknown field `nonsense`").await;
    check("/api/v1/targets/missing", 404, "no target").await;
    check("/api/v1/targets/%FF", 400, "UTF-8").await;
    check("/api/v1/targets/missing/probes", 404, "no target").await;
    check("/api/v1/targets/missing/change", 404, "no target").await;
    check("/api/v1/targets/good/probes?reason=x", 400, "`x`: expected one of resolve").await;
    check("/api/v1/targets/good/probes?failed=maybe", 400, "failed").await;
    check("/api/v1/targets/good/probes?limit=129", 400, "expected 1 to 128").await;
    check("/api/v1/probes/missing", 404, "no probe of this id").await;
    for path in ["/api/v1", "/api/v1/", "/api/v1/nothing/here"] {
        check(path, 404, "see /api/v1/openapi.json").await;
    }
    for path in ["/api/v1/targets", "/api/v1/targets/good", "/api/v1/events", "/api/v1/status"] {
        for method in [Method::POST, Method::DELETE, Method::PUT, Method::PATCH] {
            let refusal = page.ask(method.clone(), path).await;
            assert_eq!(refusal.status(), 405, "{method} {path}");
            assert_eq!(refusal.headers()["allow"], "GET,HEAD", "{method} {path}");
            let body: Value = refusal.json().await.unwrap();
            assert_eq!(body, json!({"error": "expected GET or HEAD"}));
        }
    }
}

/// Names of others are in what is answered, and tomorrow it is another answer.
#[tokio::test]
async fn nothing_is_kept_or_taken_for_another_kind_of_file() {
    let page = Page::lively(WebOptions::default()).await;
    for path in ["/api/v1/targets", "/api/v1/nothing", "/config", "/metrics", "/-/ready", "/gone"] {
        let headers = page.ask(Method::GET, path).await.headers().clone();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["cache-control"], "no-cache", "{path}");
    }
}

#[tokio::test]
async fn the_program_itself() {
    let page = Page::lively(WebOptions::default()).await;
    let status = page.get("/api/v1/status").await;
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["targets"], 4);
    assert_eq!(status["config"]["last_reload_successful"], true);
    assert_eq!(status["features"], json!({"recordings": false, "probe": false}));
    assert!(status["history"]["probes"].as_u64().unwrap() >= 15, "{status}");
    assert!(status["history"]["recorded_bytes"].as_u64().unwrap() > 5_000, "{status}");
    assert_eq!(status["flight_recorder"], Value::Null);
}
