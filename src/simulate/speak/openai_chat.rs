//! `POST /v1/chat/completions`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::Value;

use super::openai::{self, EventWriter, Kind};
use super::speaker::{Speaker, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Text, decode};

#[derive(Debug)]
pub(super) struct Chat;

impl Speaker for Chat {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "openai-chat"
    }

    fn path(&self) -> &'static str {
        "/v1/chat/completions"
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
        Box::new(EventWriter::new(Kind::Chat, id, created, model))
    }
}

#[derive(Deserialize)]
struct Conversation {
    messages: Option<Vec<Message>>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Text>,
}

fn prompt(body: &[u8]) -> Result<String, Complaint> {
    let chat: Conversation = decode(body)?;
    let messages = chat.messages.filter(|messages| !messages.is_empty()).ok_or_else(|| {
        Complaint::bad_request("`messages` is missing or empty".to_owned(), "messages")
    })?;
    let mut prompt = String::new();
    for text in messages.iter().filter_map(|message| message.content.as_ref()) {
        text.push_to(&mut prompt);
    }
    Ok(prompt)
}
