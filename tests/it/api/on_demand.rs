//! `/probe`.

use expect_test::expect;
use llm_prober::web::WebOptions;
use reqwest::{Method, Response, StatusCode};

use crate::api::Page;
use crate::common::eventually::{eventually, only_if};
use crate::common::exposition::Exposition;
use crate::common::scripted::{Step, always, tcp};

const ENABLED: WebOptions = WebOptions { recordings: false, probe: true, ..WebOptions::FIGURES };

async fn quiet() -> Page {
    Page::of(&crate::api::LIVELY.replace("interval: 100ms", "interval: 10h"), ENABLED).await
}

async fn refused(page: &Page, path: &str, status: u16, expect: &str) {
    let (found, refusal) = page.json(path).await;
    assert_eq!(found.as_u16(), status, "{path}: {refusal}");
    assert!(refusal["error"].as_str().unwrap().contains(expect), "{path}: {refusal}");
}

#[tokio::test]
async fn one_probe_with_metrics_of_its_own() {
    let page = quiet().await;
    let labels = ["target=\"good\"", "model=\"m\"", "workload=\"long\"", "node=\"a\""];
    // What the daemon tells of its own probes, the server's load included; on a busy machine the
    // look at the server may not be there in time.
    let at_send = "llm_prober_server_requests_running_at_send_count";
    let ask = async || {
        let text = page.ask(Method::GET, "/probe?target=good&workload=long").await.text().await;
        let text = text.unwrap();
        only_if(Exposition::parse(&text).values(at_send, &labels) == [1.0], text)
    };
    let scrape = Exposition::parse(&eventually("a probe with the server's load", ask).await);
    assert_eq!(scrape.values("probe_success", &[]), [1.0]);
    let duration = scrape.values("probe_duration_seconds", &[])[0];
    assert!(duration > 0.005, "the first token takes 5 ms: {duration}");
    assert_eq!(scrape.values("llm_prober_probes_total", &labels), [1.0]);
    assert_eq!(scrape.values("llm_prober_probes_total", &[]), [1.0], "and no other");
    assert_eq!(scrape.values("llm_prober_time_to_first_token_seconds_count", &labels), [1.0]);
    assert_eq!(scrape.values("llm_prober_connections_total", &["kind=\"new\""]), [1.0]);
    assert_eq!(scrape.values("llm_prober_slo_good_probes_total", &["slo=\"easy\""]), [1.0]);
    assert_eq!(scrape.values("llm_prober_server_metrics_up", &["target=\"good\""]), [1.0]);
    for own in ["llm_prober_build_info", "process_cpu_seconds_total", "llm_prober_history_records"]
    {
        assert!(scrape.values(own, &[]).is_empty(), "{own}");
    }
    // None leaves a trace. The daemon's own are the first of each target and comparison.
    let config = page.daemon.config();
    let own = config.targets.len() + 2 * config.comparisons.len();
    for _ in 0..own {
        page.ask(Method::GET, "/probe?target=good&workload=long").await.text().await.unwrap();
    }
    let daemon = Exposition::of(&page.daemon.metrics);
    let counted = daemon.sum("llm_prober_probes_total", &[]);
    assert!(counted <= u32::try_from(own).unwrap().into(), "{counted}");
    assert!(page.daemon.history.len() <= own);
}

#[tokio::test]
async fn a_failed_probe_is_an_answer() {
    let page = quiet().await;
    let text = page.ask(Method::GET, "/probe?target=dead").await.text().await.unwrap();
    let scrape = Exposition::parse(&text);
    assert_eq!(scrape.values("probe_success", &[]), [0.0]);
    let reason = ["reason=\"http_status\""];
    assert_eq!(scrape.values("llm_prober_probe_failures_total", &reason), [1.0]);
}

#[tokio::test]
async fn only_named_targets_and_only_where_enabled() {
    let page = quiet().await;
    refused(&page, "/probe", 400, "no target, expected").await;
    refused(&page, "/probe?target=missing", 400, "no target of this name").await;
    refused(&page, "/probe?target=http://169.254.169.254/", 400, "no target of this name").await;
    refused(&page, "/probe?target=good&workload=x", 400, "no workload of this name").await;
    refused(&page, "/probe?target=good&module=x", 400, "unknown field `module`").await;
    let page = Page::of(crate::api::LIVELY, WebOptions::default()).await;
    refused(&page, "/probe?target=good", 403, "--web.enable-probe").await;
}

