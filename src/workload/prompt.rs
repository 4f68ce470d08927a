//! Prompts, and their form in a file.

/// One chat message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

/// What is asked: a conversation that ends with a user's message.
#[derive(Clone, PartialEq, Eq)]
pub struct Prompt {
    /// At least one.
    pub messages: Vec<Message>,
}

/// Prompts are never shown, not even by accident in a debug print.
impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prompt({} messages)", self.messages.len())
    }
}

impl Prompt {
    /// A single user message.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self { messages: vec![Message { role: "user".to_owned(), content: text.into() }] }
    }

    /// The same conversation with `nonce` in front of its very first words, so that no cached
    /// prefix matches beyond the chat template's own preamble.
    #[must_use]
    pub fn with_nonce(&self, nonce: &str) -> Self {
        let mut prompt = self.clone();
        if let Some(first) = prompt.messages.first_mut() {
            first.content = format!("[{nonce}] {}", first.content);
        }
        prompt
    }

    /// All message texts, one per line: the prompt of a completions API.
    #[must_use]
    pub fn text(&self) -> String {
        let texts: Vec<_> = self.messages.iter().map(|m| m.content.as_str()).collect();
        texts.join("\n")
    }
}
