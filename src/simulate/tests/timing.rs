//! When what leaves.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

use super::*;

#[tokio::test(start_paused = true)]
async fn every_token_comes_at_its_exact_time() {
    let mut client = Client::new(exact()).await;
    let answer = client.chat(&chat()).await;
    assert_eq!(answer.head_at, 0, "the head does not wait for the first token");
    let expect = [
        "200 role assistant",
        "200 token",
        "210 token",
        "220 token",
        "230 token",
        "240 token",
        "240 nothing stop",
        "240 usage 4+5",
        "240 done",
    ];
    check_events(&answer, &expect);
    assert!(answer.clean);
    assert_eq!(answer.frames.len(), expect.len(), "an HTTP chunk per event");
}

#[tokio::test(start_paused = true)]
async fn an_answer_cut_by_its_limit_says_so_with_its_last_token() {
    let mut client = Client::new(exact()).await;
    let mut body = chat();
    body["max_tokens"] = json!(2);
    body["stream_options"] = Value::Null;
    let expect = ["200 role assistant", "200 token", "210 token length", "210 done"];
    check_events(&client.chat(&body).await, &expect);
}

#[tokio::test(start_paused = true)]
async fn completions_have_no_role() {
    let mut client = Client::new(exact()).await;
    let answer =
        client.completion(&json!({"prompt": "one two", "stream": true, "max_tokens": 2})).await;
    check_events(&answer, &["200 token", "210 token length", "210 done"]);
}

#[tokio::test(start_paused = true)]
async fn a_whole_body_comes_with_its_last_token() {
    let mut client = Client::new(exact()).await;
    let answer = client.chat(&whole()).await;
    assert_eq!(answer.head_at, 240);
    let json = answer.json();
    assert_eq!(json["choices"][0]["finish_reason"], "stop");
    let text = json["choices"][0]["message"]["content"].as_str().expect("text");
    assert_eq!(text.split(' ').count(), 5);
    assert_eq!(json["usage"]["completion_tokens"], 5);
}

/// The server's end of a pipe, which notes how many events each write carries.
struct Noting {
    pipe: DuplexStream,
    writes: Arc<Mutex<Vec<usize>>>,
}

impl AsyncRead for Noting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Noting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let events = String::from_utf8_lossy(data).matches("data: ").count();
        self.writes.lock().push(events);
        Pin::new(&mut self.pipe).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_one_instant_are_writes_of_their_own() {
    let simulator = Simulator::new(exact());
    let (mut ours, pipe) = tokio::io::duplex(64 * 1024);
    let writes = Arc::new(Mutex::new(Vec::new()));
    let theirs = Noting { pipe, writes: Arc::clone(&writes) };
    let body = chat().to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: s\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    ours.write_all(request.as_bytes()).await.expect("written");
    simulator.serve_connection(theirs).await;
    // The head, nine events, and perhaps the end of the body apart from the last one.
    let writes = writes.lock();
    assert_eq!(writes[..10], [0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn the_prompt_takes_time_and_a_known_beginning_does_not() {
    let config =
        SimulatorConfig { prefill_rate: Some(100.0), prefix_cache: true, ttft: 50 * MS, ..exact() };
    let mut client = Client::new(config).await;
    // 40 words of one token each; 4 characters and a space make 3 whole blocks of 64 bytes.
    let body = json!({"prompt": "word ".repeat(40), "stream": true, "max_tokens": 1,
        "stream_options": {"include_usage": true}});
    let first = client.completion(&body).await;
    assert_eq!(first.content_at(), [450]);
    let second = client.completion(&body).await;
    // 16 tokens per known block and the last token always computed: 1 of 40 is left.
    assert_eq!(second.content_at(), [450 + 50 + 10]);
    assert!(second.text().contains(r#""cached_tokens":39"#), "{}", second.text());
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_bytes_at_the_same_times() {
    let run = async |seed: u64| {
        let config = SimulatorConfig {
            jitter: 0.3,
            seed,
            faults: vec![Chance { fault: Fault::Truncate { after_tokens: 3 }, probability: 0.3 }],
            ..exact()
        };
        let mut client = Client::new(config).await;
        let mut answers = Vec::new();
        for _ in 0..10 {
            answers.push(client.chat(&chat()).await);
        }
        answers
    };
    let (one, again, other) = (run(1).await, run(1).await, run(2).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    assert!(one.iter().any(|a| a.text().contains("[DONE]")));
    assert!(one.iter().any(|a| !a.text().contains("[DONE]")));
}

#[tokio::test(start_paused = true)]
async fn a_phase_changes_the_pace_at_its_exact_instant() {
    let phase = Phase {
        after: 1225 * MS,
        lasts: Some(100 * MS),
        repeat_every: Some(Duration::from_secs(10)),
        ttft_factor: 2.0,
        itl_factor: 3.0,
        ..Phase::default()
    };
    let mut client = Client::new(SimulatorConfig { script: vec![phase], ..exact() }).await;
    tokio::time::sleep(1000 * MS).await;
    // The gap after the token at 1220 still has the old length, the one after 1230 does not.
    assert_eq!(client.chat(&chat()).await.content_at(), [1200, 1210, 1220, 1230, 1260]);
    // Prefill begins inside the phase, decoding after it.
    assert_eq!(client.chat(&chat()).await.content_at()[..2], [1660, 1670]);
    tokio::time::sleep_until(client.start + Duration::from_millis(11_224)).await;
    assert_eq!(client.chat(&chat()).await.content_at()[..2], [11_424, 11_434]);
    tokio::time::sleep_until(client.start + Duration::from_millis(21_225)).await;
    assert_eq!(client.chat(&chat()).await.content_at()[..2], [21_625, 21_635]);
}

#[tokio::test(start_paused = true)]
async fn a_whole_body_feels_a_phase_as_a_stream_does() {
    let phase = Phase { after: 225 * MS, itl_factor: 3.0, ..Phase::default() };
    let mut client = Client::new(SimulatorConfig { script: vec![phase], ..exact() }).await;
    // Tokens at 200, 210, 220, 230, 260.
    assert_eq!(client.chat(&whole()).await.head_at, 260);
}
