//! Metrics pages of inference servers: what real servers sent, and pages of other releases put
//! together from their documentation.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use crate::common;

use std::fmt::Write;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::scripted::{Seen, Step, always, pipe, send, tcp, whole};
use common::target;
use common::tls::TlsServer;
use llm_prober::server_metrics::{Around, Observer, Page, Problem, Sample, Selector, Totals};
use llm_prober::target::Target;
use llm_prober::transport::PipeDialer;
use tokio_util::sync::CancellationToken;

/// Looks around a probe that takes no time.
async fn around(target: &Arc<Target>, pipe: Option<PipeDialer>, model: &str) -> Around {
    let observer = Observer::new(target, pipe).unwrap();
    observer.around(model, std::future::ready(()), &CancellationToken::new()).await.1
}

fn with(settings: &str) -> Arc<Target> {
    target(&format!(
        "targets: [{{name: t, url: 'http://llm.test/v1', server_metrics: {settings}}}]"
    ))
}

async fn read(page: Vec<u8>, model: &str, settings: &str) -> Result<Sample, Problem> {
    let script = always([Step::Request, send(page)]);
    around(&with(settings), Some(pipe(script).0), model).await.newest.unwrap().result
}

fn pages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server_metrics");
    let mut pages: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| !page.to_string_lossy().contains("expected"));
    pages.sort();
    pages
}

/// The response: captures are whole ones, the others bodies.
fn response(page: &Path) -> Vec<u8> {
    let bytes = std::fs::read(page).unwrap();
    if page.extension().is_some_and(|e| e == "raw") {
        return bytes;
    }
    let Step::Send(response) = whole("200 OK", "text/plain", std::str::from_utf8(&bytes).unwrap())
    else {
        unreachable!()
    };
    response
}

/// Every figure that is known, and nothing else.
fn shown(sample: &Sample) -> String {
    let mut text = format!("  {}", sample.engine);
    let numbers = [
        ("running", sample.running),
        ("waiting", sample.waiting),
        ("kv_cache_usage", sample.kv_cache_usage),
        ("prefix_cache_queries", sample.prefix_cache_queries),
        ("prefix_cache_hits", sample.prefix_cache_hits),
        ("prefix_cache_hit_ratio", sample.prefix_cache_hit_ratio),
        ("preemptions", sample.preemptions),
        ("finished", sample.finished),
        ("generated_tokens", sample.generated_tokens),
    ];
    for (name, number) in numbers {
        if let Some(n) = number {
            write!(text, " {name}={n}").unwrap();
        }
    }
    let histograms = [
        ("queue_time", sample.queue_time),
        ("prefill_time", sample.prefill_time),
        ("request_prompt_tokens", sample.request_prompt_tokens),
    ];
    for (name, histogram) in histograms {
        if let Some(Totals { count, sum }) = histogram {
            write!(text, " {name}={count}/{sum}").unwrap();
        }
    }
    text
}

