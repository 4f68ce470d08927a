//! The wire protocols: what to send, how to read the answer. One file each, one table.

mod json;
mod openai;
pub mod openai_chat;
pub mod openai_completions;

use std::fmt;

use serde_json::{Map, Value};

use crate::timeline::Told;
use crate::workload::captured::Form;
use crate::workload::{LimitKey, Prompt};

/// What a protocol needs to know to write a request.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Model name.
    pub model: &'a str,
    /// The conversation.
    pub prompt: &'a Prompt,
    /// Upper bound of generated tokens.
    pub max_output_tokens: u32,
    /// What that bound is called.
    pub limit_key: LimitKey,
    /// Which counts of tokens a stream is asked for.
    pub usage: AskUsage,
    /// Whether a streamed answer is wanted.
    pub stream: bool,
}

/// Which counts of tokens a stream is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskUsage {
    /// None: some servers refuse the question.
    Not,
    /// Once, behind the answer.
    AtTheEnd,
    /// The count so far with every event, and once behind the answer.
    Continuously,
}

/// A framed piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The SSE event name, empty where there is none.
    pub event: &'a str,
    /// The payload: an SSE event's data, or the whole body.
    pub data: &'a str,
    /// Whether this is the whole answer in one body rather than a piece of a stream.
    pub whole: bool,
    /// Whether this is a line of an event stream that belongs to no event: it can tell an error,
    /// and nothing else.
    pub bare: bool,
}

/// A payload that does not follow the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeError {
    /// Breaks off: it could be the beginning of something valid.
    Partial(String),
    /// Wrong in itself.
    Malformed(String),
}

/// One API.
pub trait Protocol: Send + Sync {
    /// The name in the configuration and in `target_info`.
    fn name(&self) -> &'static str;

    /// Path below the target's base URL.
    fn path(&self) -> &'static str;

    /// The form of the captured requests it can send; `None` for none.
    fn captured_form(&self) -> Option<Form> {
        None
    }

    /// The JSON request body.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value>;

    /// Reads one frame, appending what it tells.
    ///
    /// # Errors
    /// When the frame is not what the protocol allows.
    fn decode(&self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError>;
}

/// Every protocol, by name. The registration line of a new one goes here.
pub static PROTOCOLS: [&dyn Protocol; 2] =
    [&openai_chat::OpenAiChat, &openai_completions::OpenAiCompletions];

/// Looks a protocol up by its configuration name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Protocol> {
    PROTOCOLS.into_iter().find(|p| p.name() == name)
}

impl fmt::Debug for dyn Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for dyn Protocol {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}
