//! The real program probes a real llama.cpp server.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test
#![allow(clippy::float_cmp)] // counters hold whole numbers
#![allow(clippy::disallowed_methods)] // tasks of a test end with its runtime

use std::net::SocketAddr;
use std::process::Output;

use serde_json::Value;

use common::daemon::{Program, run};
use common::exposition::Exposition;
use common::llama::LlamaServer;

use crate::common;

/// Every answer has this many tokens: the model may not stop by itself.
const TOKENS: u64 = 12;
/// Each with the path of its base URL.
const APIS: [(&str, &str, &str); 10] = [
    ("chat", "/v1", "api: openai-chat"),
    ("chat-whole", "/v1", "api: openai-chat, stream: false"),
    ("completions", "/v1", "api: openai-completions"),
    ("completions-whole", "/v1", "api: openai-completions, stream: false"),
    ("messages", "", "api: anthropic-messages"),
    ("messages-whole", "", "api: anthropic-messages, stream: false"),
    ("responses", "/v1", "api: openai-responses"),
    ("responses-whole", "/v1", "api: openai-responses, stream: false"),
    ("completion", "", "api: llamacpp-completion"),
    ("completion-whole", "", "api: llamacpp-completion, stream: false"),
];

/// About 300 tokens to read, so that a cached prefix shows.
fn story() -> String {
    let sentence = "The pilot reads the log before the ship goes out, as the tide is low. ";
    sentence.repeat(18)
}

struct Folder(tempfile::TempDir);

impl Folder {
    /// The model is left out everywhere: the server says which one it has.
    fn new(server: SocketAddr) -> Self {
        let story = story();
        let mix = format!(
            "defaults: {{interval: 300ms, arrival: constant, max_in_flight: 1}}\n\
             workloads:\n  \
               short: {{prompts: {{inline: [Tell a story.]}}, max_output_tokens: {TOKENS}}}\n  \
               endless: {{prompts: {{inline: [Tell a story.]}}, max_output_tokens: 900}}\n  \
               unique: {{prompts: {{inline: ['{story}']}}, max_output_tokens: 4}}\n  \
               shared: {{prompts: {{inline: ['{story}']}}, max_output_tokens: 4, prefix: shared}}\n  \
               too_long: {{prompts: {{inline: ['{}']}}}}\n",
            story.repeat(5)
        );
        let common = |base: &str| {
            format!("url: 'http://{server}{base}', extra_body: {{ignore_eos: true, seed: 1}}")
        };
        let target = |(name, base, settings)| {
            let common = common(base);
            format!("  - {{name: {name}, {settings}, server_metrics: /metrics, {common}}}\n")
        };
        let targets: String = APIS.map(target).concat();
        // The daemon has one target with two workloads.
        let probed = format!(
            "[{{name: llama, {}, server_metrics: /metrics, workloads: [unique, shared]}}]\n",
            common("/v1")
        );
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, targets: &str| {
            let yaml = format!("{mix}targets:{targets}");
            std::fs::write(folder.path().join(name), yaml).unwrap();
        };
        write("probe.yml", &format!("\n{targets}"));
        write("daemon.yml", &format!(" {probed}"));
        Self(folder)
    }

    fn flag(&self, name: &str) -> String {
        format!("--config.file={}", self.0.path().join(name).display())
    }

    async fn probe(&self, target: &str, workload: &str, more: &[&str]) -> Output {
        let [target, workload] = [format!("--target={target}"), format!("--workload={workload}")];
        let mut arguments = vec!["probe".to_owned(), self.flag("probe.yml"), target, workload];
        arguments.extend(more.iter().map(|&a| a.to_owned()));
        tokio::task::spawn_blocking(|| run(arguments)).await.unwrap()
    }
}

