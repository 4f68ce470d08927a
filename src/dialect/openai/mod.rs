//! What the OpenAI-style APIs share: end marker, in-band errors, usage, choices, finish reasons.

mod errors;
mod finish;
mod reasoning;
mod request;
mod usage;
mod values;

use std::time::Duration;

use serde_json::{Map, Value};

use errors::{error, is_aside, is_error_event, listed_error, message_of, own_error};
pub(super) use reasoning::{is_thought, reasoning};
pub(super) use request::{base_body, captured_body};
use usage::usages;
use values::{array, wrong};
pub(super) use values::{object, objects, text, whole_number};

use super::json::parse;
use super::{DecodeError, Frame, Shape};
use crate::framing::Framing;
use crate::timeline::{EventKind, ServerTiming, Told};

/// How an answer is framed.
pub(super) fn framing(shape: Shape) -> Framing {
    if shape.stream { Framing::Sse } else { Framing::Whole }
}

const END_MARKER: &str = "[DONE]";

/// Reads one frame. `choice` appends what one element of `choices` holds, without its finish.
pub(super) fn decode(
    frame: &Frame<'_>,
    told: &mut Vec<Told>,
    choice: impl Fn(&Map<String, Value>, &mut Vec<EventKind>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut tell = |kind| told.push(Told::whole(kind));
    let data = frame.data.trim();
    if frame.bare {
        bare_line(frame, data).into_iter().for_each(tell);
        return Ok(());
    }
    if data.is_empty() {
        // A keep-alive, unless its name is all it has to say.
        if is_error_event(frame) {
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
        Ok(Value::String(text)) if is_error_event(frame) => {
            tell(EventKind::Error(text));
            return Ok(());
        }
        Ok(Value::Null) if !frame.whole => return Ok(()),
        // A gateway that writes every event as JSON.
        Ok(Value::String(text)) if text == END_MARKER && !frame.whole => {
            tell(EventKind::Done);
            return Ok(());
        }
        Ok(Value::Array(list)) => {
            let listed = listed_error(frame, &list);
            let listed = listed.ok_or_else(|| wrong("an event", "a JSON object", &list.into()))?;
            tell(EventKind::Error(listed));
            return Ok(());
        }
        Ok(other) => return Err(wrong("an event", "a JSON object", &other)),
        Err(_) if is_error_event(frame) => {
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

fn decode_object(
    frame: &Frame<'_>,
    root: &Map<String, Value>,
    told: &mut Vec<Told>,
    choice: impl Fn(&Map<String, Value>, &mut Vec<EventKind>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    // Usage goes before the content of its frame: it counts the tokens up to and including it.
    told.extend(usages(root).into_iter().map(EventKind::Usage).map(Told::whole));
    if let Some(message) = error(frame, root) {
        told.push(Told::whole(EventKind::Error(message)));
        return Ok(());
    }
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
        finishes.extend(error.into_iter().chain(finish::finish(element)).map(of_choice));
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
