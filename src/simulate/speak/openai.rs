//! What the OpenAI dialects share: stream events and whole bodies as vLLM writes them, and what
//! their requests have in common.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::speaker::{Finish, Usage, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Wanted, check_model, decode};

/// Where both list their models.
pub(super) const MODELS: &str = "/v1/models";

/// The two kinds of endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Chat,
    Completion,
}

#[derive(Deserialize)]
struct Common {
    model: Option<String>,
    #[serde(default)]
    stream: bool,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    #[serde(default)]
    ignore_eos: bool,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

/// Reads a request body, of which `prompt` makes what the model would read.
pub(super) fn read(
    body: &[u8],
    config: &SimulatorConfig,
    prompt: impl FnOnce(&[u8]) -> Result<String, Complaint>,
) -> Result<Ask, Complaint> {
    let common: Common = decode(body)?;
    check_model(common.model.as_deref(), &config.model)?;
    let wanted = Wanted {
        prompt: prompt(body)?,
        stream: common.stream,
        // A body that comes whole always has it.
        usage: !common.stream || common.stream_options.is_some_and(|o| o.include_usage),
        limit: common.max_completion_tokens.or(common.max_tokens),
        ignore_eos: common.ignore_eos,
    };
    wanted.ask(config)
}

/// Without a header of another dialect.
pub(super) fn asks_for_models(_: &Parts) -> bool {
    true
}

pub(super) fn models(model: &str) -> Value {
    json!({"object": "list", "data": [{
        "id": model,
        "object": "model",
        "created": 0,
        "owned_by": "llm-prober-simulator",
    }]})
}

pub(super) fn complaint(complaint: &Complaint) -> Value {
    json!({"error": {
        "message": complaint.message,
        "type": complaint.kind,
        "param": complaint.param,
        "code": complaint.status.as_u16(),
    }})
}

const DONE: &str = "data: [DONE]\n\n";

fn usage_json(usage: Usage) -> Value {
    let mut json = json!({
        "prompt_tokens": usage.input,
        "total_tokens": usage.input.saturating_add(usage.output),
        "completion_tokens": usage.output,
    });
    if let Some(cached) = usage.cached {
        json["prompt_tokens_details"] = json!({"cached_tokens": cached});
    }
    json
}

/// Writes the events of one answer. What is the same in all of them is written once.
#[derive(Debug)]
pub(super) struct EventWriter {
    kind: Kind,
    /// `{"id":…,"object":…,"created":…,"model":…`, for stream events.
    chunk: String,
    /// The same for a whole body.
    body: String,
}

impl EventWriter {
    pub fn new(kind: Kind, id: u64, created: u64, model: &str) -> Self {
        let (prefix, chunk, body) = match kind {
            Kind::Chat => ("chatcmpl", "chat.completion.chunk", "chat.completion"),
            Kind::Completion => ("cmpl", "text_completion", "text_completion"),
        };
        let model = Value::from(model);
        let head = |object: &str| {
            format!(
                r#"{{"id":"{prefix}-{id:016x}","object":"{object}","created":{created},"model":{model}"#
            )
        };
        Self { kind, chunk: head(chunk), body: head(body) }
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

impl Writer for EventWriter {
    /// A chat begins with its role; completions with nothing.
    fn opening(&self, _: Option<Usage>) -> Option<String> {
        let event = self.event(r#"{"role":"assistant","content":""}"#, None);
        (self.kind == Kind::Chat).then_some(event)
    }

    fn token(&self, word: &str, first: bool, finish: Option<Finish>) -> String {
        let space = if first { "" } else { " " };
        match self.kind {
            Kind::Chat => self.event(&format!(r#"{{"content":"{space}{word}"}}"#), finish),
            Kind::Completion => self.event(&format!(r#""{space}{word}""#), finish),
        }
    }

    /// A finish without text, unless it came with the last token, and the counts.
    fn tail(&self, finish: Finish, usage: Option<Usage>) -> Vec<String> {
        let nothing = match self.kind {
            Kind::Chat => r#"{"content":""}"#,
            Kind::Completion => r#""""#,
        };
        let stop = (finish == Finish::Stop).then(|| self.event(nothing, Some(finish)));
        let counts = usage.map(|usage| {
            format!("data: {},\"choices\":[],\"usage\":{}}}\n\n", self.chunk, usage_json(usage))
        });
        stop.into_iter().chain(counts).collect()
    }

    fn done(&self, _: bool) -> Option<String> {
        Some(DONE.to_owned())
    }

    fn error(&self, complaint: &Complaint) -> String {
        format!("data: {}\n\n", self::complaint(complaint))
    }

    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String {
        let text = Value::from(text);
        let content = match self.kind {
            Kind::Chat => format!(r#""message":{{"role":"assistant","content":{text}}}"#),
            Kind::Completion => format!(r#""text":{text}"#),
        };
        let finish = finish_json(finish);
        let usage = usage.map_or(Value::Null, usage_json);
        format!(
            r#"{},"choices":[{{"index":0,{content},"logprobs":null,"finish_reason":{finish}}}],"usage":{usage}}}"#,
            self.body
        )
    }
}

fn finish_json(finish: Option<Finish>) -> &'static str {
    match finish {
        None => "null",
        Some(Finish::Stop) => r#""stop""#,
        Some(Finish::Length) => r#""length""#,
    }
}
