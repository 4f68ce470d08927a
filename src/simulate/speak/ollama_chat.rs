//! `POST /api/chat`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ollama::{self, LineWriter};
use super::speaker::{Speaker, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Text, decode};

#[derive(Debug)]
pub(super) struct Chat;

impl Speaker for Chat {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "ollama-chat"
    }

    #[cfg(test)]
    fn hides_the_cache(&self, _: bool) -> bool {
        true
    }

    fn path(&self) -> &'static str {
        "/api/chat"
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
        let wrap = |text: &str| ("message", json!({"role": "assistant", "content": text}));
        Box::new(LineWriter::new(model, wrap))
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
    let contents = messages.iter().filter_map(|message| message.content.as_ref());
    contents.for_each(|text| text.push_to(&mut prompt));
    Ok(prompt)
}
