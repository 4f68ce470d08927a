//! The real counterparts start and answer, and a missing one is never silent.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test
#![allow(clippy::disallowed_methods)] // tasks of a test end with its runtime

use std::net::SocketAddr;

use axum::{Router, http::HeaderMap, response::IntoResponse, routing::get};
use prometheus::{
    encoding::{prometheus_protobuf, text},
    metrics::histogram::{Histogram, NativeHistogramConfig},
    registry::Registry,
};
use serde_json::{Value, json};

use common::{
    counterparts::{counterpart, look_up},
    llama::LlamaServer,
    prometheus::{Histograms, Prometheus},
};

use crate::common;

/// One histogram, classic in text and both in protobuf, on a free port.
async fn expose_a_histogram() -> SocketAddr {
    let histogram = Histogram::new_classic_and_native([0.1, 1.0], NativeHistogramConfig::new(1.1));
    histogram.observe(0.5);
    let mut registry = Registry::default();
    registry.register("seen_seconds", "Observed", histogram);
    let mut openmetrics = String::new();
    text::encode(&mut openmetrics, &registry).unwrap();
    let protobuf = prometheus_protobuf::encode_to_vec(&registry).unwrap();
    let answer = async move |headers: HeaderMap| {
        let accept = headers.get("accept").map_or("", |value| value.to_str().unwrap());
        if accept.contains("application/vnd.google.protobuf") {
            let kind = "application/vnd.google.protobuf; \
                        proto=io.prometheus.client.MetricFamily; encoding=delimited";
            ([("content-type", kind)], protobuf).into_response()
        } else {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([("content-type", kind)], openmetrics).into_response()
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/metrics", get(answer));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn prometheus_scrapes_classic_histograms() {
    let target = expose_a_histogram().await;
    let Some(prometheus) = Prometheus::start(target, Histograms::Classic).await else { return };
    let bucket = prometheus.wait_for("seen_seconds_bucket{job='llm-prober', le='1.0'}").await;
    assert_eq!(bucket[0]["value"][1], "1", "{bucket:?}");
    assert_eq!(prometheus.query("seen_seconds").await, Vec::<Value>::new());
    let targets = prometheus.get("/api/v1/targets").await;
    assert_eq!(targets["data"]["activeTargets"][0]["health"], "up", "{targets}");
}

#[tokio::test]
async fn prometheus_scrapes_native_histograms() {
    let target = expose_a_histogram().await;
    let Some(prometheus) = Prometheus::start(target, Histograms::Native).await else { return };
    let count = prometheus.wait_for("histogram_count(seen_seconds{job='llm-prober'})").await;
    assert_eq!(count[0]["value"][1], "1", "{count:?}");
    let classic = prometheus.query("seen_seconds_bucket{le='1.0'}").await;
    assert_eq!(classic.len(), usize::from(prometheus.keeps_classic()), "{classic:?}");
}

#[tokio::test]
async fn llama_server_answers_a_chat() {
    let Some(server) = LlamaServer::start().await else { return };
    let body = json!({
        "messages": [{"role": "user", "content": "Say hello."}],
        "max_tokens": 4,
        "temperature": 0,
    });
    let answer = server.post("/v1/chat/completions", &body).await;
    let content = answer["choices"][0]["message"]["content"].as_str().unwrap_or_default();
    assert!(!content.is_empty(), "{answer}");
    assert_eq!(answer["usage"]["completion_tokens"], 4, "{answer}");
}

#[test]
fn promtool_accepts_clean_metrics_and_refuses_others() {
    let Some(promtool) = counterpart("promtool") else { return };
    let check = |metrics: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), metrics).unwrap();
        let stdin = std::fs::File::open(file.path()).unwrap();
        let mut command = std::process::Command::new(&promtool);
        command.args(["check", "metrics"]).stdin(stdin).output().unwrap().status.success()
    };
    assert!(check("# HELP a_total Things.\n# TYPE a_total counter\na_total 1\n"));
    assert!(!check("# TYPE a counter\na 1\n"));
}

#[test]
fn a_missing_counterpart_says_how_to_install_it() {
    let empty = tempfile::tempdir().unwrap();
    let error = look_up(empty.path(), "prometheus").unwrap_err();
    assert!(error.starts_with("prometheus is not installed in /"), "{error}");
    assert!(error.ends_with("run tests/run"), "{error}");
}
