//! The wire format: stream events and whole bodies, as vLLM writes them.

use bytes::Bytes;
use serde_json::{Value, json};

use super::reply::Complaint;
use super::request::{Ask, Kind};

/// What the model says, in random order; one word is one token. No character needs escaping.
pub(super) const WORDS: [&str; 32] = [
    "time", "water", "bridge", "seven", "river", "light", "paper", "stone", "green", "window",
    "garden", "number", "letter", "winter", "market", "silver", "open", "slow", "north", "early",
    "round", "quiet", "answer", "table", "music", "cloud", "travel", "simple", "second", "field",
    "morning", "story",
];

/// Ends a stream.
pub(super) const DONE: &str = "data: [DONE]\n\n";

/// Why an answer is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    Length,
}

impl Finish {
    fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
        }
    }
}

/// Token counts of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    pub input: u32,
    pub output: u32,
    /// `None` without a prefix cache.
    pub cached: Option<u32>,
}

impl Usage {
    fn to_json(self) -> Value {
        let mut usage = json!({
            "prompt_tokens": self.input,
            "total_tokens": self.input.saturating_add(self.output),
            "completion_tokens": self.output,
        });
        if let Some(cached) = self.cached {
            usage["prompt_tokens_details"] = json!({"cached_tokens": cached});
        }
        usage
    }
}

/// Writes the events of one answer. What is the same in all of them is written once.
#[derive(Debug)]
pub(super) struct Writer {
    kind: Kind,
    /// `{"id":…,"object":…,"created":…,"model":…`, for stream events.
    chunk: String,
    /// The same for a whole body.
    body: String,
}

impl Writer {
    pub fn new(ask: &Ask, id: u64, created: u64, model: &str) -> Self {
        let (prefix, chunk, body) = match ask.kind {
            Kind::Chat => ("chatcmpl", "chat.completion.chunk", "chat.completion"),
            Kind::Completion => ("cmpl", "text_completion", "text_completion"),
        };
        let model = Value::from(model);
        let head = |object: &str| {
            format!(
                r#"{{"id":"{prefix}-{id:016x}","object":"{object}","created":{created},"model":{model}"#
            )
        };
        Self { kind: ask.kind, chunk: head(chunk), body: head(body) }
    }

    /// The event with which a chat begins; completions have none.
    pub fn role(&self) -> Option<Bytes> {
        let event = self.event(r#"{"role":"assistant","content":""}"#, None);
        (self.kind == Kind::Chat).then(|| event.into())
    }

    /// One token, with the finish reason if it is the last one of a limited answer.
    pub fn token(&self, word: &str, first: bool, finish: Option<Finish>) -> String {
        let space = if first { "" } else { " " };
        match self.kind {
            Kind::Chat => self.event(&format!(r#"{{"content":"{space}{word}"}}"#), finish),
            Kind::Completion => self.event(&format!(r#""{space}{word}""#), finish),
        }
    }

    /// A finish without text.
    pub fn finish(&self, finish: Finish) -> String {
        match self.kind {
            Kind::Chat => self.event(r#"{"content":""}"#, Some(finish)),
            Kind::Completion => self.event(r#""""#, Some(finish)),
        }
    }

    /// The trailing event that carries the counts.
    pub fn usage(&self, usage: Usage) -> String {
        format!("data: {},\"choices\":[],\"usage\":{}}}\n\n", self.chunk, usage.to_json())
    }

    /// A whole body. `finish` is absent where a fault ends the answer early.
    pub fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String {
        let text = Value::from(text);
        let content = match self.kind {
            Kind::Chat => format!(r#""message":{{"role":"assistant","content":{text}}}"#),
            Kind::Completion => format!(r#""text":{text}"#),
        };
        let finish = finish_json(finish);
        let usage = usage.map_or(Value::Null, Usage::to_json);
        format!(
            r#"{},"choices":[{{"index":0,{content},"logprobs":null,"finish_reason":{finish}}}],"usage":{usage}}}"#,
            self.body
        )
    }

    fn event(&self, content: &str, finish: Option<Finish>) -> String {
        let key = match self.kind {
            Kind::Chat => "delta",
            Kind::Completion => "text",
        };
        format!(
            "data: {},\"choices\":[{{\"index\":0,\"{key}\":{content},\"logprobs\":null,\"finish_reason\":{}}}]}}\n\n",
            self.chunk,
            finish_json(finish)
        )
    }
}

fn finish_json(finish: Option<Finish>) -> String {
    finish.map_or_else(|| "null".to_owned(), |finish| format!("\"{}\"", finish.as_str()))
}

/// The complaint of an engine that died after the answer had begun.
pub(super) fn engine_failure() -> Complaint {
    let status = http::StatusCode::INTERNAL_SERVER_ERROR;
    Complaint::of_status(status, "scripted failure of the engine")
}
