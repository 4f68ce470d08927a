//! Reading single values: liberal in what is beside the answer, strict in the answer itself.

use serde_json::{Map, Value};

use super::language::DecodeError;

/// How deep texts may be nested in parts.
const MAX_DEPTH: usize = 4;

/// The answer's text under `key`: a text, number or boolean, the text of its parts, or absent.
/// Some servers write a token such as `1` or `true` without quotes. Empty text is absent.
pub fn text(object: &Map<String, Value>, key: &str) -> Result<Option<String>, DecodeError> {
    let text = match object.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(parts)) => parts.iter().filter_map(part).collect(),
        Some(Value::Object(one)) if one.contains_key("text") => loose_text(&one["text"]),
        Some(other) => plain(other).ok_or_else(|| wrong(&format!("`{key}`"), "text", other))?,
    };
    Ok(Some(text).filter(|t| !t.is_empty()))
}

/// What one part of an answer shows; a part of another kind shows nothing.
fn part(part: &Value) -> Option<String> {
    match part {
        Value::Object(part) if is_reasoning(part) => None,
        Value::Object(part) => part.get("text").or_else(|| part.get("refusal")).map(loose_text),
        other => plain(other),
    }
}

/// Whether a part of a content holds reasoning.
pub fn is_reasoning(part: &Map<String, Value>) -> bool {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    kind.contains("thinking") || kind.contains("reasoning") || kind == "thought"
}

/// A text, a number or a boolean as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whatever text a value holds, in whatever shape: alone, in parts, or nested in parts of parts.
pub fn loose_text(value: &Value) -> String {
    let mut text = String::new();
    add_text(value, &mut text, MAX_DEPTH);
    text
}

fn add_text(value: &Value, text: &mut String, depth: usize) {
    const KEYS: [&str; 6] = ["text", "thinking", "reasoning", "summary", "content", "value"];
    match value {
        Value::Object(object) if depth > 0 => {
            // One of them: some servers say the same twice.
            let before = text.len();
            for value in KEYS.iter().filter_map(|key| object.get(*key)) {
                add_text(value, text, depth - 1);
                if text.len() > before {
                    break;
                }
            }
        }
        Value::Array(parts) if depth > 0 => {
            for part in parts {
                add_text(part, text, depth - 1);
            }
        }
        other => text.push_str(&plain(other).unwrap_or_default()),
    }
}

/// The object under `key`, or absent; also where a writer without a type for "no keys" sends an
/// empty list or text.
pub fn object<'a>(
    parent: &'a Map<String, Value>,
    key: &str,
) -> Result<Option<&'a Map<String, Value>>, DecodeError> {
    match parent.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(Value::Array(list)) if list.is_empty() => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(other) => Err(wrong(&format!("`{key}`"), "an object", other)),
    }
}

/// The array under `key`; absent and null are empty.
pub fn array<'a>(parent: &'a Map<String, Value>, key: &str) -> Result<&'a [Value], DecodeError> {
    match parent.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(array)) => Ok(array),
        Some(other) => Err(wrong(&format!("`{key}`"), "an array", other)),
    }
}

/// The objects under `key`, whatever else there is: for what an answer can do without.
pub fn objects<'a>(
    parent: &'a Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    let one = parent.get(key);
    let many = one.and_then(Value::as_array).into_iter().flatten();
    many.chain(one.filter(|v| v.is_object())).filter_map(Value::as_object)
}

/// A call's name or arguments: a text, or what a server has parsed of the text that the model wrote.
pub fn call_text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(parsed)) => Value::Object(parsed.clone()).to_string(),
        _ => String::new(),
    }
}

/// Whether there is a text under `key` with something in it.
pub fn has_text(object: &Map<String, Value>, key: &str) -> bool {
    object.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

/// Names the JSON type found, never the value: it may hold an answer's text.
pub fn wrong(what: &str, expected: &str, found: &Value) -> DecodeError {
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

/// A count, also where it is written as `7.0` or `"7"`. Larger ones than every reader of JSON reads
/// exactly are none, however they are written.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole, and within 0 to 2^53
pub fn whole_number(value: &Value) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    const MOST: u64 = 1 << 53;
    let (whole, float) = match value {
        Value::String(text) => (text.trim().parse().ok(), text.trim().parse().ok()),
        other => (other.as_u64(), other.as_f64()),
    };
    let float = float.filter(|n: &f64| n.fract() == 0.0 && (0.0..=EXACT).contains(n));
    whole.or_else(|| float.map(|n| n as u64)).filter(|n: &u64| *n <= MOST)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_have_a_limit_however_they_are_written() {
        let exact = 1_u64 << 53;
        for (value, expect) in [
            (json!(7), Some(7)),
            (json!("7"), Some(7)),
            (json!(7.0), Some(7)),
            (json!(exact), Some(exact)),
            (json!(exact + 1), None),
            (json!(u64::MAX), None),
            (json!(u64::MAX.to_string()), None),
            (json!(-1), None),
            (json!(1e300), None),
        ] {
            assert_eq!(whole_number(&value), expect, "{value}");
        }
    }
}
