//! What the OpenAI-style APIs share: end marker, in-band errors, usage, choices, finish reasons.

pub(super) mod reasoning;
pub(super) mod request;
pub(super) mod usage;

use serde_json::{Map, Value};

pub(super) use reasoning::reasoning;
use usage::usages;

use super::errors::{error, message_of, own_error};
use super::finish::finish;
use super::language::{DecodeError, Frame};
use super::payload::object_of;
use super::stages::timings;
use super::values::{array, whole_number, wrong};
use crate::answer::timeline::{EventKind, Told};

/// Reads one frame. `choice` appends what one element of `choices` holds, without its finish.
pub(super) fn decode(
    frame: &Frame<'_>,
    told: &mut Vec<Told>,
    choice: impl Fn(&Map<String, Value>, &mut Vec<EventKind>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    match object_of(frame, told)? {
        Some(root) => decode_object(frame, &root, told, choice),
        None => Ok(()),
    }
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
        let finish = ["finish_reason", "finishReason"].iter().find_map(|key| finish(element, key));
        finishes.extend(error.into_iter().chain(finish).map(of_choice));
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
