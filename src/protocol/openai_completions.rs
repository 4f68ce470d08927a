//! `POST /completions`.

use serde_json::{Map, Value, json};

use super::openai::{base_body, decode, text};
use super::{Ask, DecodeError, Frame, Protocol};
use crate::timeline::EventKind;

/// The older OpenAI completions API: a text in, a text out.
#[derive(Debug)]
pub struct OpenAiCompletions;

impl Protocol for OpenAiCompletions {
    fn name(&self) -> &'static str {
        "openai-completions"
    }

    fn path(&self) -> &'static str {
        "completions"
    }

    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let mut body = base_body(ask);
        body.insert("prompt".to_owned(), json!(ask.prompt.text()));
        body
    }

    fn decode(&self, frame: &Frame<'_>, events: &mut Vec<EventKind>) -> Result<(), DecodeError> {
        decode(frame, events, |choice, events| {
            events.extend(text(choice, "text")?.map(EventKind::Content));
            Ok(())
        })
    }
}
