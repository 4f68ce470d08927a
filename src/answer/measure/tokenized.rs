//! Token counts by the target's tokenizer.

use super::shown::Texts;
use crate::answer::timeline::Timeline;

/// Token counts by the target's tokenizer, for what the server does not report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokenized {
    /// Tokens of the prompt's text (a chat template's own tokens are not in it).
    pub input: Option<u64>,
    /// Tokens of the answer, reasoning and tool calls included.
    pub output: Option<u64>,
    /// Of them, reasoning; absent where there was none.
    pub reasoning: Option<u64>,
    /// Of them, what came with the first read that held content.
    pub first_read: Option<u64>,
    /// Of what is not reasoning, what came with the first read that held some.
    pub first_answer_read: Option<u64>,
}

impl Tokenized {
    /// Counts what matters of a prompt and an answer.
    #[must_use]
    pub fn by(count: impl Fn(&str) -> Option<u64>, prompt: &str, answer: &Timeline) -> Self {
        let texts = Texts::of(answer);
        let some = |text: &str| if text.is_empty() { None } else { count(text) };
        Self {
            input: count(prompt),
            output: count(&texts.all),
            reasoning: some(&texts.reasoning),
            first_read: some(&texts.first_read),
            first_answer_read: some(&texts.first_answer_read),
        }
    }
}
