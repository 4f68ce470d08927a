//! Why generation ended, in the words of many servers.

use serde_json::{Map, Value};

use crate::answer::timeline::{EventKind, Finish};

/// The words of a server that says it broke the generation off.
const FAILURES: [&str; 10] = [
    "error",
    "error_limit",
    "user_cancel",
    "abort",
    "aborted",
    "timeout",
    "cancelled",
    "canceled",
    "failed",
    "insufficient_system_resource",
];

/// What the reason that stands under `key` means, which may be an error. A value of another type
/// is none.
pub(super) fn finish(object: &Map<String, Value>, key: &str) -> Option<EventKind> {
    let reason = object.get(key)?;
    // SGLang's own form: {"type": "stop", "matched": …}.
    let reason = reason.get("type").unwrap_or(reason).as_str()?.trim();
    let word = reason.to_ascii_lowercase();
    let finish = match word.as_str() {
        // Nothing, as some writers print it.
        "" | "null" | "none" | "finish_reason_unspecified" => return None,
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" | "stop_token" | "word"
        | "complete" | "completed" => Finish::Stop,
        "length"
        | "limit"
        | "max_tokens"
        | "max_output_tokens"
        | "model_length"
        | "model_context_window_exceeded" => Finish::Length,
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => Finish::ToolCalls,
        "content_filter" | "safety" | "refusal" | "sensitive" | "recitation" | "blocklist"
        | "prohibited_content" | "spii" | "image_safety" | "error_toxic" => Finish::ContentFilter,
        "repetition" => Finish::Repetition,
        word if FAILURES.contains(&word) || word.ends_with("_error") => {
            return Some(EventKind::Error(format!("{key} is {reason}")));
        }
        _ => Finish::Other,
    };
    Some(EventKind::Finish(finish))
}
