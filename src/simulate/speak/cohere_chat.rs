//! `POST /v2/chat`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::speaker::{Finish, Speaker, Usage, Writer, piece};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Text, Wanted, check_model, decode};

#[derive(Debug)]
pub(super) struct Chat;

#[derive(Deserialize)]
struct Asked {
    model: Option<String>,
    messages: Option<Vec<Message>>,
    max_tokens: Option<u32>,
    #[serde(default)]
    stream: bool,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Text>,
}

impl Speaker for Chat {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "cohere-chat"
    }

    fn path(&self) -> &'static str {
        "/v2/chat"
    }

    fn models_path(&self) -> &'static str {
        "/v1/models"
    }

    /// It alone tells its models apart by what they are for.
    fn asks_for_models(&self, request: &Parts) -> bool {
        let query = request.uri.query().unwrap_or_default();
        query.split('&').any(|pair| pair == "endpoint=chat")
    }

    fn models(&self, model: &str) -> Value {
        json!({"models": [{"name": model, "endpoints": ["chat"]}], "next_page_token": ""})
    }

    fn read(&self, _: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        let asked: Asked = decode(body)?;
        check_model(asked.model.as_deref(), &config.model)?;
        let messages = asked.messages.filter(|messages| !messages.is_empty()).ok_or_else(|| {
            Complaint::bad_request("`messages` is missing or empty".to_owned(), "messages")
        })?;
        let mut prompt = String::new();
        let contents = messages.iter().filter_map(|message| message.content.as_ref());
        contents.for_each(|text| text.push_to(&mut prompt));
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
        json!({"message": complaint.message})
    }

    fn writer(&self, id: u64, _: u64, _: &str) -> Box<dyn Writer> {
        Box::new(MessageWriter { id: format!("{id:016x}") })
    }
}

/// Writes the events of one message, which has one part of text.
#[derive(Debug)]
struct MessageWriter {
    id: String,
}

impl Writer for MessageWriter {
    fn opening(&self, _: Option<Usage>) -> Option<String> {
        let message = json!({
            "role": "assistant",
            "content": [],
            "tool_plan": "",
            "tool_calls": [],
            "citations": [],
        });
        let start = json!({"id": self.id, "type": "message-start", "delta": {"message": message}});
        let part = json!({"content": {"type": "text", "text": ""}});
        let part = json!({"type": "content-start", "index": 0, "delta": {"message": part}});
        Some(event(&start) + &event(&part))
    }

    fn token(&self, word: &str, first: bool, _: Option<Finish>) -> String {
        let part = json!({"content": {"text": piece(word, first)}});
        event(&json!({"type": "content-delta", "index": 0, "delta": {"message": part}}))
    }

    fn tail(&self, finish: Finish, usage: Option<Usage>) -> Vec<String> {
        let mut delta = json!({"finish_reason": reason(finish)});
        if let Some(usage) = usage {
            delta["usage"] = usage_json(usage);
        }
        let end = event(&json!({"type": "message-end", "delta": delta}));
        vec![event(&json!({"type": "content-end", "index": 0})) + &end]
    }

    fn done(&self, failed: bool) -> Option<String> {
        (!failed).then(|| "data: [DONE]\n\n".to_owned())
    }

    fn error(&self, complaint: &Complaint) -> String {
        let delta = json!({"finish_reason": "ERROR", "error": complaint.message});
        event(&json!({"type": "message-end", "delta": delta}))
    }

    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String {
        let text = Some(text).filter(|text| !text.is_empty());
        let content: Value =
            text.iter().map(|text| json!({"type": "text", "text": text})).collect();
        json!({
            "id": self.id,
            "finish_reason": finish.map(reason),
            "message": {"role": "assistant", "content": content},
            "usage": usage.map(usage_json),
        })
        .to_string()
    }
}

/// An event is named after its type.
fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}

fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "COMPLETE",
        Finish::Length => "MAX_TOKENS",
    }
}

/// What is billed leaves out the template, which is four tokens here.
fn usage_json(usage: Usage) -> Value {
    let billed = usage.input.saturating_sub(4);
    let mut json = json!({
        "billed_units": {"input_tokens": billed, "output_tokens": usage.output},
        "tokens": {"input_tokens": usage.input, "output_tokens": usage.output},
    });
    if let Some(cached) = usage.cached {
        json["cached_tokens"] = json!(cached);
    }
    json
}
