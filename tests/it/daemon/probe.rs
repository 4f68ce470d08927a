//! `llm-prober probe`: output and exit codes.

use std::net::SocketAddr;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use expect_test::expect;
use serde_json::Value;
use tokio::sync::Barrier;

use crate::common::daemon::run;
use crate::daemon::{Folder, simulator, simulator_with};

/// The documented keys of an object. Taking one away breaks its readers.
const KEYS: [&str; 25] = [
    "coalesced_events",
    "content_at",
    "explanation",
    "finish",
    "http_status",
    "input_tokens",
    "itl",
    "itl_source",
    "longest_gap",
    "outcome",
    "output_tokens",
    "output_tokens_source",
    "phases",
    "probe_id",
    "request_latency",
    "slos",
    "started_unix_nanos",
    "target",
    "timestamp_source",
    "ttfb",
    "ttfo",
    "ttft",
    "ttft_with_connect",
    "ttst",
    "workload",
];
const PHASES: [&str; 8] =
    ["connect", "decode", "first_token", "processing", "resolve", "send", "tail", "tls"];

fn config(server: SocketAddr) -> String {
    format!(
        "seed: 3\n\
         workloads:\n  \
           short: {{prompts: {{inline: [hello]}}, max_output_tokens: 5}}\n  \
           long: {{prompts: {{inline: [hello there]}}, max_output_tokens: 9}}\n\
         slos: {{fast: {{objective: 0.99, ttft: 1m}}, hopeless: {{objective: 0.99, ttft: 1ms}}}}\n\
         targets:\n  \
         - {{name: good, url: 'http://{server}/v1', model: simulated}}\n  \
         - {{name: whole, url: 'http://{server}/v1', model: simulated, stream: false}}\n  \
         - {{name: missing, url: 'http://{server}/v2', model: simulated}}\n"
    )
}

/// Beside the runtime's threads, on which the server is.
async fn probe(folder: &Folder, arguments: &'static [&'static str]) -> Output {
    let config = folder.flag();
    let probe = move || run([["probe", &config].as_slice(), arguments].concat());
    tokio::task::spawn_blocking(probe).await.unwrap()
}

