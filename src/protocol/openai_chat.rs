//! `POST /chat/completions`.

use serde_json::{Map, Value};

use super::{Ask, DecodeError, Frame, Protocol};
use crate::timeline::EventKind;

/// The OpenAI chat API, as `OpenAI`, vLLM, `SGLang`, llama.cpp, Ollama and gateways serve it.
#[derive(Debug)]
pub struct OpenAiChat;

impl Protocol for OpenAiChat {
    fn name(&self) -> &'static str {
        "openai-chat"
    }

    fn path(&self) -> &'static str {
        "chat/completions"
    }

    fn body(&self, _ask: &Ask<'_>) -> Map<String, Value> {
        Map::new()
    }

    fn decode(&self, _frame: &Frame<'_>, _events: &mut Vec<EventKind>) -> Result<(), DecodeError> {
        Ok(())
    }
}
