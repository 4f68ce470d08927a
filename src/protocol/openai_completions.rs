//! `POST /completions`.

use serde_json::{Map, Value};

use super::{Ask, DecodeError, Frame, Protocol};
use crate::timeline::EventKind;

/// The OpenAI completions API.
#[derive(Debug)]
pub struct OpenAiCompletions;

impl Protocol for OpenAiCompletions {
    fn name(&self) -> &'static str {
        "openai-completions"
    }

    fn path(&self) -> &'static str {
        "completions"
    }

    fn body(&self, _ask: &Ask<'_>) -> Map<String, Value> {
        Map::new()
    }

    fn decode(&self, _frame: &Frame<'_>, _events: &mut Vec<EventKind>) -> Result<(), DecodeError> {
        Ok(())
    }
}
