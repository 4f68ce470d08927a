//! `POST /v2/embed`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::results::{
    Answer, WholeWriter, ask, asks_for_cohere_models, cohere_meta, cohere_models, vectors,
};
use super::speaker::{Speaker, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, decode};

#[derive(Debug)]
pub(super) struct Embed;

#[derive(Deserialize)]
struct Request {
    model: Option<String>,
    texts: Option<Vec<String>>,
    input_type: Option<String>,
}

impl Speaker for Embed {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "cohere-embed"
    }

    fn path(&self) -> &'static str {
        "/v2/embed"
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
        let Request { model, texts, input_type } = decode(body)?;
        if input_type.is_none() {
            let why = "`input_type` is missing".to_owned();
            return Err(Complaint::bad_request(why, "input_type"));
        }
        ask(model.as_deref(), "texts", None, texts, config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        json!({"message": complaint.message})
    }

    fn writer(&self, _: u64, _: u64, model: &str) -> Box<dyn Writer> {
        Box::new(WholeWriter::new(model, body))
    }
}

fn body(answer: &Answer<'_>) -> Value {
    json!({
        "embeddings": {"float": vectors(answer.count)},
        "meta": cohere_meta(answer.usage),
        "response_type": "embeddings_by_type",
    })
}
