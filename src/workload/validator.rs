//! Checks on the answer's content.

use regex::Regex;

/// One check; the answer is the concatenated answer text (reasoning excluded).
#[derive(Clone)]
pub enum Validator {
    /// The answer contains this text.
    Contains(String),
    /// The expression matches somewhere in the answer.
    Regex(Regex),
    /// At least so many output tokens.
    MinOutputTokens(u64),
}

impl Validator {
    /// The label values of all kinds.
    pub const NAMES: [&'static str; 3] = ["contains", "regex", "min_output_tokens"];

    /// The label value, also the key in the configuration.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Contains(_) => "contains",
            Self::Regex(_) => "regex",
            Self::MinOutputTokens(_) => "min_output_tokens",
        }
    }

    /// Whether the answer passes. An unknown token count fails the minimum.
    #[must_use]
    pub fn accepts(&self, answer: &str, output_tokens: Option<u64>) -> bool {
        match self {
            Self::Contains(text) => answer.contains(text),
            Self::Regex(regex) => regex.is_match(answer),
            Self::MinOutputTokens(least) => output_tokens.is_some_and(|n| n >= *least),
        }
    }
}

/// The kind alone: what an answer must contain is not for logs.
impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Compiled expressions are equal when their sources are.
impl PartialEq for Validator {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Contains(a), Self::Contains(b)) => a == b,
            (Self::Regex(a), Self::Regex(b)) => a.as_str() == b.as_str(),
            (Self::MinOutputTokens(a), Self::MinOutputTokens(b)) => a == b,
            _ => false,
        }
    }
}
