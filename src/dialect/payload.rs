//! The JSON object of a frame, and what stands there instead of one.

use serde_json::{Map, Value};

use super::errors::{error, is_aside, is_error_event, listed_error};
use super::json::parse;
use super::language::{DecodeError, Frame};
use super::values::wrong;
use crate::answer::timeline::{EventKind, Told};

/// Ends a stream in OpenAI's dialects, and in others behind some gateways.
const END_MARKER: &str = "[DONE]";

/// The object that a frame holds. `None` where there is nothing to read in it, or where it tells
/// all by itself: an end marker, or an error in a shape of its own.
///
/// # Errors
/// When it is no JSON object.
pub(super) fn object_of(
    frame: &Frame<'_>,
    told: &mut Vec<Told>,
) -> Result<Option<Map<String, Value>>, DecodeError> {
    let mut tell = |kind| told.push(Told::whole(kind));
    let data = frame.data.trim();
    if frame.bare {
        bare_line(frame, data).into_iter().for_each(tell);
        return Ok(None);
    }
    if data.is_empty() {
        // A keep-alive, unless its name is all it has to say.
        if is_error_event(frame) {
            tell(EventKind::Error("an error event without data".to_owned()));
        }
        return Ok(None);
    }
    if data == END_MARKER {
        tell(EventKind::Done);
        return Ok(None);
    }
    if is_aside(frame) && !data.starts_with('{') {
        return Ok(None);
    }
    match parse(data) {
        Ok(Value::Object(root)) => Ok(Some(root)),
        Ok(Value::String(text)) if is_error_event(frame) => {
            tell(EventKind::Error(text));
            Ok(None)
        }
        Ok(Value::Null) if !frame.whole => Ok(None),
        // A gateway that writes every event as JSON.
        Ok(Value::String(text)) if text == END_MARKER && !frame.whole => {
            tell(EventKind::Done);
            Ok(None)
        }
        Ok(Value::Array(list)) => {
            let listed = listed_error(frame, &list);
            let listed = listed.ok_or_else(|| wrong("an event", "a JSON object", &list.into()))?;
            tell(EventKind::Error(listed));
            Ok(None)
        }
        Ok(other) => Err(wrong("an event", "a JSON object", &other)),
        Err(_) if is_error_event(frame) => {
            tell(EventKind::Error(data.to_owned()));
            Ok(None)
        }
        Err(e) if e.is_eof() || END_MARKER.starts_with(data) => {
            Err(DecodeError::Partial(format!("the answer breaks off in mid-event: {e}")))
        }
        Err(e) => Err(DecodeError::Malformed(format!("an event is not JSON: {e}"))),
    }
}

/// A line that belongs to no event: an error that a proxy, or a server that has given up, put
/// into the stream. Anything else says nothing.
fn bare_line(frame: &Frame<'_>, line: &str) -> Option<EventKind> {
    let error = match parse(line) {
        Ok(Value::Object(root)) => error(frame, &root),
        Ok(Value::Array(list)) => listed_error(frame, &list),
        Ok(_) => None,
        Err(_) if line.starts_with(['{', '[']) => None,
        Err(_) => line.to_ascii_lowercase().contains("error").then(|| line.to_owned()),
    };
    error.map(EventKind::Error)
}
