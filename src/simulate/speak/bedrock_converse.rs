//! `POST /model/M/converse-stream`.

use bytes::Bytes;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::openai;
use super::speaker::{Finish, Speaker, Usage, Writer};
use crate::answer::framing::aws_message;
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Text, Wanted, check_model, decode};

const ROOT: &str = "/model/";
const STREAM: &str = "/converse-stream";
const WHOLE: &str = "/converse";

#[derive(Debug)]
pub(super) struct Converse;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conversation {
    system: Option<Text>,
    messages: Option<Vec<Message>>,
    inference_config: Option<InferenceConfig>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InferenceConfig {
    max_tokens: Option<u32>,
}

/// The model of a path, and whether a stream is wanted.
fn parts(path: &str) -> Option<(&str, bool)> {
    let rest = path.strip_prefix(ROOT)?;
    let (model, stream) = match rest.strip_suffix(STREAM) {
        Some(model) => (model, true),
        None => (rest.strip_suffix(WHOLE)?, false),
    };
    (!model.is_empty() && !model.contains('/')).then_some((model, stream))
}

impl Speaker for Converse {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "bedrock-converse"
    }

    fn path(&self) -> &'static str {
        "/model/{model}/converse-stream"
    }

    fn takes(&self, path: &str) -> bool {
        parts(path).is_some()
    }

    /// Models are listed at another address: this is another dialect's.
    fn models_path(&self) -> &'static str {
        openai::MODELS
    }

    fn asks_for_models(&self, _: &Parts) -> bool {
        false
    }

    fn models(&self, _: &str) -> Value {
        Value::Null
    }

    fn read(&self, head: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        let asked: Conversation = decode(body)?;
        let (model, stream) = parts(head.uri.path()).unwrap_or_default();
        let model = percent_encoding::percent_decode_str(model).decode_utf8_lossy();
        check_model(Some(&model), &config.model)?;
        let messages = asked.messages.filter(|messages| !messages.is_empty()).ok_or_else(|| {
            Complaint::bad_request("`messages` is missing or empty".to_owned(), "messages")
        })?;
        let mut prompt = String::new();
        let contents = messages.iter().filter_map(|message| message.content.as_ref());
        asked.system.iter().chain(contents).for_each(|text| text.push_to(&mut prompt));
        let limit = asked.inference_config.and_then(|config| config.max_tokens);
        Wanted { prompt, stream, usage: true, limit, ignore_eos: false }.ask(config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        json!({"message": complaint.message})
    }

    fn writer(&self, _: u64, _: u64, _: &str) -> Box<dyn Writer> {
        Box::new(MessageWriter)
    }
}

/// Writes a line for each message: its type, a tab and its payload. `pack` makes the messages.
#[derive(Debug)]
struct MessageWriter;

/// Before the type of an exception.
const EXCEPTION: char = '!';

impl Writer for MessageWriter {
    fn stream_type(&self) -> &'static str {
        "application/vnd.amazon.eventstream"
    }

    fn pack(&self, text: String) -> Bytes {
        let messages = text.lines().filter_map(|line| line.split_once('\t'));
        let message = |(kind, payload): (&str, &str)| {
            let (name, kind, what) = match kind.strip_prefix(EXCEPTION) {
                Some(kind) => (":exception-type", kind, "exception"),
                None => (":event-type", kind, "event"),
            };
            let headers =
                [(name, kind), (":content-type", "application/json"), (":message-type", what)];
            aws_message(&headers, payload.as_bytes())
        };
        messages.flat_map(message).collect::<Vec<u8>>().into()
    }

    fn opening(&self, _: Option<Usage>) -> Option<String> {
        Some(line("messageStart", &json!({"role": "assistant"})))
    }

    fn token(&self, word: &str, first: bool, _: Option<Finish>) -> String {
        let space = if first { "" } else { " " };
        let delta = json!({"text": format!("{space}{word}")});
        line("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": delta}))
    }

    fn tail(&self, finish: Finish, usage: Option<Usage>) -> Vec<String> {
        let stop = line("contentBlockStop", &json!({"contentBlockIndex": 0}))
            + &line("messageStop", &json!({"stopReason": stop_reason(finish)}));
        let mut metadata = json!({"metrics": {"latencyMs": 0}});
        if let Some(usage) = usage {
            metadata["usage"] = usage_json(usage);
        }
        vec![stop, line("metadata", &metadata)]
    }

    fn done(&self, _: bool) -> Option<String> {
        None
    }

    fn error(&self, complaint: &Complaint) -> String {
        let kind = format!("{EXCEPTION}modelStreamErrorException");
        line(&kind, &json!({"message": complaint.message}))
    }

    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String {
        let text = Some(text).filter(|text| !text.is_empty());
        let content: Value = text.iter().map(|text| json!({"text": text})).collect();
        let message = json!({"role": "assistant", "content": content});
        let mut body = json!({"output": {"message": message}, "metrics": {"latencyMs": 0}});
        if let Some(finish) = finish {
            body["stopReason"] = json!(stop_reason(finish));
        }
        if let Some(usage) = usage {
            body["usage"] = usage_json(usage);
        }
        body.to_string()
    }
}

fn line(kind: &str, payload: &Value) -> String {
    format!("{kind}\t{payload}\n")
}

fn stop_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
    }
}

fn usage_json(usage: Usage) -> Value {
    let mut json = json!({
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "totalTokens": usage.input.saturating_add(usage.output),
    });
    if let Some(cached) = usage.cached {
        json["cacheReadInputTokens"] = json!(cached);
    }
    json
}
