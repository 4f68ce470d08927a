//! The dialects as the simulator speaks them: one file each, one table, as in [`crate::dialect`].
//!
//! The same generation (which token when) is written in each; what a dialect says in events of its
//! own, or leaves out, is decided here.

mod anthropic_messages;
mod cohere_chat;
mod gemini;
mod llamacpp_completion;
mod ollama;
mod ollama_chat;
mod ollama_generate;
mod openai;
mod openai_chat;
mod openai_completions;
mod openai_responses;
mod sglang_generate;
mod speaker;
mod tgi_generate;

pub(super) use speaker::{Finish, Speaker, Usage, Writer};

/// Every dialect. The registration line of a new one goes here.
pub(super) static SPEAKERS: &[&dyn Speaker] = &[
    &openai_chat::Chat,
    &openai_completions::Completions,
    &anthropic_messages::Messages,
    &openai_responses::Responses,
    &gemini::Gemini,
    &cohere_chat::Chat,
    &ollama_chat::Chat,
    &ollama_generate::Generate,
    &llamacpp_completion::Completion,
    &tgi_generate::Generate,
    &sglang_generate::Generate,
];
