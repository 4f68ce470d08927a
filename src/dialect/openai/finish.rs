//! Why generation ended, in the words of many servers.

use serde_json::{Map, Value};

use crate::timeline::{EventKind, Finish};

/// The words of a server that says it broke the generation off.
const FAILURES: [&str; 8] = [
    "error",
    "abort",
    "aborted",
    "timeout",
    "cancelled",
    "canceled",
    "failed",
    "insufficient_system_resource",
];

/// The finish of a choice, or the error that it is. A value of another type is none.
pub(super) fn finish(choice: &Map<String, Value>) -> Option<EventKind> {
    let reason = choice.get("finish_reason").or_else(|| choice.get("finishReason"))?;
    // SGLang's own form: {"type": "stop", "matched": …}.
    let reason = reason.get("type").unwrap_or(reason).as_str()?.trim();
    let word = reason.to_ascii_lowercase();
    let finish = match word.as_str() {
        // Nothing, as some writers print it.
        "" | "null" | "none" => return None,
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" | "stop_token" => Finish::Stop,
        "length" | "max_tokens" | "max_output_tokens" | "model_length" => Finish::Length,
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => Finish::ToolCalls,
        "content_filter" | "safety" | "refusal" | "sensitive" => Finish::ContentFilter,
        "repetition" => Finish::Repetition,
        word if FAILURES.contains(&word) || word.ends_with("_error") => {
            return Some(EventKind::Error(format!("finish_reason is {reason}")));
        }
        _ => Finish::Other,
    };
    Some(EventKind::Finish(finish))
}
