//! What the OpenAI-style APIs share: end marker, in-band errors, usage, choices, finish reasons.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::surrogates::mended;
use super::{Ask, DecodeError, Frame};
use crate::timeline::{EventKind, Finish, ServerTiming, Told, Usage};
use crate::workload::Captured;

const END_MARKER: &str = "[DONE]";

/// Reads one frame. `choice` appends what one element of `choices` holds, without its finish.
pub(super) fn decode(
    frame: &Frame<'_>,
    told: &mut Vec<Told>,
    choice: impl Fn(&Map<String, Value>, &mut Vec<EventKind>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut tell = |kind| told.push(Told::whole(kind));
    let data = frame.data.trim();
    if data.is_empty() {
        // A keep-alive, unless its name is all it has to say.
        if frame.event == "error" {
            tell(EventKind::Error("an error event without data".to_owned()));
        }
        return Ok(());
    }
    if data == END_MARKER {
        tell(EventKind::Done);
        return Ok(());
    }
    if is_aside(frame) && !data.starts_with('{') {
        return Ok(());
    }
    let root = match parse(data) {
        Ok(Value::Object(root)) => root,
        Ok(Value::String(text)) if frame.event == "error" => {
            tell(EventKind::Error(text));
            return Ok(());
        }
        Ok(other) => return Err(wrong("an event", "a JSON object", &other)),
        Err(_) if frame.event == "error" => {
            tell(EventKind::Error(data.to_owned()));
            return Ok(());
        }
        Err(e) if e.is_eof() || END_MARKER.starts_with(data) => {
            return Err(DecodeError::Partial(format!("the answer breaks off in mid-event: {e}")));
        }
        Err(e) => return Err(DecodeError::Malformed(format!("an event is not JSON: {e}"))),
    };
    decode_object(frame, &root, told, choice)
}

/// Whether the event has a name that no part of an answer has, such as `ping`.
fn is_aside(frame: &Frame<'_>) -> bool {
    !["", "message", "error"].contains(&frame.event)
}

fn parse(data: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(data)
        .or_else(|e| mended(data).map_or(Err(e), |data| serde_json::from_str(&data)))
}

fn decode_object(
    frame: &Frame<'_>,
    root: &Map<String, Value>,
    told: &mut Vec<Told>,
    choice: impl Fn(&Map<String, Value>, &mut Vec<EventKind>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    if let Some(message) = error_message(frame, root) {
        told.push(Told::whole(EventKind::Error(message)));
        return Ok(());
    }
    // Usage goes before the content of its frame: it counts the tokens up to and including it.
    told.extend(usage(root).map(EventKind::Usage).map(Told::whole));
    let mut finishes = Vec::new();
    for element in array(root, "choices")? {
        let Value::Object(element) = element else {
            return Err(wrong("an element of `choices`", "an object", element));
        };
        let index = index_of(element);
        let of_choice = |kind| Told { choice: index, kind };
        let mut events = Vec::new();
        choice(element, &mut events)?;
        told.extend(events.into_iter().map(of_choice));
        let error = own_error(element).map(|error| EventKind::Error(message_of(error)));
        finishes.extend(error.into_iter().chain(finish(element)?).map(of_choice));
    }
    told.extend(timings(root).map(EventKind::ServerTiming).map(Told::whole));
    told.append(&mut finishes);
    Ok(())
}

/// Which choice it is; servers that have only one may leave it out.
fn index_of(choice: &Map<String, Value>) -> u32 {
    let index = choice.get("index").and_then(whole_number);
    index.and_then(|index| u32::try_from(index).ok()).unwrap_or(0)
}

/// The keys every request of the family has.
pub(super) fn base_body(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(ask.model));
    body.insert("max_tokens".to_owned(), json!(ask.max_output_tokens));
    body.insert("stream".to_owned(), json!(ask.stream));
    if ask.stream {
        body.insert("stream_options".to_owned(), json!({"include_usage": true}));
    }
    body
}

/// A captured request as this target is asked it: model and streaming are the target's, and no
/// answer may be longer than the workload allows.
pub(super) fn captured_body(ask: &Ask<'_>, captured: &Captured) -> Map<String, Value> {
    let mut body = captured.body.clone();
    body.remove("stream_options");
    let mut limited = false;
    for key in ["max_tokens", "max_completion_tokens", "min_tokens"] {
        if let Some(own) = body.remove(key).as_ref().and_then(Value::as_u64) {
            body.insert(key.to_owned(), json!(own.min(ask.max_output_tokens.into())));
            limited |= key != "min_tokens";
        }
    }
    let mut base = base_body(ask);
    if limited {
        base.remove("max_tokens");
    }
    body.append(&mut base);
    body
}

/// The text under `key`: a string, an array of parts with `text`, or absent. Empty text is absent.
pub(super) fn text(object: &Map<String, Value>, key: &str) -> Result<Option<String>, DecodeError> {
    let text = match object.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|p| p.get("text").unwrap_or(p).as_str()).collect()
        }
        Some(other) => return Err(wrong(&format!("`{key}`"), "text", other)),
    };
    Ok(Some(text).filter(|t| !t.is_empty()))
}

