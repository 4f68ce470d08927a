//! Reasoning, under the many names and in the many shapes that servers give it.

use serde_json::{Map, Value};

use crate::answer::timeline::EventKind;
use crate::dialect::values::{has_text, is_reasoning, loose_text, objects};

/// Where a message may show its reasoning. Only the first with text counts: gateways repeat the
/// same under a second name.
const NAMES: [&str; 5] =
    ["reasoning_content", "reasoning", "reasoning_text", "thinking", "reasoning_summary"];
/// Lists of parts that hold nothing but reasoning.
const LISTS: [&str; 2] = ["reasoning_details", "thinking_blocks"];
/// Where a message keeps reasoning that nobody can read, or the proof that there was some.
const SEALED: [&str; 6] = [
    "encrypted_content",
    "reasoning_opaque",
    "reasoning_signature",
    "redacted_reasoning",
    "thinking_signature",
    "thought_signature",
];

/// What a message or a delta of one tells of its reasoning.
///
/// [`EventKind::Hidden`] in the same frame as a text says that the text is only a summary.
pub fn reasoning(message: &Map<String, Value>, events: &mut Vec<EventKind>) {
    let text = shown(message).filter(|text| !text.is_empty());
    let sealed = parts(message).any(is_sealed) || is_sealed(message);
    let signed =
        || parts(message).any(|part| has_text(part, "signature")) || has_signature(message);
    let summary = parts(message).any(is_summary) || has_text(message, "reasoning_summary");
    let hidden = match text {
        Some(_) => sealed || summary,
        None => sealed || signed(),
    };
    events.extend(hidden.then_some(EventKind::Hidden));
    events.extend(text.map(EventKind::Reasoning));
}

/// Whether the whole content of this message is reasoning, as its sender marks it (Gemini).
pub fn is_thought(message: &Map<String, Value>) -> bool {
    google(message).is_some_and(|google| google.get("thought") == Some(&Value::Bool(true)))
}

fn shown(message: &Map<String, Value>) -> Option<String> {
    let named = NAMES.iter().filter_map(|name| {
        let value = message.get(*name)?;
        // Under the plain name, a truth value is a switch; under the others it is a token that
        // was written without quotes.
        let switch = value.is_boolean() && *name != "reasoning_content";
        (!switch).then(|| loose_text(value)).filter(|text| !text.is_empty())
    });
    let listed = LISTS.iter().filter_map(|list| {
        let text: String = objects(message, list).map(part_text).collect();
        Some(text).filter(|text| !text.is_empty())
    });
    let in_content = || content_parts(message).map(part_text).collect();
    named.chain(listed).next().or_else(|| Some(in_content()))
}

/// Every part that may hold reasoning.
fn parts(message: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let [details, blocks] = LISTS.map(|list| objects(message, list));
    details.chain(blocks).chain(content_parts(message))
}

fn content_parts(message: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    objects(message, "content").filter(|part| is_reasoning(part))
}

fn part_text(part: &Map<String, Value>) -> String {
    if is_sealed(part) && !has_text(part, "text") && !has_text(part, "summary") {
        return String::new();
    }
    let keys = ["text", "thinking", "reasoning", "summary", "content"];
    let texts = keys.iter().filter_map(|key| part.get(*key)).map(loose_text);
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

fn is_sealed(part: &Map<String, Value>) -> bool {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    kind.contains("encrypted")
        || kind.contains("redacted")
        || SEALED.iter().any(|key| has_text(part, key))
}

fn is_summary(part: &Map<String, Value>) -> bool {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    kind.contains("summary") || part.get("summary").is_some_and(|s| !loose_text(s).is_empty())
}

fn has_signature(message: &Map<String, Value>) -> bool {
    has_text(message, "signature")
        || google(message).is_some_and(|google| has_text(google, "thought_signature"))
}

fn google(message: &Map<String, Value>) -> Option<&Map<String, Value>> {
    message.get("extra_content")?.get("google")?.as_object()
}