#[tokio::test(start_paused = true)]
async fn every_page_is_read_into_one_naming() {
    let mut table = String::new();
    for page in pages() {
        let read = read(response(&page), "m", "/metrics").await;
        let line = read.as_ref().map_or_else(|problem| format!("  {problem}"), shown);
        let name = page.file_name().unwrap().to_str().unwrap();
        writeln!(table, "{name}\n{line}").unwrap();
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server_metrics/expected.txt");
    expect_test::expect_file![file].assert_eq(&table);
}

/// A page that breaks off, or was cut in any other way, never panics and never invents a figure.
#[tokio::test]
async fn a_page_cut_anywhere_says_less() {
    let page = std::fs::read_to_string("tests/server_metrics/vllm-0.8-two-engines.txt").unwrap();
    for end in (0..page.len()).filter(|end| page.is_char_boundary(*end)) {
        let read = Page::parse(&page[..end]).unwrap();
        let Ok(sample) = read.sample(&Selector::default()) else {
            continue;
        };
        assert!(sample.waiting.is_none_or(|n| n <= 2.0), "{end}: {sample:?}");
        assert!(sample.kv_cache_usage.is_none_or(|n| n <= 0.875), "{end}: {sample:?}");
    }
}

fn page(series: &str) -> Vec<u8> {
    let Step::Send(response) = whole("200 OK", "text/plain", series) else { unreachable!() };
    response
}

#[tokio::test(start_paused = true)]
async fn the_target_s_model_is_found() {
    let two = "vllm:num_requests_waiting{engine=\"0\",model_name=\"a\"} 1\n\
               vllm:num_requests_waiting{engine=\"1\",model_name=\"a\"} 2\n\
               vllm:num_requests_waiting{engine=\"0\",model_name=\"b\"} 40\n";
    let one = "vllm:num_requests_waiting{engine=\"0\",model_name=\"a\"} 1\n";
    let check = async |body: &str, model: &str, settings: &str, expect: Option<f64>| {
        let read = read(page(body), model, settings).await;
        let expect = expect.ok_or(Problem::Unknown);
        assert_eq!(read.map(|s| s.waiting.unwrap()), expect, "{model} {settings}");
    };
    check(two, "a", "/metrics", Some(3.0)).await;
    check(two, "b", "/metrics", Some(40.0)).await;
    // One of several, but nobody knows which.
    check(two, "lora", "/metrics", None).await;
    check(one, "lora", "/metrics", Some(1.0)).await;
    check(two, "lora", "{url: /metrics, model: a}", Some(3.0)).await;
    check(one, "a", "{url: /metrics, model: b}", None).await;
    check(two, "a", "{url: /metrics, labels: {engine: '1'}}", Some(2.0)).await;
    check(two, "b", "{url: /metrics, labels: {engine: '1'}}", Some(2.0)).await;
    check(two, "a", "{url: /metrics, labels: {pod: x}}", None).await;
}

#[tokio::test(start_paused = true)]
async fn a_page_has_limits() {
    let series = |n: usize| format!("vllm:num_requests_running{{engine=\"{n}\"}} 0\n");
    let many: String = (0..30_000).map(series).collect();
    assert_eq!(read(page(&many), "m", "/metrics").await, Err(Problem::TooManySeries));
    let huge = format!("{}{}", "# much ado\n".repeat(400_000), series(0));
    assert_eq!(read(page(&huge), "m", "/metrics").await, Err(Problem::TooLarge));
    // Far too long a line is left out; the others are read.
    let long =
        format!("vllm:num_requests_waiting{{a=\"{}\"}} 1\n{}", "x".repeat(20_000), series(0));
    let sample = read(page(&long), "m", "/metrics").await.unwrap();
    assert_eq!((sample.waiting, sample.running), (None, Some(0.0)));
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nvllm:num_requests_running 1\n";
    assert_eq!(read(short.into(), "m", "/metrics").await, Err(Problem::Unreachable));
    let moved = "HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(read(moved.into(), "m", "/metrics").await, Err(Problem::Status(302)));
    assert_eq!(read(b"SSH-2.0-x\r\n".into(), "m", "/metrics").await, Err(Problem::Unreachable));
}

fn gzipped(text: &str) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap()
}

