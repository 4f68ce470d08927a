//! Prompts, and their form in a file.

use std::sync::Arc;

use std::time::Duration;

use super::audio::Audio;
use super::captured::Captured;
use super::synthetic::Made;

/// Characters of a token of the words that texts are made of, about.
const CHARACTERS_PER_TOKEN: u64 = 7;

/// One chat message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

/// What is asked: a conversation that ends with a user's message, a captured request, or a text that
/// is made when it is sent.
#[derive(Clone, PartialEq)]
pub struct Prompt {
    /// At least one; none of a captured request, or before the text is made.
    pub messages: Vec<Message>,
    /// A request of a real user, sent with its own parameters.
    pub captured: Option<Arc<Captured>>,
    /// How its text is made, or was.
    pub made: Option<Made>,
    /// What the user of a conversation says next, after each answer.
    pub further: Arc<[String]>,
    /// What is to be ordered by it, as the workload has them.
    pub documents: Arc<[String]>,
    /// What is to be written down; a tone is made where there is none.
    pub audio: Option<Arc<Audio>>,
}

/// What is ordered where a workload names no documents: two, since every order has to be one of
/// something, and short, since their length is part of what is measured.
pub const BUILT_IN_DOCUMENTS: [&str; 2] = [
    "The sky is blue because air scatters blue light more than red.",
    "Rivers carry rain from the hills to the sea.",
];

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
        let (further, documents) = (Arc::default(), Arc::default());
        Self { messages, captured: None, made: None, further, documents, audio: None }
    }

    /// A single user message.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(vec![Message { role: "user".to_owned(), content: text.into() }])
    }

    /// A captured request.
    #[must_use]
    pub fn captured(request: Captured) -> Self {
        Self { captured: Some(Arc::new(request)), ..Self::new(Vec::new()) }
    }

    /// A text that is to be made.
    #[must_use]
    pub fn made(made: Made) -> Self {
        Self { made: Some(made), ..Self::new(Vec::new()) }
    }

    /// Since when it is known to have arrived, for whoever sends it at such times: since the Unix
    /// epoch, or since its trace began.
    #[must_use]
    pub fn at(&self) -> Option<Duration> {
        match (&self.captured, &self.made) {
            (Some(captured), _) => captured.at,
            (None, made) => made.as_ref()?.at,
        }
    }

    /// Characters of its text; before it is made, about so many.
    #[must_use]
    pub fn characters(&self) -> u64 {
        match &self.made {
            Some(made) if self.messages.is_empty() => u64::from(made.tokens) * CHARACTERS_PER_TOKEN,
            _ => self.text().chars().count() as u64,
        }
    }

    /// The same conversation with `nonce` in front of its very first words, so that no cached
    /// prefix matches beyond the chat template's own preamble.
    #[must_use]
    pub fn with_nonce(&self, nonce: &str) -> Self {
        if let Some(captured) = &self.captured {
            return Self::captured(captured.with_nonce(nonce));
        }
        self.after(&format!("[{nonce}] "))
    }

    /// The same conversation with this text in front of its very first words.
    #[must_use]
    pub fn after(&self, text: &str) -> Self {
        let mut prompt = self.clone();
        if let Some(first) = prompt.messages.first_mut() {
            first.content.insert_str(0, text);
        }
        prompt
    }

    /// Its texts, each by itself.
    pub fn texts(&self) -> impl Iterator<Item = String> + '_ {
        let captured = self.captured.iter().map(|captured| captured.text());
        let messages = self.messages.iter().map(|message| message.content.clone());
        captured.chain(messages).chain(self.documents.iter().cloned())
    }

    /// What an API that orders documents is given to order; never nothing.
    #[must_use]
    pub fn documents(&self) -> Vec<&str> {
        match &*self.documents {
            [] => BUILT_IN_DOCUMENTS.to_vec(),
            own => own.iter().map(String::as_str).collect(),
        }
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
