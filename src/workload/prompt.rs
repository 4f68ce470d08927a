//! Prompts, and their form in a file.

use std::sync::Arc;

use super::captured::Captured;

/// One chat message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

/// What is asked: a conversation that ends with a user's message, or a captured request.
#[derive(Clone, PartialEq)]
pub struct Prompt {
    /// At least one; none of a captured request.
    pub messages: Vec<Message>,
    /// A request of a real user, sent with its own parameters.
    pub captured: Option<Arc<Captured>>,
}

/// Prompts are never shown, not even by accident in a debug print.
impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.captured {
            Some(captured) => captured.fmt(f),
            None => write!(f, "Prompt({} messages)", self.messages.len()),
        }
    }
}

impl Prompt {
    /// A conversation.
    #[must_use]
    pub fn new(messages: Vec<Message>) -> Self {
        Self { messages, captured: None }
    }

    /// A single user message.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(vec![Message { role: "user".to_owned(), content: text.into() }])
    }

    /// A captured request.
    #[must_use]
    pub fn captured(request: Captured) -> Self {
        Self { messages: Vec::new(), captured: Some(Arc::new(request)) }
    }

    /// The same conversation with `nonce` in front of its very first words, so that no cached
    /// prefix matches beyond the chat template's own preamble.
    #[must_use]
    pub fn with_nonce(&self, nonce: &str) -> Self {
        if let Some(captured) = &self.captured {
            return Self::captured(captured.with_nonce(nonce));
        }
        let mut prompt = self.clone();
        if let Some(first) = prompt.messages.first_mut() {
            first.content = format!("[{nonce}] {}", first.content);
        }
        prompt
    }

    /// Its texts, each by itself.
    pub fn texts(&self) -> impl Iterator<Item = String> + '_ {
        let captured = self.captured.iter().map(|captured| captured.text());
        captured.chain(self.messages.iter().map(|message| message.content.clone()))
    }

    /// All message texts, one per line: the prompt of a completions API.
    #[must_use]
    pub fn text(&self) -> String {
        if let Some(captured) = &self.captured {
            return captured.text();
        }
        let texts: Vec<_> = self.messages.iter().map(|m| m.content.as_str()).collect();
        texts.join("\n")
    }
}
