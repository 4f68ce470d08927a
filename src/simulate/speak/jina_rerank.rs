//! `POST /v1/rerank`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::openai;
use super::results::{Answer, WholeWriter, ask, query, ranked};
use super::speaker::{Speaker, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, decode};

#[derive(Debug)]
pub(super) struct Rerank;

#[derive(Deserialize)]
struct Request {
    model: Option<String>,
    query: Option<String>,
    documents: Option<Vec<String>>,
}

impl Speaker for Rerank {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "jina-rerank"
    }

    fn path(&self) -> &'static str {
        "/v1/rerank"
    }

    fn models_path(&self) -> &'static str {
        openai::MODELS
    }

    /// Chat answers at the same place.
    fn asks_for_models(&self, _: &Parts) -> bool {
        false
    }

    fn models(&self, model: &str) -> Value {
        openai::models(model)
    }

    fn read(&self, _: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        let asked: Request = decode(body)?;
        ask(asked.model.as_deref(), "documents", query(asked.query)?, asked.documents, config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        openai::complaint(complaint)
    }

    fn writer(&self, _: u64, _: u64, model: &str) -> Box<dyn Writer> {
        Box::new(WholeWriter::new(model, body))
    }
}

fn body(answer: &Answer<'_>) -> Value {
    let results = ranked(answer.count, "relevance_score");
    let mut body = json!({"model": answer.model, "object": "list", "results": results});
    if let Some(usage) = answer.usage {
        body["usage"] = json!({"prompt_tokens": usage.input, "total_tokens": usage.input});
    }
    body
}
