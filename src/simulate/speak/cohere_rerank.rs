//! `POST /v2/rerank`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::results::{
    Answer, WholeWriter, ask, asks_for_cohere_models, cohere_meta, cohere_models, query, ranked,
};
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
        "cohere-rerank"
    }

    fn path(&self) -> &'static str {
        "/v2/rerank"
    }

    fn models_path(&self) -> &'static str {
        "/v1/models"
    }

    fn asks_for_models(&self, request: &Parts) -> bool {
        asks_for_cohere_models(request)
    }

    fn models(&self, model: &str) -> Value {
        cohere_models(model)
    }

    fn read(&self, _: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        let asked: Request = decode(body)?;
        ask(asked.model.as_deref(), "documents", query(asked.query)?, asked.documents, config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        json!({"message": complaint.message})
    }

    fn writer(&self, _: u64, _: u64, model: &str) -> Box<dyn Writer> {
        Box::new(WholeWriter::new(model, body))
    }
}

fn body(answer: &Answer<'_>) -> Value {
    json!({"results": ranked(answer.count, "relevance_score"), "meta": cohere_meta(answer.usage)})
}
