//! What a dialect is: what it is asked with, and what it reads.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::models::ModelPage;
use crate::answer::framing::Framing;
use crate::answer::rate_limit::RateLimits;
use crate::answer::recording::Head;
use crate::answer::slo::ObjectiveKind;
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

/// What an API does, which decides what a success is and which figures there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It generates: an answer without any content is a failure.
    Generate,
    /// It turns a text into a vector: an answer without one for each text is a failure.
    Embed,
    /// It orders documents by a query: an answer that leaves some out is a failure.
    Rerank,
    /// It writes down what is said: an answer without any text is a failure.
    Transcribe,
}

impl Kind {
    /// Whether answers are texts, which may come piece by piece. Of all others the only figure of
    /// time is their latency.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Generate | Self::Transcribe)
    }

    /// Whether what it does has the figure that an objective of this kind bounds.
    #[must_use]
    pub fn has(self, objective: ObjectiveKind) -> bool {
        self.writes() || objective == ObjectiveKind::RequestLatency
    }
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Its media type.
    pub media_type: String,
    /// As it is sent.
    pub bytes: Vec<u8>,
}

impl Body {
    /// One JSON object.
    ///
    /// # Errors
    /// The library's, if it cannot write a value.
    pub fn json(object: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        let bytes = serde_json::to_vec(object)?;
        Ok(Self { media_type: "application/json".to_owned(), bytes })
    }
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
    fn kind(&self) -> Kind {
        Kind::Generate
    }

    /// How a key is sent.
    fn key(&self) -> KeyStyle {
        KeyStyle::Bearer
    }

    /// The AWS service that requests are signed for where the configuration has no key; `None` of
    /// all other APIs.
    fn signed_for(&self) -> Option<&'static str> {
        None
    }

    /// Where a request is sent with POST: the path below the target's base URL, and its query.
    fn path(&self, model: &str, shape: Shape) -> String;

    /// Headers of the API's own, names in lower case; a target's own header of the same name
    /// replaces one.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The JSON request body, or the fields of a request in another form.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value>;

    /// Writes the body, once the keys of the configuration are in it.
    ///
    /// # Errors
    /// The library's, if it cannot write a value.
    fn encode(&self, _ask: &Ask<'_>, body: &Map<String, Value>) -> Result<Body, serde_json::Error> {
        Body::json(body)
    }

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
    fn framing(&self, shape: Shape, _head: Option<&Head>) -> Framing {
        if shape.stream { Framing::Sse } else { Framing::Whole }
    }

    /// Reads one answer.
    fn reader(&self, shape: Shape) -> Box<dyn Reader>;

    /// The first page of the server's list of models: path and query below the base URL.
    fn models(&self) -> &'static str {
        "models"
    }

    /// Whether its servers have such a list; where they have none, the configuration names the model.
    fn lists_models(&self) -> bool {
        true
    }

    /// Reads a page of the list; `None` for what is none.
    fn model_page(&self, page: &Value) -> Option<ModelPage> {
        ModelPage::only(page)
    }

    /// What the headers of an answer say about rate limits.
    fn rate_limits(&self, head: &Head) -> RateLimits {
        RateLimits::usual(head)
    }
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

/// A name as a part of a path: what would end the path is encoded, and what a URL cannot have
/// otherwise is encoded when the URL is made.
pub(super) fn path_part(name: &str) -> String {
    name.replace('%', "%25").replace('?', "%3F").replace('#', "%23")
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
