//! The dialects as the simulator speaks them: one file each, one table, as in [`crate::dialect`].
//!
//! The same generation (which token when) is written in each; what a dialect says in events of its
//! own, or leaves out, is decided here.

mod anthropic_messages;
mod openai;
mod openai_chat;
mod openai_completions;

use std::fmt::Debug;

use http::request::Parts;
use serde_json::Value;

use super::config::SimulatorConfig;
use super::reply::Complaint;
use super::request::Ask;

/// Every dialect. The registration line of a new one goes here.
pub(super) static SPEAKERS: [&dyn Speaker; 3] =
    [&openai_chat::Chat, &openai_completions::Completions, &anthropic_messages::Messages];

/// The server's half of a dialect.
pub(super) trait Speaker: Debug + Send + Sync {
    /// The dialect's name.
    #[cfg(test)]
    fn name(&self) -> &'static str;

    /// Where requests are sent with POST.
    fn path(&self) -> &'static str;

    /// Where the list of models is.
    fn models_path(&self) -> &'static str;

    /// Whether a request for a list of models at that path is in this dialect, where others have
    /// theirs at the same.
    fn asks_for_models(&self, request: &Parts) -> bool;

    /// The list of models, with one on it.
    fn models(&self, model: &str) -> Value;

    /// Reads a request.
    fn read(&self, head: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint>;

    /// A complaint, as the body of a refusal.
    fn complaint(&self, complaint: &Complaint) -> Value;

    /// What writes the answer with this number that was begun at `created`, in Unix seconds.
    fn writer(&self, id: u64, created: u64, model: &str) -> Box<dyn Writer>;
}

/// Writes one answer: as a stream, or whole.
pub(super) trait Writer: Debug + Send + Sync {
    /// The media type of a stream.
    fn stream_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    /// What a stream begins with, if it begins with anything; counts tokens of the prompt where
    /// they are known and asked for.
    fn opening(&self, usage: Option<Usage>) -> Option<String>;

    /// One token, with the finish reason if it is the last one of an answer that the limit ends.
    fn token(&self, word: &str, first: bool, finish: Option<Finish>) -> String;

    /// What follows the last token, each with a write of its own.
    fn tail(&self, finish: Finish, usage: Option<Usage>) -> Vec<String>;

    /// What ends the stream, also after an error.
    fn done(&self, failed: bool) -> Option<String>;

    /// An error in the middle of a stream.
    fn error(&self, complaint: &Complaint) -> String;

    /// A whole body. `finish` is absent where a fault ends the answer early.
    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String;
}

/// Why an answer is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    Length,
}

/// Token counts of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    pub input: u32,
    pub output: u32,
    /// `None` without a prefix cache.
    pub cached: Option<u32>,
}
