//! Errors that come under a status of 200, in the shapes of many servers and gateways.

use serde_json::{Map, Value};

use super::language::Frame;
use super::values::whole_number;

/// Where the words of an error may stand.
const MESSAGES: [&str; 9] = [
    "message",
    "msg",
    "error_msg",
    "error_message",
    "errorMessage",
    "err_msg",
    "status_msg",
    "detail",
    "description",
];
/// Where its number or code may stand.
const CODES: [&str; 6] =
    ["code", "error_code", "errorCode", "err_code", "statusCode", "status_code"];

/// The error that this frame is.
pub(super) fn error(frame: &Frame<'_>, root: &Map<String, Value>) -> Option<String> {
    let beside = root.get("x_groq").and_then(Value::as_object);
    if let Some(error) = own_error(root).or_else(|| own_error(beside?)) {
        return Some(message_of(error));
    }
    let says_error = ["object", "type", "event"].into_iter().any(|key| says(root, key, "error"));
    let named_error = !frame.whole && is_error_event(frame);
    if says_error || named_error || (!is_aside(frame) && !is_answer(root) && tells_failure(root)) {
        return Some(message_of(&Value::Object(root.clone())));
    }
    None
}

/// The error among the elements of a list, which is what some servers send instead of an object.
pub(super) fn listed_error(frame: &Frame<'_>, list: &[Value]) -> Option<String> {
    list.iter().filter_map(Value::as_object).find_map(|element| error(frame, element))
}

/// What stands under `error`; gateways put it into the whole event or into one choice, and some
/// fill the key with nothing on every event.
pub(super) fn own_error(object: &Map<String, Value>) -> Option<&Value> {
    let error = object.get("error").filter(|error| !is_blank(error))?;
    let fine = error.get("code").is_some_and(is_fine);
    (!fine || !is_answer(object)).then_some(error)
}

pub(super) fn message_of(error: &Value) -> String {
    let text = MESSAGES.iter().filter_map(|key| error.get(*key)).find(|text| !is_blank(text));
    let inner = || error.get("base_resp").or_else(|| error.get("errors")?.get(0)).map(message_of);
    match text.and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => inner().unwrap_or_else(|| match text.unwrap_or(error) {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }),
    }
}

/// Whether the event has a name that no part of an answer has, such as `ping`.
pub(super) fn is_aside(frame: &Frame<'_>) -> bool {
    !frame.event.is_empty() && frame.event != "message" && !is_error_event(frame)
}

pub(super) fn is_error_event(frame: &Frame<'_>) -> bool {
    ["error", "exception"].contains(&frame.event)
}

/// Whether a frame holds a part of an answer.
fn is_answer(root: &Map<String, Value>) -> bool {
    const KINDS: [&str; 3] = ["chat.completion", "chat.completion.chunk", "text_completion"];
    let filled = |key: &str| root.get(key).is_some_and(|value| !is_blank(value));
    let filtered = || root.get("prompt_filter_results").is_some();
    let known = || KINDS.iter().any(|kind| says(root, "object", kind));
    let failed = || root.get("base_resp").is_some_and(failed_base);
    filled("choices") || ((filled("usage") || known() || filtered()) && !failed())
}

/// Whether an object that is no part of an answer tells of a failure.
fn tells_failure(root: &Map<String, Value>) -> bool {
    let filled = |key: &str| root.get(key).is_some_and(|value| !is_blank(value));
    let worded = MESSAGES.iter().any(|key| root.get(*key).is_some_and(Value::is_string));
    let coded = CODES.iter().filter_map(|key| root.get(*key)).any(|code| !is_fine(code));
    let refused = root.get("status").and_then(whole_number).is_some_and(|n| n >= 400);
    root.get("base_resp").is_some_and(failed_base)
        || (worded && (coded || refused))
        || ["detail", "errors", "error_msg", "error_message", "errorMessage", "fault", "exception"]
            .into_iter()
            .any(filled)
        || ["error", "failed", "failure"].into_iter().any(|word| says(root, "status", word))
        || root.get("success") == Some(&Value::Bool(false))
}

fn failed_base(base: &Value) -> bool {
    base.get("status_code").is_some_and(|code| !is_fine(code))
}

fn says(root: &Map<String, Value>, key: &str, word: &str) -> bool {
    root.get(key).and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(word))
}

/// A code that means that nothing is wrong.
fn is_fine(code: &Value) -> bool {
    let fine_word =
        |text: &str| ["ok", "success"].iter().any(|word| text.trim().eq_ignore_ascii_case(word));
    is_blank(code)
        || whole_number(code).is_some_and(|code| (200..300).contains(&code))
        || code.as_str().is_some_and(fine_word)
}

/// Whether a value says nothing: null, false, zero, empty, or nothing but such values.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.trim().is_empty() || text.trim() == "0",
        Value::Array(list) => list.iter().all(is_blank),
        Value::Object(object) => object.values().all(is_blank),
    }
}