/// The object under `key`, or absent.
pub(super) fn object<'a>(
    parent: &'a Map<String, Value>,
    key: &str,
) -> Result<Option<&'a Map<String, Value>>, DecodeError> {
    match parent.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(other) => Err(wrong(&format!("`{key}`"), "an object", other)),
    }
}

/// The array under `key`; absent and null are empty.
pub(super) fn array<'a>(
    parent: &'a Map<String, Value>,
    key: &str,
) -> Result<&'a [Value], DecodeError> {
    match parent.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(array)) => Ok(array),
        Some(other) => Err(wrong(&format!("`{key}`"), "an array", other)),
    }
}

/// Names the JSON type found, never the value: it may hold an answer's text.
fn wrong(what: &str, expected: &str, found: &Value) -> DecodeError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    DecodeError::Malformed(format!("{what} is {found}, expected {expected}"))
}

/// An error inside the answer: `{"error": …}`, `{"object": "error", …}`, `{"type": "error", …}`,
/// or an `error` event.
fn error_message(frame: &Frame<'_>, root: &Map<String, Value>) -> Option<String> {
    if let Some(error) = own_error(root) {
        return Some(message_of(error));
    }
    let is_error = |key| root.get(key).and_then(Value::as_str) == Some("error");
    let says_error = is_error("object") || is_error("type");
    (says_error || frame.event == "error").then(|| message_of(&Value::Object(root.clone())))
}

/// What stands under `error`; gateways put it into the whole event or into one choice.
fn own_error(object: &Map<String, Value>) -> Option<&Value> {
    object.get("error").filter(|e| !matches!(e, Value::Null | Value::Bool(false)))
}

fn message_of(error: &Value) -> String {
    let text = error.get("message").unwrap_or(error);
    text.as_str().map_or_else(|| text.to_string(), str::to_owned)
}

fn usage(root: &Map<String, Value>) -> Option<Usage> {
    let usage = root.get("usage")?.as_object()?;
    let count = |key: &str| usage.get(key).and_then(whole_number);
    let detail = |group: &str, key: &str| usage.get(group)?.get(key).and_then(whole_number);
    Some(Usage {
        input: count("prompt_tokens"),
        cached_input: detail("prompt_tokens_details", "cached_tokens")
            .or_else(|| count("prompt_cache_hit_tokens")), // DeepSeek
        output: count("completion_tokens"),
        reasoning: detail("completion_tokens_details", "reasoning_tokens")
            .or_else(|| count("reasoning_tokens")), // SGLang
    })
}

/// A count, also where it is written as `7.0`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole, and within 0 to 2^53
fn whole_number(value: &Value) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = || value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=EXACT).contains(n));
    value.as_u64().or_else(|| float().map(|n| n as u64))
}

/// llama.cpp's own stage times, beside the answer.
fn timings(root: &Map<String, Value>) -> Option<ServerTiming> {
    let timings = root.get("timings")?.as_object()?;
    let stage = |key: &str| {
        let milliseconds = timings.get(key)?.as_f64()?;
        Duration::try_from_secs_f64(milliseconds / 1e3).ok()
    };
    let timing = ServerTiming {
        prefill: stage("prompt_ms"),
        decode: stage("predicted_ms"),
        ..ServerTiming::default()
    };
    Some(timing)
}

fn finish(choice: &Map<String, Value>) -> Result<Option<EventKind>, DecodeError> {
    let Some(reason) = text(choice, "finish_reason")? else { return Ok(None) };
    let finish = match reason.as_str() {
        "stop" => Finish::Stop,
        "length" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        "content_filter" => Finish::ContentFilter,
        // The server says that it broke the generation off.
        "error" | "abort" => {
            return Ok(Some(EventKind::Error(format!("finish_reason is {reason}"))));
        }
        _ => Finish::Other,
    };
    Ok(Some(EventKind::Finish(finish)))
}