fn object(output: &Output) -> Value {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn number(object: &Value, key: &str) -> f64 {
    object[key].as_f64().unwrap_or_else(|| panic!("no {key}: {object}"))
}

/// The server's own count of all tokens it ever predicted.
async fn predicted(server: &LlamaServer) -> f64 {
    let metrics = server.text("/metrics").await;
    Exposition::parse(&metrics).sum("llamacpp:tokens_predicted_total", &[])
}

#[tokio::test]
async fn every_api_is_measured_as_the_server_counts() {
    let Some(server) = LlamaServer::start().await else { return };
    let folder = Folder::new(server.address());
    for (target, ..) in APIS {
        let before = predicted(&server).await;
        let output = folder.probe(target, "short", &["--output=json"]).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let probe = object(&output);
        assert_eq!(probe["output_tokens"].as_u64(), Some(TOKENS), "{probe}");
        assert_eq!(probe["output_tokens_source"], "usage", "{probe}");
        // Its responses say that they are complete, also where the limit ended them.
        let finish = if target.starts_with("responses") { "stop" } else { "length" };
        assert_eq!(probe["finish"], finish, "{probe}");
        let counted = predicted(&server).await - before;
        assert_eq!(counted, number(&probe, "output_tokens"), "{probe}");
        let streamed = !target.ends_with("whole");
        assert_eq!(probe["ttft"].is_number(), streamed, "{probe}");
        if streamed {
            assert!(number(&probe, "ttft") < number(&probe, "request_latency"), "{probe}");
            assert!(number(&probe, "itl") > 0.0, "{probe}");
            // A token may hold half a character and wait for the next one.
            let events = probe["content_at"].as_array().unwrap().len() as u64;
            assert!((TOKENS / 2..=TOKENS).contains(&events), "{probe}");
        }
    }
    too_long(&folder).await;
}

/// A model that writes text makes vectors and orders that are of no use, and as many as it shall.
#[tokio::test]
async fn vectors_and_orders_are_counted() {
    let embeddings = ["--embeddings", "--pooling", "mean"];
    if let Some(server) = LlamaServer::with(1, &embeddings).await {
        let probe = asked(&server, "/v1", "openai-embeddings").await;
        assert_eq!((&probe["results"], &probe["dimension"]), (&1.into(), &576.into()), "{probe}");
        assert!(number(&probe, "input_tokens") > 3.0, "{probe}");
    }
    for (api, base) in [("jina-rerank", "/v1"), ("tei-rerank", "")] {
        let Some(server) = LlamaServer::with(1, &["--reranking"]).await else { return };
        let probe = asked(&server, base, api).await;
        assert_eq!(probe["results"], 2, "{probe}");
    }
}

/// One probe of a server in an API whose answers are no text.
async fn asked(server: &LlamaServer, base: &str, api: &str) -> Value {
    let yaml = format!(
        "workloads: {{short: {{prompts: {{inline: [Tell a story.]}}}}}}\n\
         targets: [{{name: t, url: 'http://{}{base}', model: m, api: {api}}}]\n",
        server.address()
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("probe.yml"), yaml).unwrap();
    let output = Folder(folder).probe("t", "short", &["--output=json"]).await;
    assert_eq!(output.status.code(), Some(0), "{api}: {output:?}");
    let probe = object(&output);
    assert!(number(&probe, "request_latency") > 0.0, "{probe}");
    for absent in ["ttft", "itl", "output_tokens"] {
        assert!(probe[absent].is_null(), "{absent}: {probe}");
    }
    probe
}

/// More than a slot can hold.
async fn too_long(folder: &Folder) {
    let output = folder.probe("chat", "too_long", &["--output=json"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let probe = object(&output);
    let found = (&probe["outcome"], &probe["http_status"]);
    assert_eq!(found, (&"http_status".into(), &400.into()), "{probe}");
}

#[tokio::test]
async fn the_server_s_own_times_and_its_cache_are_on_the_metrics() {
    let Some(server) = LlamaServer::start().await else { return };
    let folder = Folder::new(server.address());
    let daemon = Program::daemon([folder.flag("daemon.yml")]).await;
    let of =
        |m: &Exposition, name: &str, labels: &[&str]| m.sum(&format!("llm_prober_{name}"), labels);
    let (unique, shared) = (["workload=\"unique\""], ["workload=\"shared\""]);
    let seen = daemon
        .until("probes of both kinds", |m| {
            let many = |labels| {
                of(m, "probe_success", labels) == 1.0 && of(m, "probes_total", labels) >= 4.0
            };
            // As the last probe ended, both had counted the same prompts.
            let hits = of(m, "server_prefix_cache_hits_total", &[]);
            let queries = of(m, "server_prefix_cache_queries_total", &[]);
            let agree = hits > 0.0
                && hits == of(m, "cached_input_tokens_total", &[])
                && queries == of(m, "input_tokens_total", &[]);
            many(&unique) && many(&shared) && agree
        })
        .await;
    assert_eq!(of(&seen, "probe_failures_total", &[]), 0.0, "{seen}");
    for stage in ["stage=\"prefill\"", "stage=\"decode\""] {
        let count = of(&seen, "server_stage_duration_seconds_count", &[stage]);
        assert_eq!(count, of(&seen, "probes_total", &[]), "{stage}: {seen}");
    }
    // What the client waits for the first token holds the server's prefill.
    let ttft = of(&seen, "time_to_first_token_seconds_sum", &[]);
    let prefill = of(&seen, "server_stage_duration_seconds_sum", &["stage=\"prefill\""]);
    assert!(prefill > 0.0 && ttft >= 0.9 * prefill, "{ttft} against {prefill}: {seen}");
    load_and_parts(&seen);
    // A nonce leaves only the chat template's preamble to the cache.
    let cached = |labels: &[&str]| {
        of(&seen, "cached_input_tokens_total", labels) / of(&seen, "input_tokens_total", labels)
    };
    assert!(cached(&unique) < 0.2, "{}: {seen}", cached(&unique));
    assert!(cached(&shared) > 0.5, "{}: {seen}", cached(&shared));
}

/// What the server says on its own page, and in its answers, about each probe.
fn load_and_parts(seen: &Exposition) {
    let of = |name: &str, labels: &[&str]| seen.sum(&format!("llm_prober_{name}"), labels);
    let probes = of("probes_total", &[]);
    assert_eq!(of("server_metrics_up", &[]), 1.0, "{seen}");
    assert_eq!(of("server_info", &["engine=\"llama_cpp\""]), 1.0, "{seen}");
    // Nobody else is there, and one probe is sent at a time. On a busy machine the page may come
    // too late for some.
    for state in ["waiting", "running"] {
        let looks = of(&format!("server_requests_{state}_at_send_count"), &[]);
        assert!((1.0..=probes).contains(&looks), "{state}: {seen}");
        assert_eq!(of(&format!("server_requests_{state}_at_send_sum"), &[]), 0.0, "{seen}");
        let idle = of("time_to_first_token_by_in_flight_seconds_count", &["in_flight=\"0\""]);
        assert_eq!(idle, looks, "{seen}");
    }
    // It does not say how long a request waited.
    let part = |name: &str, end: &str| {
        let part = format!("part=\"{name}\"");
        of(&format!("time_to_first_token_part_seconds_{end}"), &[&part])
    };
    assert_eq!(part("prefill", "count"), part("network_and_queue", "count"), "{seen}");
    assert!(part("prefill", "count") >= 0.9 * probes, "{seen}");
    assert_eq!((part("queue", "count"), part("network", "count")), (0.0, 0.0), "{seen}");
    assert!(part("prefill", "sum") <= of("time_to_first_token_seconds_sum", &[]), "{seen}");
}

#[tokio::test]
async fn a_server_that_dies_in_mid_answer_is_a_truncated_answer() {
    let Some(server) = LlamaServer::start().await else { return };
    let folder = Folder::new(server.address());
    let arguments = ["--target=chat", "--workload=endless", "--output=json"];
    let start = ["probe".to_owned(), folder.flag("probe.yml")];
    let all = start.into_iter().chain(arguments.map(str::to_owned));
    let mut probe = Program::start(all, &[]);
    server.answering().await;
    drop(server);
    assert_eq!(probe.ended().await.code(), Some(1), "{}", probe.stderr());
    let line = probe.find(|p| p.stdout().strip_suffix('\n').map(str::to_owned)).await;
    let probe: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(probe["outcome"], "truncated", "{probe}");
    assert_eq!(probe["http_status"], 200, "{probe}");
    assert!(number(&probe, "ttft") > 0.0 && probe["request_latency"].is_null(), "{probe}");
}