/// A daemon whose only target accepts and says nothing.
async fn silent() -> Page {
    let (server, _) = tcp(always([Step::Hold])).await;
    let config =
        format!("targets: [{{name: t, url: 'http://{server}/v1', model: m, interval: 10h}}]");
    Page::of(&config, ENABLED).await
}

async fn with_timeout(page: &Page, seconds: &str) -> Response {
    let request = page.client.get(format!("{}/probe?target=t", page.base));
    request.header("X-Prometheus-Scrape-Timeout-Seconds", seconds).send().await.unwrap()
}

#[tokio::test]
async fn the_scrapers_timeout_is_kept() {
    let page = silent().await;
    let text = with_timeout(&page, "0.5").await.text().await.unwrap();
    let scrape = Exposition::parse(&text);
    assert_eq!(scrape.values("llm_prober_probe_failures_total", &["reason=\"timeout\""]), [1.0]);
    let duration = scrape.values("probe_duration_seconds", &[])[0];
    assert!(duration >= 0.45, "less than the scraper allows: {duration}");
    for wrong in ["soon", "0", "-1", "NaN", "1e300"] {
        assert_eq!(with_timeout(&page, wrong).await.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn only_so_many_at_a_time() {
    let page = silent().await;
    let mut under_way = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (client, url) = (page.client.clone(), format!("{}/probe?target=t", page.base));
        under_way.spawn(async move { client.get(url).send().await.map(|r| r.status()) });
    }
    let refused = async || {
        // Short, as it may get one of the places.
        let answer = with_timeout(&page, "0.1").await;
        let status = answer.status();
        if status == StatusCode::TOO_MANY_REQUESTS { Ok(answer) } else { Err(status) }
    };
    let refusal = eventually("a refusal", refused).await.text().await.unwrap();
    assert!(refusal.contains("too many probes"), "{refusal}");
    // Who goes away gives the place back.
    under_way.shutdown().await;
    let served = async || {
        let status = with_timeout(&page, "0.1").await.status();
        only_if(status == StatusCode::OK, status)
    };
    eventually("a free place", served).await;
}

#[tokio::test]
async fn debug_shows_log_waterfall_and_configuration() {
    let page = quiet().await;
    let path = "/probe?target=good&workload=short&debug=true";
    let answer = page.ask(Method::GET, path).await;
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    let text = answer.text().await.unwrap();
    let masked = regex::Regex::new(r"[0-9a-f]{32}|[0-9]+\.[0-9]+|█+ *|·[· ]*| {2,}").unwrap();
    let masked = masked.replace_all(&text, "~").into_owned();
    let (log, _) = masked.split_once("Waterfall\n").unwrap();
    // A thread that was interrupted after its last write sees the answer first.
    let (sent, came) =
        ("~~ ms~last byte of the request sent\n", "~~ ms~first byte of the response received\n");
    let log = log.replace(&format!("{came}{sent}"), &format!("{sent}{came}"));
    expect![[r#"
        Log
        ---
        ~probe ~ begins
        ~~ ms~name resolved
        ~~ ms~connected
        ~~ ms~first byte of the request sent
        ~~ ms~last byte of the request sent
        ~~ ms~first byte of the response received
        ~~ ms~first token received
        ~~ ms~last token received
        ~~ ms~last byte received
        ~~ ms~the exchange ends: complete
        ~status 200, headers {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
        ~result: success

    "#]]
    .assert_eq(&log);
    assert!(text.contains("good / short  probe ") && text.contains("\nprobe_success 1"), "{text}");
    let (_, config) = text.split_once("Configuration, without secrets and texts\n").unwrap();
    assert!(config.contains("name: good") && !config.contains("name: dead"), "{config}");
    assert!(config.contains("not shown>") && !text.contains("Zq7X"), "{text}");
}
