//! The whole simulator over an in-memory pipe, with a paused clock: times are exact.

mod dialects;
mod endpoints;
mod faults;
mod metrics;
mod queueing;
mod results;
mod serving;
mod timing;
mod transcription;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;

const MS: Duration = Duration::from_millis(1);

/// 200 ms to the first token, 10 ms between tokens, 5 tokens.
fn exact() -> SimulatorConfig {
    SimulatorConfig { ttft: 200 * MS, itl: 10 * MS, answer_tokens: 5, ..SimulatorConfig::default() }
}

fn with_fault(fault: Fault) -> SimulatorConfig {
    SimulatorConfig { faults: vec![Chance::always(fault)], ..exact() }
}

fn chat() -> Value {
    json!({
        "messages": [{"role": "user", "content": "one two three"}],
        "stream": true,
        "stream_options": {"include_usage": true},
    })
}

fn whole() -> Value {
    json!({"messages": [{"role": "user", "content": "one two three"}]})
}

/// One keep-alive connection to a simulator.
struct Client {
    sender: SendRequest<Full<Bytes>>,
    start: Instant,
}

/// What came back, with milliseconds since the client was made.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    head_at: u128,
    frames: Vec<(u128, String)>,
    /// The same as they came.
    bytes: Vec<Bytes>,
    /// Whether the body ended as HTTP says.
    clean: bool,
}

impl Client {
    async fn new(config: SimulatorConfig) -> Self {
        Self::of(&Simulator::new(config)).await
    }

    async fn of(simulator: &Simulator) -> Self {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let simulator = simulator.clone();
        tokio::spawn(async move { simulator.serve_connection(theirs).await });
        let (sender, connection) = handshake(TokioIo::new(ours)).await.expect("a handshake");
        tokio::spawn(connection);
        Self { sender, start: Instant::now() }
    }

    async fn chat(&mut self, body: &Value) -> Answer {
        self.post("/v1/chat/completions", &body.to_string()).await
    }

    async fn completion(&mut self, body: &Value) -> Answer {
        self.post("/v1/completions", &body.to_string()).await
    }

    async fn post(&mut self, path: &str, body: &str) -> Answer {
        let request =
            Request::post(path).header("host", "simulator").header("x-request-id", "id-7");
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        self.send(request.body(body).expect("a request")).await.expect("a response")
    }

    async fn get(&mut self, path: &str) -> Answer {
        let request = Request::get(path).header("host", "simulator");
        self.send(request.body(Full::default()).expect("a request")).await.expect("a response")
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Answer> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let head_at = self.now();
        let (head, mut body) = response.into_parts();
        let (mut frames, mut bytes) = (Vec::new(), Vec::new());
        let mut clean = true;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                clean = false;
                break;
            };
            let data = frame.into_data().expect("no trailers");
            frames.push((self.now(), String::from_utf8_lossy(&data).into_owned()));
            bytes.push(data);
        }
        Ok(Answer { status: head.status, headers: head.headers, head_at, frames, bytes, clean })
    }

    fn now(&self) -> u128 {
        self.start.elapsed().as_millis()
    }
}

impl Answer {
    fn text(&self) -> String {
        self.frames.iter().map(|(_, text)| text.as_str()).collect()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text()).expect("JSON")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    /// A line per event: its time and what it is.
    fn events(&self) -> Vec<(u128, String)> {
        let mut events = Vec::new();
        for (at, frame) in &self.frames {
            for event in frame.split_terminator("\n\n") {
                events.push((*at, describe(event)));
            }
        }
        events
    }

    /// Times of the events that carry content.
    fn content_at(&self) -> Vec<u128> {
        self.events()
            .into_iter()
            .filter(|(_, e)| e.starts_with("token"))
            .map(|(at, _)| at)
            .collect()
    }
}

fn describe(event: &str) -> String {
    let Some(data) = event.strip_prefix("data: ") else { return format!("? {event}") };
    if data == "[DONE]" {
        return "done".to_owned();
    }
    let Ok(json) = serde_json::from_str::<Value>(data) else { return "cut".to_owned() };
    if let Some(error) = json["error"]["message"].as_str() {
        return format!("error {error}");
    }
    if let Some(usage) = json.get("usage") {
        return format!("usage {}+{}", usage["prompt_tokens"], usage["completion_tokens"]);
    }
    let choice = &json["choices"][0];
    let text = choice["delta"]["content"].as_str().or(choice["text"].as_str()).expect("text");
    let kind = match (text.is_empty(), choice["delta"]["role"].as_str()) {
        (_, Some(role)) => format!("role {role}"),
        (true, None) => "nothing".to_owned(),
        (false, None) => "token".to_owned(),
    };
    match choice["finish_reason"].as_str() {
        Some(finish) => format!("{kind} {finish}"),
        None => kind,
    }
}

/// `expect` has a line per event: `210 token`.
fn check_events(answer: &Answer, expect: &[&str]) {
    let events: Vec<_> =
        answer.events().iter().map(|(at, event)| format!("{at} {event}")).collect();
    assert_eq!(events, expect);
}
