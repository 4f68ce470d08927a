//! What Ollama's own APIs share: lines instead of events, the end with its counts and times, errors.

use serde_json::{Map, Value, json};

use super::errors::error;
use super::finish::finish;
use super::language::{Ask, DecodeError, Frame, Shape};
use super::payload::object_of;
use super::stages::stage;
use super::values::whole_number;
use crate::answer::framing::Framing;
use crate::answer::timeline::{EventKind, ServerTiming, Told, Usage};

/// The list of models.
pub(super) const MODELS: &str = "api/tags";

pub(super) fn framing(shape: Shape) -> Framing {
    if shape.stream { Framing::Lines } else { Framing::Whole }
}

/// The keys that every request has.
pub(super) fn base_body(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(ask.model));
    body.insert("options".to_owned(), json!({"num_predict": ask.max_output_tokens}));
    body.insert("stream".to_owned(), json!(ask.shape.stream));
    body
}

/// Reads a line or a whole body, of which `piece` appends what was generated.
pub(super) fn read(
    frame: &Frame<'_>,
    told: &mut Vec<Told>,
    piece: impl FnOnce(&Map<String, Value>, &mut Vec<EventKind>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let Some(root) = object_of(frame, told)? else { return Ok(()) };
    let mut events = Vec::new();
    if let Some(message) = error(frame, &root) {
        events.push(EventKind::Error(message));
    } else {
        events.extend(counts(&root).map(EventKind::Usage));
        piece(&root, &mut events)?;
        if root.get("done") == Some(&Value::Bool(true)) {
            events.extend(timing(&root).map(EventKind::ServerTiming));
            events.extend(finish(&root, "done_reason"));
            events.push(EventKind::Done);
        }
    }
    told.extend(events.into_iter().map(Told::whole));
    Ok(())
}

/// A prompt that came from the cache is not counted by older versions.
fn counts(root: &Map<String, Value>) -> Option<Usage> {
    let count = |key: &str| root.get(key).and_then(whole_number);
    let (input, output) = (count("prompt_eval_count"), count("eval_count"));
    let usage = Usage { input, output, ..Usage::default() };
    (usage != Usage::default()).then_some(usage)
}

/// In nanoseconds. Nothing takes none: who says so did not look at the clock.
fn timing(root: &Map<String, Value>) -> Option<ServerTiming> {
    let stage = |key: &str| stage(root, key, 1e-9).filter(|stage| !stage.is_zero());
    let timing = ServerTiming {
        load: stage("load_duration"),
        prefill: stage("prompt_eval_duration"),
        decode: stage("eval_duration"),
        ..ServerTiming::default()
    };
    (timing != ServerTiming::default()).then_some(timing)
}
