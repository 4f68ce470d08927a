//! `POST /v1/embeddings`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::openai;
use super::results::{Answer, Texts, WholeWriter, ask, vectors};
use super::speaker::{Speaker, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, decode};

#[derive(Debug)]
pub(super) struct Embeddings;

#[derive(Deserialize)]
struct Request {
    model: Option<String>,
    input: Option<Texts>,
}

impl Speaker for Embeddings {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "openai-embeddings"
    }

    fn path(&self) -> &'static str {
        "/v1/embeddings"
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

    fn read(&self, _: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        let Request { model, input } = decode(body)?;
        ask(model.as_deref(), "input", None, input.map(Texts::into_list), config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        openai::complaint(complaint)
    }

    fn writer(&self, _: u64, _: u64, model: &str) -> Box<dyn Writer> {
        Box::new(WholeWriter::new(model, body))
    }
}

fn body(answer: &Answer<'_>) -> Value {
    let vectors = vectors(answer.count);
    let vectors = vectors.as_array().into_iter().flatten().enumerate();
    let element = |(index, vector): (usize, &Value)| json!({"object": "embedding", "index": index, "embedding": vector});
    let data: Value = vectors.map(element).collect();
    let mut body = json!({"object": "list", "model": answer.model, "data": data});
    if let Some(usage) = answer.usage {
        body["usage"] = json!({"prompt_tokens": usage.input, "total_tokens": usage.input});
    }
    body
}
