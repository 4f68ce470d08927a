//! What Ollama's own APIs share: the list of models, complaints, and lines in which the piece that
//! was generated stands under a key of each API's own.

use serde::Deserialize;
use serde_json::{Value, json};

use super::speaker::{Finish, Usage, Writer, piece};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Wanted, check_model, decode};

/// Where both list their models.
pub(super) const MODELS: &str = "/api/tags";

/// What both are asked with.
#[derive(Deserialize)]
struct Common {
    model: Option<String>,
    options: Option<Options>,
    stream: Option<bool>,
}

#[derive(Deserialize)]
struct Options {
    num_predict: Option<u32>,
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
        // Who does not say gets a stream.
        stream: common.stream.unwrap_or(true),
        usage: true,
        limit: common.options.and_then(|options| options.num_predict),
        ignore_eos: false,
    };
    wanted.ask(config)
}

pub(super) fn models(model: &str) -> Value {
    json!({"models": [{"name": model, "model": model}]})
}

pub(super) fn complaint(complaint: &Complaint) -> Value {
    json!({"error": complaint.message})
}

/// Writes the lines of one answer, each of which looks like the whole.
#[derive(Debug)]
pub(super) struct LineWriter {
    model: String,
    /// What was generated, as this API writes it.
    wrap: fn(&str) -> (&'static str, Value),
}

impl LineWriter {
    pub fn new(model: &str, wrap: fn(&str) -> (&'static str, Value)) -> Self {
        Self { model: model.to_owned(), wrap }
    }

    fn line(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> Value {
        let (key, wrapped) = (self.wrap)(text);
        let mut line = json!({"model": self.model, key: wrapped, "done": finish.is_some()});
        if let Some(finish) = finish {
            line["done_reason"] = json!(match finish {
                Finish::Stop => "stop",
                Finish::Length => "length",
            });
        }
        if let Some(usage) = usage {
            line["prompt_eval_count"] = json!(usage.input);
            line["eval_count"] = json!(usage.output);
        }
        line
    }
}

impl Writer for LineWriter {
    fn stream_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn opening(&self, _: Option<Usage>) -> Option<String> {
        None
    }

    fn token(&self, word: &str, first: bool, _: Option<Finish>) -> String {
        format!("{}\n", self.line(&piece(word, first), None, None))
    }

    fn tail(&self, finish: Finish, usage: Option<Usage>) -> Vec<String> {
        vec![format!("{}\n", self.line("", Some(finish), usage))]
    }

    /// Its last line is the end.
    fn done(&self, _: bool) -> Option<String> {
        None
    }

    fn error(&self, complaint: &Complaint) -> String {
        format!("{}\n", self::complaint(complaint))
    }

    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String {
        self.line(text, finish, usage).to_string()
    }
}
