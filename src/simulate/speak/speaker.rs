//! The server's half of a dialect.

use std::fmt::Debug;

use bytes::Bytes;
use http::request::Parts;
use parking_lot::Mutex;
use serde_json::Value;

use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::Ask;

/// The server's half of a dialect.
pub(in crate::simulate) trait Speaker: Debug + Send + Sync {
    /// The dialect's name.
    #[cfg(test)]
    fn name(&self) -> &'static str;

    /// Whether it never says how many tokens of the prompt came from a cache, streamed or not.
    #[cfg(test)]
    fn hides_the_cache(&self, _stream: bool) -> bool {
        false
    }

    /// Whether an answer neither says that it has ended nor counts its tokens.
    #[cfg(test)]
    fn ends_with_the_body(&self) -> bool {
        false
    }

    /// Where requests are sent with POST.
    fn path(&self) -> &'static str;

    /// Whether requests of this dialect are sent to `path`: where that has the model in it, or
    /// differs with what is asked for.
    fn takes(&self, path: &str) -> bool {
        path == self.path()
    }

    /// Whether this is a request of this dialect, where others have theirs at the same path.
    fn knows(&self, _body: &[u8]) -> bool {
        true
    }

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
pub(in crate::simulate) trait Writer: Debug + Send + Sync {
    /// The media type of a stream.
    fn stream_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    /// The bytes of what is written here as text.
    fn pack(&self, text: String) -> Bytes {
        text.into()
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

    /// Headers of a whole answer, names in lower case.
    fn headers(&self, _usage: Option<Usage>) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// A whole body. `finish` is absent where a fault ends the answer early.
    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String;
}

/// What an answer has said so far, for dialects that say it again.
#[derive(Debug, Default)]
pub(in crate::simulate) struct SoFar(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    text: String,
    tokens: u32,
    usage: Option<Usage>,
}

impl SoFar {
    /// The answer begins, with these tokens in its prompt where they are to be counted.
    pub fn begin(&self, usage: Option<Usage>) {
        self.0.lock().usage = usage;
    }

    /// One more token, which is this piece of text.
    pub fn add(&self, piece: &str) {
        let mut said = self.0.lock();
        said.text.push_str(piece);
        said.tokens += 1;
    }

    /// All of the text.
    pub fn text(&self) -> String {
        self.0.lock().text.clone()
    }

    /// The counts so far, where they are wanted.
    pub fn counted(&self) -> Option<Usage> {
        let said = self.0.lock();
        said.usage.map(|usage| Usage { output: said.tokens, ..usage })
    }
}

/// The text of a token, which is a word.
pub(in crate::simulate) fn piece(word: &str, first: bool) -> String {
    let space = if first { "" } else { " " };
    format!("{space}{word}")
}

/// Why an answer is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::simulate) enum Finish {
    Stop,
    Length,
}

/// Token counts of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::simulate) struct Usage {
    pub input: u32,
    pub output: u32,
    /// `None` without a prefix cache.
    pub cached: Option<u32>,
}