fn objects(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn json_is_the_documented_interface() {
    let folder = Folder::with(&config(simulator().await));
    let output =
        probe(&folder, &["--target=good", "--workload=short", "--output=json", "--count=2"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let [first, second] = &objects(&output)[..] else { panic!("{output:?}") };
    assert_eq!(keys(first), KEYS);
    assert_eq!(keys(&first["phases"]), PHASES);
    let text = |key: &str| first[key].as_str().unwrap();
    let number = |key: &str| first[key].as_f64().unwrap();
    assert_eq!((text("outcome"), text("target"), text("workload")), ("success", "good", "short"));
    assert_eq!(
        (first["http_status"].as_u64(), first["output_tokens"].as_u64()),
        (Some(200), Some(5))
    );
    assert_eq!((text("finish"), text("output_tokens_source")), ("length", "usage"));
    if cfg!(target_os = "linux") {
        assert_eq!(text("timestamp_source"), "kernel");
    }
    let content_at: Vec<_> =
        first["content_at"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    assert_eq!(content_at.len(), 5, "{first}");
    assert!(content_at.is_sorted(), "{first}");
    assert!(number("ttfb") <= number("ttft"), "{first}");
    assert!(number("ttft") <= number("request_latency"), "{first}");
    // From the beginning of the probe on; before that the connection was made.
    let with_connect = number("ttft_with_connect");
    assert!((with_connect - content_at[0]).abs() < 1e-6, "{first}");
    assert!(with_connect > number("ttft"), "{first}");
    assert_eq!(first["slos"], serde_json::json!({"fast": true, "hopeless": false}));
    // The second probe has the connection of the first, so it has no connection phase.
    let absent =
        [&second["ttft_with_connect"], &second["phases"]["connect"], &first["phases"]["tls"]];
    assert!(absent.iter().all(|v| v.is_null()), "{first}\n{second}");
    assert_ne!(first["probe_id"], second["probe_id"]);
}

#[tokio::test]
async fn absent_figures_are_null() {
    let folder = Folder::with(&config(simulator().await));
    let output = probe(&folder, &["--target=whole", "--output=json"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let whole = &objects(&output)[0];
    assert_eq!(keys(whole), KEYS);
    for key in ["ttft", "ttfo", "ttst", "itl", "longest_gap", "ttft_with_connect"] {
        assert!(whole[key].is_null(), "{key} of {whole}");
    }
    assert!(whole["request_latency"].as_f64().unwrap() > 0.0, "{whole}");

    let output = probe(&folder, &["--target=missing", "--output=json"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let failed = &objects(&output)[0];
    assert_eq!(keys(failed), KEYS);
    assert_eq!((&failed["outcome"], &failed["http_status"]), (&"http_status".into(), &404.into()));
    for key in ["ttft", "request_latency", "output_tokens", "output_tokens_source", "finish"] {
        assert!(failed[key].is_null(), "{key} of {failed}");
    }
    assert_eq!(failed["slos"], serde_json::json!({"fast": false, "hopeless": false}));
}

/// Numbers, ids and the lengths of bars masked.
fn masked(text: &str) -> String {
    let rules = [
        (r"probe [0-9a-f]{32}", "probe <id>"),
        (r"[0-9]+\.[0-9]{3} ms", "<n> ms"),
        (r"127\.0\.0\.1:[0-9]+", "<address>"),
        (r" *█+ *", " █ "),
        (r" *·[· ]*", " ·"),
        (r" {2,}(<n>|[0-9–])", "  $1"),
    ];
    rules.iter().fold(text.to_owned(), |text, (rule, to)| {
        regex::Regex::new(rule).unwrap().replace_all(&text, *to).into_owned()
    })
}

#[tokio::test]
async fn text_is_a_waterfall_with_figures() {
    // Long enough for no two tokens to arrive together on a busy machine.
    let server = simulator_with(Duration::from_millis(200)).await;
    let folder = Folder::with(&config(server));
    let output = probe(&folder, &["--target=good", "--workload=short"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    expect![[r#"
        good / short  probe <id>
          resolve █ <n> ms
          connect █ <n> ms
          send █ <n> ms
          processing █ <n> ms
          first_token █ <n> ms
          decode █ <n> ms
          tail █ <n> ms
          tokens ·
          success (status 200)
          slo fast: good
          slo hopeless: MISSED: ttft
          time to first byte  <n> ms
          time to first token  <n> ms
            with connect  <n> ms
          time to first output token  <n> ms
          time to second token  <n> ms
          inter-token latency  <n> ms
          longest gap  <n> ms
          request latency  <n> ms
          input tokens  5
          output tokens  5 usage

    "#]]
    .assert_eq(&masked(std::str::from_utf8(&output.stdout).unwrap()));

    let output = probe(&folder, &["--target=missing", "--workload=short"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    expect![[r#"
        missing / short  probe <id>
          resolve █ <n> ms
          connect █ <n> ms
          send █ <n> ms
          processing █ <n> ms
          FAILED: http_status (status 404): {"error":{"code":404,"message":"unknown path, did you mean /v1/chat/completions?","param":null,"type":"NotFoundError"}}
          POST http://<address>/v2/chat/completions: The server refused the request with status 404.
          slo fast: MISSED: the probe failed
          slo hopeless: MISSED: the probe failed
          time to first byte  <n> ms
          time to first token  –
            with connect  –
          time to first output token  –
          time to second token  –
          inter-token latency  –
          longest gap  –
          request latency  –
          input tokens  –
          output tokens  –

    "#]].assert_eq(&masked(std::str::from_utf8(&output.stdout).unwrap()));
}

#[tokio::test]
async fn one_failure_of_many_decides_the_exit_code() {
    let (server, _) = in_pairs(3).await;
    let folder = Folder::with(&config(server));
    let output =
        probe(&folder, &["--target=good", "--output=json", "--count=4", "--concurrency=2"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let mut outcomes: Vec<_> =
        objects(&output).iter().map(|o| o["outcome"].as_str().unwrap().to_owned()).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["http_status", "success", "success", "success"]);
}

#[tokio::test]
async fn as_many_as_asked_for_are_under_way_and_no_more() {
    let (server, seen) = in_pairs(100).await;
    let folder = Folder::with(&config(server));
    let output =
        probe(&folder, &["--target=good", "--output=json", "--count=6", "--concurrency=2"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let seen = seen.lock().unwrap();
    assert_eq!(seen.most, 2);
    let mut printed: Vec<_> =
        objects(&output).iter().map(|o| o["probe_id"].as_str().unwrap().to_owned()).collect();
    let mut sent = seen.ids.clone();
    printed.sort_unstable();
    sent.sort_unstable();
    // The server's log and a trace find the probe by the same string.
    assert_eq!(printed, sent);
}

#[derive(Default)]
struct Seen {
    now: usize,
    most: usize,
    ids: Vec<String>,
}

#[derive(Clone)]
struct Pairs {
    barrier: Arc<Barrier>,
    seen: Arc<Mutex<Seen>>,
    refused: usize,
}

/// A server that answers only when two requests are there, and refuses the `refused`th.
async fn in_pairs(refused: usize) -> (SocketAddr, Arc<Mutex<Seen>>) {
    let seen = Arc::<Mutex<Seen>>::default();
    let pairs = Pairs { barrier: Arc::new(Barrier::new(2)), seen: Arc::clone(&seen), refused };
    let app = Router::new().route("/v1/chat/completions", post(answer)).with_state(pairs);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, seen)
}

async fn answer(
    State(pairs): State<Pairs>,
    headers: HeaderMap,
) -> Result<String, http::StatusCode> {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let id = header("x-request-id");
    assert!(header("traceparent").starts_with(&format!("00-{id}-")));
    let number = {
        let mut seen = pairs.seen.lock().unwrap();
        seen.now += 1;
        seen.most = seen.most.max(seen.now);
        seen.ids.push(id);
        seen.ids.len()
    };
    pairs.barrier.wait().await;
    pairs.seen.lock().unwrap().now -= 1;
    if number == pairs.refused {
        return Err(http::StatusCode::BAD_GATEWAY);
    }
    Ok("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: [DONE]\n\n".to_owned())
}

#[tokio::test]
async fn unknown_names_list_the_known_ones() {
    let folder = Folder::with(&config("127.0.0.1:1".parse().unwrap()));
    let unknown: [(&[&str], _); 2] = [
        (&["--target=god"], "no target `god`, expected one of: good, whole, missing\n"),
        (
            &["--target=good", "--workload=shirt"],
            "no workload `shirt`, expected one of: short, long\n",
        ),
    ];
    for (arguments, message) in unknown {
        let output = probe(&folder, arguments).await;
        assert_eq!(output.status.code(), Some(64), "{output:?}");
        assert_eq!(std::str::from_utf8(&output.stderr).unwrap(), message);
        assert!(output.stdout.is_empty(), "{output:?}");
    }
}
