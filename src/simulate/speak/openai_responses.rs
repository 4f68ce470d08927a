//! `POST /v1/responses`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::openai;
use super::speaker::{Finish, SoFar, Speaker, Usage, Writer, piece};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Text, Wanted, check_model, decode};

#[derive(Debug)]
pub(super) struct Responses;

#[derive(Deserialize)]
struct Asked {
    model: Option<String>,
    instructions: Option<Text>,
    input: Option<Input>,
    max_output_tokens: Option<u32>,
    #[serde(default)]
    stream: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Items(Vec<Item>),
}

#[derive(Deserialize)]
struct Item {
    content: Option<Text>,
}

impl Speaker for Responses {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "openai-responses"
    }

    fn path(&self) -> &'static str {
        "/v1/responses"
    }

    fn models_path(&self) -> &'static str {
        openai::MODELS
    }

    /// The list is that of the chat API, which answers for it.
    fn asks_for_models(&self, _: &Parts) -> bool {
        false
    }

    fn models(&self, model: &str) -> Value {
        openai::models(model)
    }

    fn read(&self, _: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        let asked: Asked = decode(body)?;
        check_model(asked.model.as_deref(), &config.model)?;
        let mut prompt = String::new();
        asked.instructions.iter().for_each(|text| text.push_to(&mut prompt));
        match asked.input {
            Some(Input::Text(text)) => Text::Plain(text).push_to(&mut prompt),
            Some(Input::Items(items)) if !items.is_empty() => {
                let contents = items.iter().filter_map(|item| item.content.as_ref());
                contents.for_each(|text| text.push_to(&mut prompt));
            }
            _ => {
                let message = "`input` is missing or empty".to_owned();
                return Err(Complaint::bad_request(message, "input"));
            }
        }
        let wanted = Wanted {
            prompt,
            stream: asked.stream,
            usage: true,
            limit: asked.max_output_tokens,
            ignore_eos: false,
        };
        wanted.ask(config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        openai::complaint(complaint)
    }

    fn writer(&self, id: u64, created: u64, model: &str) -> Box<dyn Writer> {
        let said = SoFar::default();
        Box::new(ResponseWriter { id, created, model: model.to_owned(), said })
    }
}

/// Writes the events of one response, which has one message of one part.
#[derive(Debug)]
struct ResponseWriter {
    id: u64,
    created: u64,
    model: String,
    said: SoFar,
}

impl ResponseWriter {
    fn response(&self, output: &Value, finish: Option<Finish>, usage: Option<Usage>) -> Value {
        let details = (finish == Some(Finish::Length)).then_some("max_output_tokens");
        json!({
            "id": format!("resp_{:016x}", self.id),
            "object": "response",
            "created_at": self.created,
            "status": status(finish),
            "error": null,
            "incomplete_details": details.map(|reason| json!({"reason": reason})),
            "model": self.model,
            "output": output,
            "usage": usage.map(usage_json),
        })
    }

    fn message(&self, content: &Value, status: &str) -> Value {
        json!({
            "type": "message",
            "id": self.item_id(),
            "status": status,
            "role": "assistant",
            "content": content,
        })
    }

    fn item_id(&self) -> String {
        format!("msg_{:016x}", self.id)
    }

    /// An event about the only part of the only item.
    fn of_part(&self, kind: &str, key: &str, value: &Value) -> String {
        event(&json!({
            "type": kind,
            "item_id": self.item_id(),
            "output_index": 0,
            "content_index": 0,
            key: value,
        }))
    }
}

impl Writer for ResponseWriter {
    fn opening(&self, _: Option<Usage>) -> Option<String> {
        let response = self.response(&json!([]), None, None);
        let begun = |kind| event(&json!({"type": kind, "response": response}));
        let item = self.message(&json!([]), "in_progress");
        let added = json!({"type": "response.output_item.added", "output_index": 0, "item": item});
        Some(
            begun("response.created")
                + &begun("response.in_progress")
                + &event(&added)
                + &self.of_part("response.content_part.added", "part", &part("")),
        )
    }

    fn token(&self, word: &str, first: bool, _: Option<Finish>) -> String {
        let piece = piece(word, first);
        self.said.add(&piece);
        self.of_part("response.output_text.delta", "delta", &json!(piece))
    }

    /// All of it once more, twice, and in the final object a third time.
    fn tail(&self, finish: Finish, usage: Option<Usage>) -> Vec<String> {
        let text = self.said.text();
        let item = self.message(&json!([part(&text)]), status(Some(finish)));
        let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item});
        let end = match finish {
            Finish::Stop => "response.completed",
            Finish::Length => "response.incomplete",
        };
        let response = self.response(&json!([item]), Some(finish), usage);
        let repeated = self.of_part("response.output_text.done", "text", &json!(text))
            + &self.of_part("response.content_part.done", "part", &part(&text))
            + &event(&done);
        vec![repeated, event(&json!({"type": end, "response": response}))]
    }

    /// Its last event is the end.
    fn done(&self, _: bool) -> Option<String> {
        None
    }

    fn error(&self, complaint: &Complaint) -> String {
        let error = json!({
            "type": "error",
            "code": complaint.kind,
            "message": complaint.message,
            "param": complaint.param,
        });
        let mut failed = self.response(&json!([]), None, None);
        failed["status"] = json!("failed");
        failed["error"] = json!({"code": "server_error", "message": complaint.message});
        event(&error) + &event(&json!({"type": "response.failed", "response": failed}))
    }

    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String {
        let output = match text {
            "" => json!([]),
            text => json!([self.message(&json!([part(text)]), status(finish))]),
        };
        self.response(&output, finish, usage).to_string()
    }
}

/// An event is named after its type.
fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn status(finish: Option<Finish>) -> &'static str {
    match finish {
        None => "in_progress",
        Some(Finish::Stop) => "completed",
        Some(Finish::Length) => "incomplete",
    }
}

fn usage_json(usage: Usage) -> Value {
    let mut json = json!({
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input.saturating_add(usage.output),
    });
    if let Some(cached) = usage.cached {
        json["input_tokens_details"] = json!({"cached_tokens": cached});
    }
    json
}
