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
pub mod cohere_chat;
pub mod cohere_embed;
pub mod cohere_rerank;
mod errors;
mod finish;
pub mod gemini;
pub mod jina_rerank;
mod json;
mod language;
pub mod llamacpp_completion;
mod models;
mod multipart;
mod ollama;
pub mod ollama_chat;
pub mod ollama_embed;
pub mod ollama_generate;
mod openai;
pub mod openai_chat;
pub mod openai_completions;
pub mod openai_embeddings;
pub mod openai_responses;
pub mod openai_transcription;
mod payload;
mod results;
pub mod sglang_generate;
mod stages;
pub mod tei_embed;
pub mod tei_rerank;
pub mod tgi_generate;
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
    (openai_responses::NAME, openai_responses::new),
    (gemini::NAME, gemini::new),
    (cohere_chat::NAME, cohere_chat::new),
    (ollama_chat::NAME, ollama_chat::new),
    (ollama_generate::NAME, ollama_generate::new),
    (llamacpp_completion::NAME, llamacpp_completion::new),
    (tgi_generate::NAME, tgi_generate::new),
    (sglang_generate::NAME, sglang_generate::new),
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
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

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

    /// Words that mean something to one reader or another, as keys and as values.
    const WORDS: &str = "type event object index output_index id item_id delta message \
        message-end content-delta content text thinking reasoning part parts thought \
        thoughtSignature functionCall args name arguments tool_calls function candidates \
        finishReason finish_reason promptFeedback blockReason usage usageMetadata tokens \
        promptTokenCount candidatesTokenCount thoughtsTokenCount totalTokenCount input_tokens \
        output_tokens cached_tokens meta_info completion_tokens response output item summary \
        status incomplete_details reason response.completed response.failed \
        response.output_text.delta response.output_item.done response.content_part.done \
        function_call reasoning_text encrypted_content done done_reason eval_count \
        load_duration timings prompt_ms stop stop_type tokens_predicted token special \
        generated_text details generated_tokens choices error detail code failed incomplete \
        STOP abort tool_use message_start content_block_delta content_block stop_reason";

    fn word() -> impl Strategy<Value = String> {
        let known = WORDS.split(' ').collect::<Vec<_>>();
        prop_oneof![
            9 => proptest::sample::select(known).prop_map(str::to_owned),
            1 => ".{0,4}",
        ]
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<u64>().prop_map(|n| json!(n)),
            any::<f64>().prop_map(|n| json!(n)),
            word().prop_map(Value::String),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                3 => proptest::collection::vec((word(), inner), 0..6)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_reader_stumbles_over_what_it_is_sent(
            frames in proptest::collection::vec((word(), json(), any::<bool>()), 1..6),
        ) {
            for dialect in all() {
                let mut reader = dialect.reader(Shape { stream: true });
                for (event, value, whole) in &frames {
                    let data = value.to_string();
                    let mut told = Vec::new();
                    let frame = Frame { event, data: &data, whole: *whole, bare: false };
                    // An error is as good as any answer to this.
                    let _ = reader.frame(&frame, &mut told);
                    let empty = told.iter().find(|told| told.kind.text() == Some(""));
                    prop_assert!(empty.is_none(), "{dialect:?}: {empty:?}");
                }
            }
        }
    }
}
