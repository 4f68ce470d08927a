//! `POST /v1/completions`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::Value;

use super::openai::{self, EventWriter, Kind};
use super::speaker::{Speaker, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Text, decode};

#[derive(Debug)]
pub(super) struct Completions;

impl Speaker for Completions {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "openai-completions"
    }

    fn path(&self) -> &'static str {
        "/v1/completions"
    }

    fn models_path(&self) -> &'static str {
        openai::MODELS
    }

    fn asks_for_models(&self, request: &Parts) -> bool {
        openai::asks_for_models(request)
    }

    fn models(&self, model: &str) -> Value {
        openai::models(model)
    }

    fn read(&self, _: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        openai::read(body, config, prompt)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        openai::complaint(complaint)
    }

    fn writer(&self, id: u64, created: u64, model: &str) -> Box<dyn Writer> {
        Box::new(EventWriter::new(Kind::Completion, id, created, model))
    }
}

#[derive(Deserialize)]
struct Completion {
    prompt: Option<Text>,
}

fn prompt(body: &[u8]) -> Result<String, Complaint> {
    let completion: Completion = decode(body)?;
    let text = completion
        .prompt
        .ok_or_else(|| Complaint::bad_request("`prompt` is missing".to_owned(), "prompt"))?;
    let mut prompt = String::new();
    text.push_to(&mut prompt);
    Ok(prompt)
}
