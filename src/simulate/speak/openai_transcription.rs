//! `POST /v1/audio/transcriptions`.

use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde_json::{Value, json};

use super::openai;
use super::speaker::{Finish, Speaker, Usage, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Wanted, check_model};

/// Bytes of sound that are a token.
const TOKEN_BYTES: usize = 3_200;
/// Tokens at most that a sound has.
const MOST_TOKENS: usize = 100_000;

#[derive(Debug)]
pub(super) struct Transcriptions;

impl Speaker for Transcriptions {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "openai-transcription"
    }

    fn path(&self) -> &'static str {
        "/v1/audio/transcriptions"
    }

    fn models_path(&self) -> &'static str {
        openai::MODELS
    }

    /// Chat answers for all of the family.
    fn asks_for_models(&self, _: &Parts) -> bool {
        false
    }

    fn models(&self, model: &str) -> Value {
        openai::models(model)
    }

    fn read(&self, head: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        let refuse = |message: &str, param| Complaint::bad_request(message.to_owned(), param);
        let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let boundary = kind.and_then(|kind| {
            kind.strip_prefix("multipart/form-data")?.split_once("boundary=").map(|(_, b)| b)
        });
        let boundary = boundary.map(|boundary| boundary.trim_matches('"'));
        let boundary = boundary.ok_or_else(|| refuse("the body is no form with a file", "body"))?;
        let form = Form { body, boundary };
        let text = |name: &str| form.field(name).map(String::from_utf8_lossy);
        check_model(text("model").as_deref(), &config.model)?;
        let sound = form.field("file").filter(|sound| !sound.is_empty());
        let sound = sound.ok_or_else(|| refuse("`file` is missing or empty", "file"))?;
        let tokens = sound.len().div_ceil(TOKEN_BYTES).min(MOST_TOKENS);
        let wanted = Wanted {
            // What is heard is never shown; it counts as so many words.
            prompt: vec!["word"; tokens].join(" "),
            stream: text("stream").as_deref() == Some("true"),
            usage: true,
            limit: None,
            ignore_eos: false,
        };
        wanted.ask(config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        openai::complaint(complaint)
    }

    fn writer(&self, _: u64, _: u64, _: &str) -> Box<dyn Writer> {
        Box::new(TranscriptWriter)
    }
}

/// A form with a file.
struct Form<'a> {
    body: &'a [u8],
    boundary: &'a str,
}

impl<'a> Form<'a> {
    /// What the field of this name holds.
    fn field(&self, name: &str) -> Option<&'a [u8]> {
        let mark = format!("--{}\r\n", self.boundary);
        let end = format!("\r\n--{}", self.boundary);
        let named = format!("name=\"{name}\"");
        let mut rest = self.body;
        while let Some(at) = find(rest, mark.as_bytes()) {
            rest = &rest[at + mark.len()..];
            let content = find(rest, b"\r\n\r\n")?;
            let head = String::from_utf8_lossy(&rest[..content]);
            if head.contains(&named) {
                let content = &rest[content + 4..];
                return Some(&content[..find(content, end.as_bytes())?]);
            }
        }
        None
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

#[derive(Debug)]
struct TranscriptWriter;

impl Writer for TranscriptWriter {
    fn opening(&self, _: Option<Usage>) -> Option<String> {
        None
    }

    fn token(&self, word: &str, first: bool, _: Option<Finish>) -> String {
        let space = if first { "" } else { " " };
        event(&json!({"type": "transcript.text.delta", "delta": format!("{space}{word}")}))
    }

    /// The text is not repeated: nobody has to read it again.
    fn tail(&self, _: Finish, usage: Option<Usage>) -> Vec<String> {
        let mut done = json!({"type": "transcript.text.done", "text": ""});
        if let Some(usage) = usage {
            done["usage"] = usage_json(usage);
        }
        vec![event(&done)]
    }

    fn done(&self, failed: bool) -> Option<String> {
        (!failed).then(|| "data: [DONE]\n\n".to_owned())
    }

    fn error(&self, complaint: &Complaint) -> String {
        event(&openai::complaint(complaint))
    }

    /// An answer that ends early lacks its end: nothing else tells.
    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String {
        let mut body = json!({"text": text});
        if let Some(usage) = usage {
            body["usage"] = usage_json(usage);
        }
        let mut body = body.to_string();
        if finish.is_none() {
            body.pop();
        }
        body
    }
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

fn usage_json(usage: Usage) -> Value {
    json!({
        "type": "tokens",
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "total_tokens": usage.input.saturating_add(usage.output),
    })
}
