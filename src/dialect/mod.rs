//! The dialects: what an API is asked with, and how its answers are read. One file each, one table.
//!
//! # How to add a dialect
//! 1. `src/dialect/<name>.rs`: a type that is a [`Dialect`], its `NAME` and its `new`; its [`Reader`]
//!    keeps what one frame leaves open for the next. Its `mod` line and its line in [`DIALECTS`] go
//!    here.
//! 2. `src/simulate/speak/<name>.rs`: the simulator's half, with its `mod` line and its line in the
//!    table there. The test beside that table then holds the two halves against each other.
//! 3. `tests/dialects/<name>/`: what real servers sent, with `expected.jsonl`.
//! 4. Its row in `docs/apis.md`: what is content, end, usage and error, and what it cannot show.
//!
//! Nothing else changes: `decode` cuts the body into frames as the dialect says and keeps stamps,
//! limits and the guards against what is no answer; everything after it reads a
//! [`Timeline`](crate::answer::timeline::Timeline), which has no dialect.

pub mod anthropic_messages;
pub mod bedrock_converse;
mod cohere;
pub mod cohere_embed;
pub mod cohere_rerank;
mod errors;
mod finish;
pub mod jina_rerank;
mod json;
mod language;
mod models;
mod multipart;
pub mod ollama_embed;
mod openai;
pub mod openai_chat;
pub mod openai_completions;
pub mod openai_embeddings;
pub mod openai_transcription;
mod payload;
mod results;
pub mod tei_embed;
pub mod tei_rerank;
pub mod triton_generate;
mod values;

pub use language::{
    Ask, AskUsage, Body, DecodeError, Dialect, Frame, KeyStyle, Kind, Reader, Shape, SharedDialect,
};
pub use models::ModelPage;

/// Makes a dialect.
pub type Constructor = fn() -> SharedDialect;

/// Every dialect, by its name in the configuration. The registration line of a new one goes here.
pub static DIALECTS: &[(&str, Constructor)] = &[
    (openai_chat::NAME, openai_chat::new),
    (openai_completions::NAME, openai_completions::new),
    (anthropic_messages::NAME, anthropic_messages::new),
    (openai_embeddings::NAME, openai_embeddings::new),
    (ollama_embed::NAME, ollama_embed::new),
    (tei_embed::NAME, tei_embed::new),
    (cohere_embed::NAME, cohere_embed::new),
    (cohere_rerank::NAME, cohere_rerank::new),
    (jina_rerank::NAME, jina_rerank::new),
    (tei_rerank::NAME, tei_rerank::new),
    (openai_transcription::NAME, openai_transcription::new),
    (triton_generate::NAME, triton_generate::new),
    (triton_generate::CUMULATIVE, triton_generate::cumulative),
    (bedrock_converse::NAME, bedrock_converse::new),
];

/// Looks a dialect up by its configuration name.
#[must_use]
pub fn by_name(name: &str) -> Option<SharedDialect> {
    DIALECTS.iter().find(|(known, _)| *known == name).map(|(_, new)| new())
}

/// The names of all dialects.
pub fn names() -> impl Iterator<Item = &'static str> {
    DIALECTS.iter().map(|(name, _)| *name)
}

/// One of each.
pub fn all() -> impl Iterator<Item = SharedDialect> {
    DIALECTS.iter().map(|(_, new)| new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_the_name_it_has() {
        for (name, new) in DIALECTS {
            assert_eq!(new().name(), *name);
            assert_eq!(by_name(name), Some(new()));
        }
        let names: std::collections::BTreeSet<_> = names().collect();
        assert_eq!(names.len(), DIALECTS.len(), "two of one name");
        assert!(by_name("nothing").is_none());
    }
}
