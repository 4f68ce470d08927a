//! `POST /completions`.

use serde_json::{Map, Value, json};

use super::language::{Ask, DecodeError, Dialect, Frame, Reader, Shape, SharedDialect};
use super::openai::request::{base_body, captured_body};
use super::openai::{decode, reasoning};
use super::values::text;
use crate::answer::timeline::{EventKind, Told};
use crate::workload::captured::Form;

/// The older OpenAI completions API: a text in, a text out.
#[derive(Debug)]
pub struct OpenAiCompletions;

/// The name in the configuration.
pub const NAME: &str = "openai-completions";

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(OpenAiCompletions)
}

impl Dialect for OpenAiCompletions {
    fn name(&self) -> &'static str {
        NAME
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "completions".to_owned()
    }

    fn captured_form(&self) -> Option<Form> {
        Some(Form::Completions)
    }

    fn bargains(&self) -> bool {
        true
    }

    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        if let Some(captured) = &ask.prompt.captured {
            return captured_body(ask, captured);
        }
        let mut body = base_body(ask);
        body.insert("prompt".to_owned(), json!(ask.prompt.text()));
        body
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(ChoiceReader)
    }
}

/// Every frame says by itself what it is.
struct ChoiceReader;

impl Reader for ChoiceReader {
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        decode(frame, told, |choice, events| {
            reasoning(choice, events);
            events.extend(text(choice, "text")?.map(EventKind::Content));
            Ok(())
        })
    }
}
