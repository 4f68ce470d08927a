//! The dialects: what an API is asked with, and how its answers are read. One file each, one table.
//!
//! # How to add a dialect
//! 1. `src/dialect/<name>.rs`: a type that is a [`Dialect`], its `NAME` and its `new`; its [`Reader`]
//!    keeps what one frame leaves open for the next. Its `mod` line and its line in [`DIALECTS`] go
//!    here.
//! 2. `src/simulate/speak/<name>.rs`: the simulator's half, with its `mod` line and its line in the
//!    table there. The test beside that table then holds the two halves against each other.
//! 3. `tests/dialects/<name>/`: what real servers sent, with `expected.jsonl`.
//!
//! Nothing else changes: `decode` cuts the body into frames as the dialect says and keeps stamps,
//! limits and the guards against what is no answer; everything after it reads a
//! [`Timeline`](crate::answer::timeline::Timeline), which has no dialect.

pub mod anthropic_messages;
mod errors;
mod finish;
mod json;
mod limits;
mod models;
mod openai;
pub mod openai_chat;
pub mod openai_completions;
mod payload;
mod values;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

pub use limits::{RateLimit, RateLimits};
pub use models::ModelPage;
use serde_json::{Map, Value};

use crate::answer::framing::Framing;
use crate::answer::recording::Head;
use crate::answer::timeline::Told;
use crate::workload::captured::Form;
use crate::workload::{LimitKey, Prompt};

/// What a dialect needs to know to write a request.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Model name.
    pub model: &'a str,
    /// The conversation.
    pub prompt: &'a Prompt,
    /// Upper bound of generated tokens.
    pub max_output_tokens: u32,
    /// What that bound is called, where the dialect [bargains](Dialect::bargains).
    pub limit_key: LimitKey,
    /// Which counts of tokens a stream is asked for, where the dialect bargains.
    pub usage: AskUsage,
    /// What kind of answer is wanted.
    pub shape: Shape,
}

/// What of a request decides how its answer is to be read. Kept in flight records, which have no
/// prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Whether a streamed answer was asked for.
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

/// What an API does, which decides what a success is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It generates: an answer without any content is a failure.
    Generate,
}

/// How a key is sent that the configuration gives without a header of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStyle {
    /// `Authorization: Bearer …`.
    Bearer,
    /// In this header, as it is.
    Header(&'static str),
}

/// A framed piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The SSE event name, empty where there is none.
    pub event: &'a str,
    /// The payload: an SSE event's data, a line, or the whole body.
    pub data: &'a str,
    /// Whether this is the whole answer in one body rather than a piece of a stream.
    pub whole: bool,
    /// Whether this is a line of an event stream that belongs to no event: it can tell an error,
    /// and nothing else.
    pub bare: bool,
}

/// A payload that does not follow the dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Breaks off: it could be the beginning of something valid.
    #[error("{0}")]
    Partial(String),
    /// Wrong in itself.
    #[error("{0}")]
    Malformed(String),
}

/// One API: pure, and without a clock.
pub trait Dialect: fmt::Debug + Send + Sync {
    /// The name in the configuration, in flight records and in `target_info`.
    fn name(&self) -> &'static str;

    /// What a success is.
    fn kind(&self) -> Kind;

    /// How a key is sent.
    fn key(&self) -> KeyStyle {
        KeyStyle::Bearer
    }

    /// Where a request is sent with POST: the path below the target's base URL, and its query.
    fn path(&self, model: &str, shape: Shape) -> String;

    /// Headers of the API's own, names in lower case; a target's own header of the same name
    /// replaces one.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The JSON request body.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value>;

    /// The form of the captured requests it can send; `None` for none.
    fn captured_form(&self) -> Option<Form> {
        None
    }

    /// Whether servers of this API differ in what they call the limit of tokens and in which counts
    /// they take to be asked for, so that a refusal is answered with another request.
    fn bargains(&self) -> bool {
        false
    }

    /// How the answer of this shape is framed. Liberally: a whole body in place of a stream of
    /// events, or the reverse, is read all the same.
    fn framing(&self, shape: Shape, head: Option<&Head>) -> Framing;

    /// Reads one answer.
    fn reader(&self, shape: Shape) -> Box<dyn Reader>;

    /// The first page of the server's list of models: path and query below the base URL.
    fn models(&self) -> &'static str;

    /// Reads a page of the list; `None` for what is none.
    fn model_page(&self, page: &Value) -> Option<ModelPage>;

    /// What the headers of an answer say about rate limits.
    fn rate_limits(&self, head: &Head) -> RateLimits;
}

/// What has been read of one answer, as far as later frames depend on it.
pub trait Reader: Send {
    /// Reads status and headers, before the first frame, with whose bytes they are stamped.
    fn head(&mut self, _head: &Head, _told: &mut Vec<Told>) {}

    /// Reads one frame, appending what it tells.
    ///
    /// # Errors
    /// When the frame is not what the dialect allows.
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError>;

    /// The body has ended, by itself where `complete`: for a dialect that has no other end. Stamped
    /// with the last bytes.
    fn end(&mut self, _complete: bool, _told: &mut Vec<Told>) {}
}

/// A dialect that is shared; equal by name, since no dialect has options.
#[derive(Debug, Clone)]
pub struct SharedDialect(Arc<dyn Dialect>);

impl SharedDialect {
    /// Shares it.
    #[must_use]
    pub fn new(dialect: impl Dialect + 'static) -> Self {
        Self(Arc::new(dialect))
    }
}

impl Deref for SharedDialect {
    type Target = dyn Dialect;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl PartialEq for SharedDialect {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

/// Makes a dialect.
pub type Constructor = fn() -> SharedDialect;

/// Every dialect, by its name in the configuration. The registration line of a new one goes here.
pub static DIALECTS: [(&str, Constructor); 3] = [
    (openai_chat::NAME, openai_chat::new),
    (openai_completions::NAME, openai_completions::new),
    (anthropic_messages::NAME, anthropic_messages::new),
];

/// Looks a dialect up by its configuration name.
#[must_use]
pub fn by_name(name: &str) -> Option<SharedDialect> {
    DIALECTS.iter().find(|(known, _)| *known == name).map(|(_, new)| new())
}

/// The names of all dialects.
pub fn names() -> impl Iterator<Item = &'static str> {
    DIALECTS.iter().map(|(name, _)| *name)
}

/// One of each.
pub fn all() -> impl Iterator<Item = SharedDialect> {
    DIALECTS.iter().map(|(_, new)| new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_the_name_it_has() {
        for (name, new) in DIALECTS {
            assert_eq!(new().name(), name);
            assert_eq!(by_name(name), Some(new()));
        }
        let names: std::collections::BTreeSet<_> = names().collect();
        assert_eq!(names.len(), DIALECTS.len(), "two of one name");
        assert!(by_name("nothing").is_none());
    }
}
