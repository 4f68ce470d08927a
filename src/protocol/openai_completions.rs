//! `POST /completions`.

use serde_json::{Map, Value, json};

use super::openai::{base_body, captured_body, decode, reasoning, text};
use super::{Ask, DecodeError, Frame, Protocol};
use crate::timeline::{EventKind, Told};
use crate::workload::captured::Form;

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

    fn captured_form(&self) -> Option<Form> {
        Some(Form::Completions)
    }

    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        if let Some(captured) = &ask.prompt.captured {
            return captured_body(ask, captured);
        }
        let mut body = base_body(ask);
        body.insert("prompt".to_owned(), json!(ask.prompt.text()));
        body
    }

    fn decode(&self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        decode(frame, told, |choice, events| {
            reasoning(choice, events);
            events.extend(text(choice, "text")?.map(EventKind::Content));
            Ok(())
        })
    }
}
