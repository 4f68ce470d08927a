//! Event streams of the chat API, and one check that cuts them in every way.

use llm_prober::answer::outcome::Outcome;
use llm_prober::target::Target;

use super::{chat_target, essence, outcome, recording, verdict};

/// Content type.
pub const SSE: &str = "text/event-stream";

/// Interprets a body that arrived whole, byte by byte, and split at every point: the outcome is
/// always the same, and `expect` is its verdict.
pub fn check_on(target: &Target, content_type: &str, body: &[u8], expect: &str) -> Outcome {
    let whole = outcome(target, &recording(content_type, &[(10, body)]));
    assert_eq!(verdict(&whole), expect, "{:?}: {:?}", whole.result, String::from_utf8_lossy(body));
    let bytewise: Vec<_> = body.chunks(1).map(|b| (10, b)).collect();
    let cut = outcome(target, &recording(content_type, &bytewise));
    assert_eq!(essence(&cut), essence(&whole), "byte by byte");
    for at in 1..body.len() {
        let portions = [(10, &body[..at]), (20, &body[at..])];
        let cut = outcome(target, &recording(content_type, &portions));
        assert_eq!(essence(&cut), essence(&whole), "split at {at}");
    }
    whole
}

/// The same for an event stream of the chat API.
pub fn check(body: &str, expect: &str) -> Outcome {
    check_on(&chat_target(), SSE, body.as_bytes(), expect)
}

/// SSE events, one per payload.
pub fn events(payloads: &[&str]) -> String {
    payloads.iter().fold(String::new(), |body, p| body + &format!("data: {p}\n\n"))
}

pub const ROLE: &str = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#;
pub const A: &str = r#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#;
pub const B: &str = r#"{"choices":[{"index":0,"delta":{"content":" b"}}]}"#;
pub const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
pub const USAGE: &str =
    r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}"#;
pub const DONE: &str = "[DONE]";

/// How many content events were seen.
pub fn content_events(outcome: &Outcome) -> usize {
    outcome.measurement.content_at.len()
}
