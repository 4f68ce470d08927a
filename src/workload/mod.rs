//! The weighted prompt mix: what to ask, how often, and what the answer must satisfy.

pub mod builtin;
pub mod captured;
pub mod mix;
pub mod prompt;
pub mod replay;
pub mod validator;

use std::sync::Arc;
use std::time::Duration;

pub use captured::Captured;
pub use mix::Mix;
pub use prompt::{Message, Prompt};
pub use validator::Validator;

/// Whether the server's prefix cache can know the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// A random nonce in front of every prompt: the cache is defeated.
    Unique,
    /// The prompt as it stands: the cache is measured.
    Shared,
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
    /// All must accept the answer.
    pub validators: Vec<Validator>,
    /// Without progress after the first content, whatever the target's limit is.
    pub stall_timeout: Option<Duration>,
}
