//! `POST /api/generate`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ollama::{self, LineWriter};
use super::speaker::{Speaker, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Text, decode};

#[derive(Debug)]
pub(super) struct Generate;

impl Speaker for Generate {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "ollama-generate"
    }

    #[cfg(test)]
    fn hides_the_cache(&self, _: bool) -> bool {
        true
    }

    fn path(&self) -> &'static str {
        "/api/generate"
    }

    fn models_path(&self) -> &'static str {
        ollama::MODELS
    }

    fn asks_for_models(&self, _: &Parts) -> bool {
        true
    }

    fn models(&self, model: &str) -> Value {
        ollama::models(model)
    }

    fn read(&self, _: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        ollama::read(body, config, prompt)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        ollama::complaint(complaint)
    }

    fn writer(&self, _: u64, _: u64, model: &str) -> Box<dyn Writer> {
        Box::new(LineWriter::new(model, |text| ("response", json!(text))))
    }
}

#[derive(Deserialize)]
struct Asked {
    system: Option<Text>,
    prompt: Option<Text>,
}

fn prompt(body: &[u8]) -> Result<String, Complaint> {
    let asked: Asked = decode(body)?;
    let text = asked
        .prompt
        .ok_or_else(|| Complaint::bad_request("`prompt` is missing".to_owned(), "prompt"))?;
    let mut prompt = String::new();
    asked.system.iter().chain([&text]).for_each(|text| text.push_to(&mut prompt));
    Ok(prompt)
}