fn encoded(encoding: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Nobody asked for it, but there are proxies that compress for everybody.
#[tokio::test(start_paused = true)]
async fn a_compressed_page_is_read() {
    let check = async |encoding: &str, body: &[u8], expect: Result<f64, Problem>| {
        let read = read(encoded(encoding, body), "m", "/metrics").await;
        assert_eq!(read.map(|s| s.running.unwrap()), expect, "{encoding}");
    };
    let page = gzipped(BUSY);
    check("gzip", &page, Ok(3.0)).await;
    check("X-GZIP", &page, Ok(3.0)).await;
    check("identity", BUSY.as_bytes(), Ok(3.0)).await;
    check("br", &page, Err(Problem::Encoding)).await;
    check("gzip", BUSY.as_bytes(), Err(Problem::Encoding)).await;
    check("gzip", &page[..page.len() / 2], Err(Problem::Encoding)).await;
    // Small, but not when it is unpacked.
    let bomb = gzipped(&format!("{BUSY}{}", "#\n".repeat(16 << 20)));
    assert!(bomb.len() < 100_000);
    check("gzip", &bomb, Err(Problem::TooLarge)).await;
}

/// vLLM and others have at times sent `/metrics` on to `/metrics/`.
#[tokio::test]
async fn a_page_that_moved_is_followed_on_its_own_server_only() {
    let moved = |to: &str| {
        send(format!("HTTP/1.1 307 Moved\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"))
    };
    let answer = whole("200 OK", "text/plain", BUSY);
    let steps = [Step::Request, moved("/metrics/"), Step::Request, answer.clone(), Step::Hold];
    let (address, seen) = tcp(always(steps)).await;
    let near = around(&with(&format!("'http://{address}/metrics'")), None, "m").await;
    assert_eq!(near.before.unwrap().running, Some(3.0));
    assert!(seen.requests()[1].starts_with("GET /metrics/ HTTP/1.1\r\n"), "{:?}", seen.requests());

    let (elsewhere, other) = tcp(always([Step::Request, answer, Step::Hold])).await;
    let steps = [Step::Request, moved(&format!("http://{elsewhere}/metrics")), Step::Hold];
    let (address, _) = tcp(always(steps)).await;
    let far = around(&with(&format!("'http://{address}/metrics'")), None, "m").await;
    assert_eq!(far.newest.unwrap().result, Err(Problem::Status(307)));
    assert_eq!(other.connections(), 0);

    let circle = std::iter::repeat_n([Step::Request, moved("/metrics")], 9).flatten();
    let (address, seen) = tcp(always(circle.collect::<Vec<_>>())).await;
    let round = around(&with(&format!("'http://{address}/metrics'")), None, "m").await;
    assert_eq!(round.newest.unwrap().result, Err(Problem::Status(307)));
    assert!(seen.requests().len() < 9, "{:?}", seen.requests());
}

const BUSY: &str = "vllm:num_requests_running{model_name=\"m\"} 3\n";

/// Answers as many looks as there are, on one connection.
async fn server() -> (std::net::SocketAddr, Seen) {
    let answer = whole("200 OK", "text/plain", BUSY);
    tcp(always([Step::Request, answer.clone(), Step::Request, answer, Step::Hold])).await
}

#[tokio::test]
async fn over_the_network_one_connection_is_kept() {
    let (address, seen) = server().await;
    let settings = format!("'http://{address}/metrics'");
    let around = around(&with(&settings), None, "m").await;
    let running = [around.before, around.after].map(|s| s.unwrap().running);
    assert_eq!(running, [Some(3.0), Some(3.0)]);
    assert_eq!(seen.connections(), 1);
    assert!(seen.requests()[0].starts_with("GET /metrics HTTP/1.1\r\n"), "{:?}", seen.requests());
}

#[tokio::test]
async fn credentials_go_to_their_own_server_only() {
    let folder = tempfile::tempdir().unwrap();
    let secret = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        format!("auth: {{bearer_token_file: '{}'}}", file.display())
    };
    let (own, other) = (secret("own", "hush"), secret("other", "metrics-hush"));
    let sent = async |url: &str, page: &str, seen: &Seen| {
        let target = target(&format!(
            "targets: [{{name: t, url: '{url}', {own}, headers: {{x-team: probe}}, \
             server_metrics: {page}}}]"
        ));
        let around = around(&target, None, "m").await;
        assert!(around.before.is_some(), "{:?}", around.newest);
        seen.requests()[0].to_lowercase()
    };
    let (address, seen) = server().await;
    let request = sent(&format!("http://{address}/v1"), "/metrics", &seen).await;
    assert!(request.contains("\r\nauthorization: bearer hush\r\n"), "{request}");
    assert!(request.contains("\r\nx-team: probe\r\n"), "{request}");

    let (address, seen) = server().await;
    let page = format!("'http://{address}/metrics'");
    let request = sent("http://gateway.test/v1", &page, &seen).await;
    assert!(!request.contains("hush") && !request.contains("x-team"), "{request}");

    let (address, seen) = server().await;
    let page = format!("{{url: 'http://{address}/metrics', {other}}}");
    let request = sent("http://gateway.test/v1", &page, &seen).await;
    assert!(request.contains("\r\nauthorization: bearer metrics-hush\r\n"), "{request}");
}

#[tokio::test]
async fn the_certificate_is_checked_by_the_target_s_settings() {
    let answer = whole("200 OK", "text/plain", BUSY);
    let steps = vec![Step::Request, answer.clone(), Step::Request, answer, Step::Hold];
    let server = TlsServer::start("llm.internal", steps).await;
    let look = async |tls: &str| {
        let target = target(&format!(
            "targets: [{{name: t, url: 'https://{}/v1', tls: {{{tls}}}, \
             server_metrics: {{url: /metrics, timeout: 5s}}}}]",
            server.address
        ));
        around(&target, None, "m").await.newest.unwrap().result.map(|s| s.running)
    };
    let ca = format!("ca_file: '{}'", server.ca_file.display());
    assert_eq!(look(&format!("{ca}, server_name: llm.internal")).await, Ok(Some(3.0)));
    assert_eq!(look("insecure_skip_verify: true").await, Ok(Some(3.0)));
    assert_eq!(look(&ca).await, Err(Problem::Unreachable), "the certificate is for a name");
    let hellos = server.hellos.lock().unwrap();
    assert_eq!(hellos[0].server_name.as_deref(), Some("llm.internal"));
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let around = around(&with(&format!("'http://{port}/metrics'")), None, "m").await;
    assert_eq!(around.newest.unwrap().result, Err(Problem::Unreachable));
    assert!(around.before.is_none() && around.after.is_none());
}

/// A secret that cannot be read is a problem of the page, not of the probe.
#[tokio::test]
async fn a_secret_that_is_gone_is_the_settings_problem() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "hush").unwrap();
    let target =
        with(&format!("{{url: /metrics, auth: {{bearer_token_file: '{}'}}}}", file.display()));
    std::fs::remove_file(&file).unwrap();
    let result = around(&target, None, "m").await.newest.unwrap().result;
    assert_eq!(result, Err(Problem::Settings));
}
