//! `POST /v2/models/M/generate_stream`.

use http::request::Parts;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::openai;
use super::speaker::{Finish, Speaker, Usage, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Text, Wanted, check_model, decode};

const ROOT: &str = "/v2/models/";
const STREAM: &str = "/generate_stream";
const WHOLE: &str = "/generate";

/// Speaks for both kinds of models.
#[derive(Debug)]
pub(super) struct Generate {
    pub cumulative: bool,
}

#[derive(Deserialize)]
struct Request {
    text_input: Option<Text>,
    max_tokens: Option<u32>,
    #[serde(default)]
    accumulate_tokens: bool,
}

/// The model of a path, and whether a stream is wanted.
fn parts(path: &str) -> Option<(&str, bool)> {
    let rest = path.strip_prefix(ROOT)?;
    let (model, stream) = match rest.strip_suffix(STREAM) {
        Some(model) => (model, true),
        None => (rest.strip_suffix(WHOLE)?, false),
    };
    // A version may follow the name.
    let model = model.split_once("/versions/").map_or(model, |(model, _)| model);
    (!model.is_empty()).then_some((model, stream))
}

impl Speaker for Generate {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        if self.cumulative { "triton-generate-cumulative" } else { "triton-generate" }
    }

    #[cfg(test)]
    fn ends_with_the_body(&self) -> bool {
        true
    }

    fn path(&self) -> &'static str {
        "/v2/models/{model}/generate_stream"
    }

    fn takes(&self, path: &str) -> bool {
        parts(path).is_some()
    }

    fn knows(&self, body: &[u8]) -> bool {
        let asked = serde_json::from_slice::<Request>(body);
        asked.is_ok_and(|asked| asked.accumulate_tokens == self.cumulative)
    }

    /// It has none that answers a GET: this is another dialect's.
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
        let asked: Request = decode(body)?;
        let (model, stream) = parts(head.uri.path()).unwrap_or_default();
        let model = percent_encoding::percent_decode_str(model).decode_utf8_lossy();
        check_model(Some(&model), &config.model)?;
        let mut prompt = String::new();
        let missing = || Complaint::bad_request("`text_input` is missing".to_owned(), "text_input");
        asked.text_input.ok_or_else(missing)?.push_to(&mut prompt);
        let limit = asked.max_tokens;
        Wanted { prompt, stream, usage: false, limit, ignore_eos: false }.ask(config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        json!({"error": complaint.message})
    }

    fn writer(&self, _: u64, _: u64, model: &str) -> Box<dyn Writer> {
        let said = self.cumulative.then(Mutex::default);
        Box::new(OutputWriter { model: model.to_owned(), said })
    }
}

#[derive(Debug)]
struct OutputWriter {
    model: String,
    /// What was said so far, where every event repeats it.
    said: Option<Mutex<String>>,
}

impl OutputWriter {
    fn output(&self, text: &str) -> Value {
        json!({"model_name": self.model, "model_version": "1", "text_output": text})
    }
}

impl Writer for OutputWriter {
    fn opening(&self, _: Option<Usage>) -> Option<String> {
        None
    }

    fn token(&self, word: &str, first: bool, _: Option<Finish>) -> String {
        let space = if first { "" } else { " " };
        let mut text = format!("{space}{word}");
        if let Some(said) = &self.said {
            let mut said = said.lock();
            said.push_str(&text);
            text.clone_from(&said);
        }
        format!("data: {}\n\n", self.output(&text))
    }

    fn tail(&self, _: Finish, _: Option<Usage>) -> Vec<String> {
        Vec::new()
    }

    fn done(&self, _: bool) -> Option<String> {
        None
    }

    fn error(&self, complaint: &Complaint) -> String {
        format!("data: {}\n\n", json!({"error": complaint.message}))
    }

    /// An answer that ends early lacks its end: nothing else tells.
    fn whole(&self, text: &str, finish: Option<Finish>, _: Option<Usage>) -> String {
        let mut body = self.output(text).to_string();
        if finish.is_none() {
            body.pop();
        }
        body
    }
}
