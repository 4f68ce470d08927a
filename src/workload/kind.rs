//! One kind of request in the mix.

use std::sync::Arc;
use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use super::audio::Audio;
use super::judged::Part;
use super::prompt::Prompt;
use super::synthetic::Lexicon;
use super::validator::Validator;

/// Whether the server's prefix cache can know the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// A random nonce in front of every prompt: the cache is defeated.
    Unique,
    /// The prompt as it stands: the cache is measured.
    Shared,
    /// One of some fixed texts in turn, and behind it what is unique: the cache is kept under
    /// pressure.
    Tiles(Tiles),
}

impl Prefix {
    /// The word in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unique => "unique",
            Self::Shared => "shared",
            Self::Tiles(_) => "tiles",
        }
    }
}

/// Fixed beginnings of prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiles {
    /// How many, at least one.
    pub number: u32,
    /// Tokens of each. `None`: half of a prompt whose text is made, and as many as the prompt itself
    /// has otherwise, so that it is half of what is sent.
    pub tokens: Option<u32>,
}

impl Tiles {
    /// How much of a prompt of so many tokens is the tile: not all of it.
    #[must_use]
    pub fn share_of(self, tokens: u32) -> u32 {
        self.tokens.unwrap_or(tokens / 2).min(tokens.saturating_sub(1))
    }
}

/// How the readers of a workload leave the server with an answer that they do not take in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// After so many tokens.
    AfterOutputTokens(u64),
    /// So long after the probe began.
    After(Duration),
    /// Never, but so slowly that the server has to wait: it says nothing about the server's own times.
    Slow {
        /// What is read in a second.
        bytes_per_second: u32,
    },
}

/// What was found in a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rows {
    /// Taken.
    pub used: u64,
    /// Not usable, such as a request without an answer.
    pub unusable: u64,
}

/// What the upper bound of generated tokens is called in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum LimitKey {
    /// `max_tokens`: what every server knows but those of newer models.
    MaxTokens,
    /// `max_completion_tokens`: reasoning models of OpenAI take nothing else.
    MaxCompletionTokens,
}

impl LimitKey {
    /// Every value.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The key in a request, and the word in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One kind of request in the mix.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Name, a label value.
    pub name: String,
    /// Share in the mix, relative to the other workloads of a target; positive.
    pub weight: f64,
    /// The prompts to draw from, uniformly; never empty.
    pub prompts: Arc<[Prompt]>,
    /// What the prompts are the queries for, where an API orders documents; empty for the
    /// built-in ones.
    pub documents: Arc<[String]>,
    /// What an API that transcribes is given to write down; `None` for a tone that is made.
    pub audio: Option<Arc<Audio>>,
    /// Prefix-cache behaviour.
    pub prefix: Prefix,
    /// Upper bound of generated tokens.
    pub max_output_tokens: u32,
    /// What that bound is called; `None` finds out.
    pub limit_key: Option<LimitKey>,
    /// Keys merged into the request body after the target's; a null removes the key.
    pub extra_body: serde_json::Map<String, serde_json::Value>,
    /// The part of an answer that the validators look at.
    pub judged: Part,
    /// All must accept the answer.
    pub validators: Vec<Validator>,
    /// Without progress after the first content, whatever the target's limit is.
    pub stall_timeout: Option<Duration>,
    /// What texts are made of, where some are.
    pub lexicon: Option<Arc<Lexicon>>,
    /// When its readers stop reading; `None` reads to the end.
    pub cancel: Option<Cancel>,
    /// How conversations go on; `None` asks once.
    pub conversation: Option<Conversation>,
    /// Of a data set.
    pub rows: Option<Rows>,
}

/// Several turns of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversation {
    /// Questions of each conversation, at most; at least two.
    pub turns: u32,
    /// From the end of an answer to the next question.
    pub think_time: Duration,
}

impl Workload {
    /// How much of an answer is read in a second, where its readers are slower than the server.
    #[must_use]
    pub fn bytes_read_per_second(&self) -> Option<u32> {
        match self.cancel? {
            Cancel::Slow { bytes_per_second } => Some(bytes_per_second),
            Cancel::AfterOutputTokens(_) | Cancel::After(_) => None,
        }
    }

    /// One that asks these prompts as simply as can be.
    #[must_use]
    pub fn new(name: String, prompts: Arc<[Prompt]>) -> Self {
        Self {
            name,
            weight: 1.0,
            prompts,
            documents: Arc::default(),
            audio: None,
            prefix: Prefix::Unique,
            max_output_tokens: 64,
            limit_key: None,
            extra_body: serde_json::Map::new(),
            judged: Part::Answer,
            validators: Vec::new(),
            stall_timeout: None,
            lexicon: None,
            cancel: None,
            conversation: None,
            rows: None,
        }
    }
}
