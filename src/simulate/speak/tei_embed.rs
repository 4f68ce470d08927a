//! `POST /embed`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::results::{Answer, Texts, WholeWriter, ask, info, vectors};
use super::speaker::{Speaker, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, decode};

#[derive(Debug)]
pub(super) struct Embed;

#[derive(Deserialize)]
struct Request {
    inputs: Option<Texts>,
}

impl Speaker for Embed {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "tei-embed"
    }

    fn path(&self) -> &'static str {
        "/embed"
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
        let Request { inputs } = decode(body)?;
        ask(None, "inputs", None, inputs.map(Texts::into_list), config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        json!({"error": complaint.message, "error_type": complaint.kind})
    }

    fn writer(&self, _: u64, _: u64, model: &str) -> Box<dyn Writer> {
        Box::new(WholeWriter::new(model, body))
    }
}

fn body(answer: &Answer<'_>) -> Value {
    vectors(answer.count)
}
