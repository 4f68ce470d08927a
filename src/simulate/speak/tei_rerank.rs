//! `POST /rerank`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::results::{Answer, WholeWriter, ask, info, query, ranked};
use super::speaker::{Speaker, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, decode};

#[derive(Debug)]
pub(super) struct Rerank;

#[derive(Deserialize)]
struct Request {
    query: Option<String>,
    texts: Option<Vec<String>>,
}

impl Speaker for Rerank {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "tei-rerank"
    }

    fn path(&self) -> &'static str {
        "/rerank"
    }

    fn models_path(&self) -> &'static str {
        "/info"
    }

    fn asks_for_models(&self, _: &Parts) -> bool {
        true
    }

    fn models(&self, model: &str) -> Value {
        info(model)
    }

    fn read(&self, _: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        let asked: Request = decode(body)?;
        ask(None, "texts", query(asked.query)?, asked.texts, config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        json!({"error": complaint.message, "error_type": complaint.kind})
    }

    fn writer(&self, _: u64, _: u64, model: &str) -> Box<dyn Writer> {
        Box::new(WholeWriter::new(model, body))
    }
}

fn body(answer: &Answer<'_>) -> Value {
    ranked(answer.count, "score")
}
