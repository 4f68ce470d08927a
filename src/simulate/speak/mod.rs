//! The dialects as the simulator speaks them: one file each, one table, as in [`crate::dialect`].
//!
//! The same generation (which token when) is written in each; what a dialect says in events of its
//! own, or leaves out, is decided here.

mod anthropic_messages;
mod bedrock_converse;
mod cohere_chat;
mod cohere_embed;
mod cohere_rerank;
mod gemini;
mod jina_rerank;
mod llamacpp_completion;
mod ollama;
mod ollama_chat;
mod ollama_embed;
mod ollama_generate;
mod openai;
mod openai_chat;
mod openai_completions;
mod openai_embeddings;
mod openai_responses;
mod openai_transcription;
mod results;
mod sglang_generate;
mod speaker;
mod tei_embed;
mod tei_rerank;
mod tgi_generate;
mod triton_generate;

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
    &openai_embeddings::Embeddings,
    &ollama_embed::Embed,
    &tei_embed::Embed,
    &cohere_embed::Embed,
    &cohere_rerank::Rerank,
    &jina_rerank::Rerank,
    &tei_rerank::Rerank,
    &openai_transcription::Transcriptions,
    &triton_generate::Generate { cumulative: false },
    &triton_generate::Generate { cumulative: true },
    &bedrock_converse::Converse,
];
