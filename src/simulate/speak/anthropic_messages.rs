//! `POST /v1/messages`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::speaker::{Finish, Speaker, Usage, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Text, Wanted, check_model, decode};

const VERSION: &str = "anthropic-version";

#[derive(Debug)]
pub(super) struct Messages;

#[derive(Deserialize)]
struct Conversation {
    model: Option<String>,
    max_tokens: Option<u32>,
    #[serde(default)]
    stream: bool,
    system: Option<Text>,
    messages: Option<Vec<Message>>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Text>,
}

impl Speaker for Messages {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "anthropic-messages"
    }

    fn path(&self) -> &'static str {
        "/v1/messages"
    }

    fn models_path(&self) -> &'static str {
        "/v1/models"
    }

    fn asks_for_models(&self, request: &Parts) -> bool {
        request.headers.contains_key(VERSION)
    }

    fn models(&self, model: &str) -> Value {
        json!({
            "data": [{
                "type": "model",
                "id": model,
                "display_name": model,
                "created_at": "1970-01-01T00:00:00Z",
            }],
            "has_more": false,
            "first_id": model,
            "last_id": model,
        })
    }

    fn read(&self, head: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        if !head.headers.contains_key(VERSION) {
            let message = format!("{VERSION}: header is required");
            return Err(Complaint::bad_request(message, VERSION));
        }
        let asked: Conversation = decode(body)?;
        check_model(asked.model.as_deref(), &config.model)?;
        let messages = asked.messages.filter(|messages| !messages.is_empty()).ok_or_else(|| {
            Complaint::bad_request("`messages` is missing or empty".to_owned(), "messages")
        })?;
        if asked.max_tokens.is_none() {
            let message = "`max_tokens` is missing".to_owned();
            return Err(Complaint::bad_request(message, "max_tokens"));
        }
        let mut prompt = String::new();
        let contents = messages.iter().filter_map(|message| message.content.as_ref());
        asked.system.iter().chain(contents).for_each(|text| text.push_to(&mut prompt));
        let wanted = Wanted {
            prompt,
            stream: asked.stream,
            usage: true,
            limit: asked.max_tokens,
            ignore_eos: false,
        };
        wanted.ask(config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        let kind = match complaint.status.as_u16() {
            401 => "authentication_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        };
        json!({"type": "error", "error": {"type": kind, "message": complaint.message}})
    }

    fn writer(&self, id: u64, _: u64, model: &str) -> Box<dyn Writer> {
        Box::new(MessageWriter { id: format!("msg_{id:016x}"), model: model.to_owned() })
    }
}

/// Writes the events of one message, which has one block of text.
#[derive(Debug)]
struct MessageWriter {
    id: String,
    model: String,
}

impl MessageWriter {
    fn message(&self, content: &Value, finish: Option<Finish>, usage: Option<Usage>) -> Value {
        let mut message = json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "content": content,
            "model": self.model,
            "stop_reason": finish.map(stop_reason),
            "stop_sequence": null,
        });
        if let Some(usage) = usage {
            message["usage"] = usage_json(usage);
        }
        message
    }
}

impl Writer for MessageWriter {
    fn opening(&self, usage: Option<Usage>) -> Option<String> {
        let message = self.message(&json!([]), None, usage);
        let start = event(&json!({"type": "message_start", "message": message}));
        let text = json!({"type": "text", "text": ""});
        let block = json!({"type": "content_block_start", "index": 0, "content_block": text});
        Some(start + &event(&block))
    }

    fn token(&self, word: &str, first: bool, _: Option<Finish>) -> String {
        let space = if first { "" } else { " " };
        let delta = json!({"type": "text_delta", "text": format!("{space}{word}")});
        event(&json!({"type": "content_block_delta", "index": 0, "delta": delta}))
    }

    fn tail(&self, finish: Finish, usage: Option<Usage>) -> Vec<String> {
        let delta = json!({"stop_reason": stop_reason(finish), "stop_sequence": null});
        let mut end = json!({"type": "message_delta", "delta": delta});
        if let Some(usage) = usage {
            end["usage"] = json!({"output_tokens": usage.output});
        }
        vec![event(&json!({"type": "content_block_stop", "index": 0})) + &event(&end)]
    }

    /// Nothing follows an error.
    fn done(&self, failed: bool) -> Option<String> {
        (!failed).then(|| event(&json!({"type": "message_stop"})))
    }

    fn error(&self, complaint: &Complaint) -> String {
        event(&Messages.complaint(complaint))
    }

    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String {
        let text = Some(text).filter(|text| !text.is_empty());
        let content: Value =
            text.iter().map(|text| json!({"type": "text", "text": text})).collect();
        self.message(&content, finish, usage).to_string()
    }
}

/// An event is named after its type.
fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}

fn stop_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
    }
}

/// The tokens from the cache are counted apart.
fn usage_json(usage: Usage) -> Value {
    let mut json = json!({"input_tokens": usage.input, "output_tokens": usage.output});
    if let Some(cached) = usage.cached {
        json["input_tokens"] = json!(usage.input.saturating_sub(cached));
        json["cache_read_input_tokens"] = json!(cached);
    }
    json
}
