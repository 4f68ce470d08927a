//! `POST /api/embed`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::results::{Answer, Texts, WholeWriter, ask, vectors};
use super::speaker::{Speaker, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, decode};

#[derive(Debug)]
pub(super) struct Embed;

#[derive(Deserialize)]
struct Request {
    model: Option<String>,
    input: Option<Texts>,
}

impl Speaker for Embed {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "ollama-embed"
    }

    fn path(&self) -> &'static str {
        "/api/embed"
    }

    fn models_path(&self) -> &'static str {
        "/api/tags"
    }

    fn asks_for_models(&self, _: &Parts) -> bool {
        true
    }

    fn models(&self, model: &str) -> Value {
        json!({"models": [{"name": model, "model": model}]})
    }

    fn read(&self, _: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        let Request { model, input } = decode(body)?;
        ask(model.as_deref(), "input", None, input.map(Texts::into_list), config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        json!({"error": complaint.message})
    }

    fn writer(&self, _: u64, _: u64, model: &str) -> Box<dyn Writer> {
        Box::new(WholeWriter::new(model, body))
    }
}

fn body(answer: &Answer<'_>) -> Value {
    let mut body = json!({"model": answer.model, "embeddings": vectors(answer.count)});
    if let Some(usage) = answer.usage {
        body["prompt_eval_count"] = json!(usage.input);
    }
    body
}
