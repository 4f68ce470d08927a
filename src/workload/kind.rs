//! One kind of request in the mix.

use std::sync::Arc;
use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use super::judged::Part;
use super::prompt::Prompt;
use super::validator::Validator;

/// Whether the server's prefix cache can know the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// A random nonce in front of every prompt: the cache is defeated.
    Unique,
    /// The prompt as it stands: the cache is measured.
    Shared,
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
}
