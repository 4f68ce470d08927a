//! `POST /v1beta/models/M:streamGenerateContent` and `:generateContent`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::speaker::{Finish, Speaker, Usage, Writer, piece};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Text, Wanted, check_model, decode};

const MODELS: &str = "/v1beta/models";
const STREAM: &str = "streamGenerateContent";
const WHOLE: &str = "generateContent";

#[derive(Debug)]
pub(super) struct Gemini;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    system_instruction: Option<Content>,
    contents: Option<Vec<Content>>,
    generation_config: Option<Generation>,
}

#[derive(Deserialize)]
struct Content {
    parts: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generation {
    max_output_tokens: Option<u32>,
}

/// The model and the method of a path.
fn called(path: &str) -> Option<(&str, &str)> {
    let called = path.strip_prefix(MODELS)?.strip_prefix('/')?.split_once(':');
    called.filter(|(_, method)| [STREAM, WHOLE].contains(method))
}

impl Speaker for Gemini {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn path(&self) -> &'static str {
        "/v1beta/models/{model}:streamGenerateContent"
    }

    fn takes(&self, path: &str) -> bool {
        called(path).is_some()
    }

    fn models_path(&self) -> &'static str {
        MODELS
    }

    fn asks_for_models(&self, _: &Parts) -> bool {
        true
    }

    fn models(&self, model: &str) -> Value {
        json!({"models": [{
            "name": format!("models/{model}"),
            "supportedGenerationMethods": [WHOLE],
        }]})
    }

    fn read(&self, head: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        let (model, method) = called(head.uri.path()).unwrap_or_default();
        check_model(Some(model), &config.model)?;
        let events = head.uri.query().is_some_and(|q| q.split('&').any(|pair| pair == "alt=sse"));
        if method == STREAM && !events {
            let message = "a stream is sent with `alt=sse` only".to_owned();
            return Err(Complaint::bad_request(message, "alt"));
        }
        let asked: Asked = decode(body)?;
        let contents = asked.contents.filter(|contents| !contents.is_empty()).ok_or_else(|| {
            Complaint::bad_request("`contents` is missing or empty".to_owned(), "contents")
        })?;
        let mut prompt = String::new();
        let parts = asked.system_instruction.iter().chain(&contents);
        parts.filter_map(|c| c.parts.as_ref()).for_each(|parts| parts.push_to(&mut prompt));
        let wanted = Wanted {
            prompt,
            stream: method == STREAM,
            usage: true,
            limit: asked.generation_config.and_then(|config| config.max_output_tokens),
            ignore_eos: false,
        };
        wanted.ask(config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        let status = match complaint.status.as_u16() {
            401 => "UNAUTHENTICATED",
            404 => "NOT_FOUND",
            429 => "RESOURCE_EXHAUSTED",
            503 => "UNAVAILABLE",
            400..=499 => "INVALID_ARGUMENT",
            _ => "INTERNAL",
        };
        let code = complaint.status.as_u16();
        json!({"error": {"code": code, "message": complaint.message, "status": status}})
    }

    fn writer(&self, id: u64, _: u64, model: &str) -> Box<dyn Writer> {
        Box::new(ChunkWriter { id: format!("{id:016x}"), model: model.to_owned() })
    }
}

/// Writes the pieces of one answer, each of which looks like the whole.
#[derive(Debug)]
struct ChunkWriter {
    id: String,
    model: String,
}

impl ChunkWriter {
    fn chunk(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> Value {
        let parts: Value = if text.is_empty() { json!([]) } else { json!([{"text": text}]) };
        let content = json!({"role": "model", "parts": parts});
        let mut candidate = json!({"content": content, "index": 0});
        if let Some(finish) = finish {
            candidate["finishReason"] = json!(match finish {
                Finish::Stop => "STOP",
                Finish::Length => "MAX_TOKENS",
            });
        }
        let mut chunk = json!({
            "candidates": [candidate],
            "modelVersion": self.model,
            "responseId": self.id,
        });
        if let Some(usage) = usage {
            chunk["usageMetadata"] = usage_json(usage);
        }
        chunk
    }
}

impl Writer for ChunkWriter {
    fn opening(&self, _: Option<Usage>) -> Option<String> {
        None
    }

    fn token(&self, word: &str, first: bool, _: Option<Finish>) -> String {
        event(&self.chunk(&piece(word, first), None, None))
    }

    fn tail(&self, finish: Finish, usage: Option<Usage>) -> Vec<String> {
        vec![event(&self.chunk("", Some(finish), usage))]
    }

    /// Its last event is the end.
    fn done(&self, _: bool) -> Option<String> {
        None
    }

    fn error(&self, complaint: &Complaint) -> String {
        event(&Gemini.complaint(complaint))
    }

    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String {
        self.chunk(text, finish, usage).to_string()
    }
}

/// With the line ends that this API has.
fn event(data: &Value) -> String {
    format!("data: {data}\r\n\r\n")
}

fn usage_json(usage: Usage) -> Value {
    let mut json = json!({
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output,
        "totalTokenCount": usage.input.saturating_add(usage.output),
    });
    if let Some(cached) = usage.cached {
        json["cachedContentTokenCount"] = json!(cached);
    }
    json
}
