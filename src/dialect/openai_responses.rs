//! `POST /responses`: OpenAI's newer API, which vLLM, llama.cpp, LM Studio and gateways speak, too.
//!
//! Its events have types. A text is told in deltas, and again as a whole when its part and its item
//! are done: only what was not told before counts then. The final object is asked what was
//! generated only where nothing was told at all, because some servers leave its output empty.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::errors::{error, message_of, own_error};
use super::finish::finish;
use super::language::{Ask, DecodeError, Dialect, Frame, Reader, Shape, SharedDialect};
use super::openai::usage::usage;
use super::payload::object_of;
use super::stages::timings;
use super::values::{call_text, has_text, loose_text, object, objects, text, whole_number};
use crate::answer::timeline::{CallDelta, EventKind, Finish, Told, Usage};

/// The name in the configuration.
pub const NAME: &str = "openai-responses";

/// The OpenAI responses API.
#[derive(Debug)]
pub struct OpenAiResponses;

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(OpenAiResponses)
}

impl Dialect for OpenAiResponses {
    fn name(&self) -> &'static str {
        NAME
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "responses".to_owned()
    }

    /// Nobody asks for a probe's answer again, so it need not be kept.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let message = |m: &crate::workload::Message| json!({"role": m.role, "content": m.content});
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(ask.model));
        body.insert("input".to_owned(), ask.prompt.messages.iter().map(message).collect());
        body.insert("max_output_tokens".to_owned(), json!(ask.max_output_tokens));
        body.insert("store".to_owned(), json!(false));
        body.insert("stream".to_owned(), json!(ask.shape.stream));
        body
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(ResponseReader::default())
    }
}

/// What is generated of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Text,
    Reasoning,
    /// Of reasoning.
    Summary,
    /// Of a call.
    Name,
    /// Of a call: its arguments, its input, the code that is to run.
    Arguments,
    /// Reasoning that nobody can read.
    Sealed,
}

impl Part {
    /// What an event of this type holds, `response.output_text` say, without its ending: there are
    /// more types than are documented.
    fn of_event(kind: &str) -> Option<Self> {
        let holds = |words: &[&str]| words.iter().any(|word| kind.contains(word));
        let kinds = [
            (Self::Summary, holds(&["summary"])),
            (Self::Reasoning, holds(&["reasoning"])),
            (Self::Arguments, holds(&["arguments", "input", "code", "command", "diff"])),
            (Self::Text, holds(&["text", "refusal", "transcript"])),
        ];
        kinds.into_iter().find(|(_, is)| *is).map(|(part, _)| part)
    }

    /// What a part of this type holds.
    fn of_part(part: &Map<String, Value>) -> Option<Self> {
        Self::of_event(part.get("type")?.as_str()?)
    }

    /// What is told once only: a summary stands for the reasoning.
    fn once(self) -> Self {
        if self == Self::Summary { Self::Reasoning } else { self }
    }
}

/// Which item an event is about. Some servers give its number, some its id.
struct Place {
    names: Vec<String>,
    index: u32,
    id: String,
}

#[derive(Debug, Default)]
struct ResponseReader {
    /// What was told of which item.
    told: BTreeSet<(Part, String)>,
    /// The order of the items that have ids and no numbers.
    order: BTreeMap<String, u32>,
    /// Something generated was told.
    begun: bool,
}

impl Reader for ResponseReader {
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        let Some(root) = object_of(frame, told)? else { return Ok(()) };
        let mut events = Vec::new();
        if root.get("object").is_some_and(|object| object == "response") {
            self.end("", &root, &root, &mut events)?;
        } else if let Some(message) = error(frame, &root) {
            events.push(EventKind::Error(message));
        } else {
            self.read(frame.event, &root, &mut events)?;
        }
        told.extend(events.into_iter().map(Told::whole));
        Ok(())
    }
}

impl ResponseReader {
    fn read(
        &mut self,
        event: &str,
        root: &Map<String, Value>,
        events: &mut Vec<EventKind>,
    ) -> Result<(), DecodeError> {
        let kind = root.get("type").and_then(Value::as_str).unwrap_or(event);
        let (name, ending) = kind.rsplit_once('.').unwrap_or((kind, ""));
        match (name, ending) {
            ("response.output_item", _) => {
                if let Some(item) = object(root, "item")? {
                    let place = self.place(root, item);
                    self.item(&place, item, events)?;
                }
            }
            ("response", "completed" | "incomplete" | "failed" | "cancelled" | "done") => {
                let response = object(root, "response")?.unwrap_or(root);
                self.end(ending, root, response, events)?;
            }
            (_, "delta") => {
                if let Some(part) = Part::of_event(name)
                    && let Some(delta) = text(root, "delta")?
                {
                    let place = self.place(root, root);
                    self.tell(part, &place, delta, events);
                }
            }
            (_, "added" | "done") if name.ends_with("_part") => {
                let place = self.place(root, root);
                if let Some(part) = object(root, "part")? {
                    self.part(&place, part, events)?;
                }
            }
            (_, "done") => {
                const KEYS: [&str; 6] =
                    ["text", "refusal", "arguments", "input", "code", "transcript"];
                let place = self.place(root, root);
                let whole = KEYS.iter().find(|key| root.contains_key(**key));
                if let (Some(part), Some(key)) = (Part::of_event(name), whole) {
                    self.tell_rest(part, &place, call_text(root.get(*key)), events);
                }
            }
            // That it was accepted, that a tool of the server is at work, and what is yet to come.
            _ => {}
        }
        Ok(())
    }

    /// Which item `holder`, an event or an item, is about.
    fn place(&mut self, event: &Map<String, Value>, holder: &Map<String, Value>) -> Place {
        let word = |map: &Map<String, Value>, key: &str| {
            map.get(key).and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned)
        };
        let id = word(event, "item_id").or_else(|| word(holder, "id"));
        let number = event.get("output_index").and_then(whole_number);
        let mut names: Vec<String> =
            number.map(|number| format!("#{number}")).into_iter().collect();
        names.extend(id.clone());
        let index = match (number, &id) {
            (Some(number), _) => u32::try_from(number).unwrap_or(u32::MAX),
            (None, Some(id)) => {
                let next = u32::try_from(self.order.len()).unwrap_or(u32::MAX);
                *self.order.entry(id.clone()).or_insert(next)
            }
            (None, None) => 0,
        };
        if names.is_empty() {
            names.push(String::new());
        }
        // A call has an id for its answer, too, which its deltas do not tell.
        let id = id.or_else(|| word(holder, "call_id")).unwrap_or_default();
        Place { names, index, id }
    }

    fn is_told(&self, part: Part, place: &Place) -> bool {
        place.names.iter().any(|name| self.told.contains(&(part.once(), name.clone())))
    }

    /// Tells a piece of text that is not empty.
    fn tell(&mut self, part: Part, place: &Place, text: String, events: &mut Vec<EventKind>) {
        let names = place.names.iter().map(|name| (part.once(), name.clone()));
        self.told.extend(names);
        let (index, id) = (place.index, place.id.clone());
        let call = |name, arguments| EventKind::called([CallDelta { index, id, name, arguments }]);
        self.begun |= part != Part::Sealed;
        match part {
            Part::Text => events.push(EventKind::Content(text)),
            Part::Reasoning => events.push(EventKind::Reasoning(text)),
            Part::Summary => events.extend([EventKind::Hidden, EventKind::Reasoning(text)]),
            Part::Name => events.extend(call(text, String::new())),
            Part::Arguments => events.extend(call(String::new(), text)),
            Part::Sealed => events.push(EventKind::Hidden),
        }
    }

    /// Tells a text that is complete, unless its pieces were told.
    fn tell_rest(&mut self, part: Part, place: &Place, text: String, events: &mut Vec<EventKind>) {
        if !text.is_empty() && !self.is_told(part, place) {
            self.tell(part, place, text, events);
        }
    }

    /// A part of a message or of reasoning, as it stands.
    fn part(
        &mut self,
        place: &Place,
        part: &Map<String, Value>,
        events: &mut Vec<EventKind>,
    ) -> Result<(), DecodeError> {
        if let Some(kind) = Part::of_part(part) {
            let whole = text(part, "text")?.or(text(part, "refusal")?).unwrap_or_default();
            self.tell_rest(kind, place, whole, events);
        }
        Ok(())
    }

    /// An item as it stands, at its beginning or when it is done. What a tool of the server gave
    /// back was not generated.
    fn item(
        &mut self,
        place: &Place,
        item: &Map<String, Value>,
        events: &mut Vec<EventKind>,
    ) -> Result<(), DecodeError> {
        let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
        match kind {
            "message" => {
                // All parts are of one item: what the first tells is not to silence the others.
                let told = self.is_told(Part::Text, place);
                for part in objects(item, "content").filter(|_| !told) {
                    if let Some(said) = text(part, "text")?.or(text(part, "refusal")?) {
                        self.tell(Part::Text, place, said, events);
                    }
                }
            }
            "reasoning" => {
                let whole = |key: &str| item.get(key).map(loose_text).unwrap_or_default();
                self.tell_rest(Part::Reasoning, place, whole("content"), events);
                self.tell_rest(Part::Summary, place, whole("summary"), events);
                let known = [Part::Reasoning, Part::Sealed].map(|part| self.is_told(part, place));
                if has_text(item, "encrypted_content") && !known.contains(&true) {
                    self.tell(Part::Sealed, place, String::new(), events);
                }
            }
            kind if kind.ends_with("_call") => {
                let new = |part, keys: &[&str]| {
                    let text = keys.iter().map(|key| call_text(item.get(*key)));
                    let text = text.into_iter().find(|text| !text.is_empty());
                    text.filter(|_| !self.is_told(part, place)).unwrap_or_default()
                };
                let name = new(Part::Name, &["name"]);
                let arguments = new(Part::Arguments, &["arguments", "input", "code"]);
                for (part, text) in [(Part::Name, &name), (Part::Arguments, &arguments)] {
                    let names = place.names.iter().filter(|_| !text.is_empty());
                    self.told.extend(names.map(|name| (part, name.clone())));
                    self.begun |= !text.is_empty();
                }
                let (index, id) = (place.index, place.id.clone());
                events.extend(EventKind::called([CallDelta { index, id, name, arguments }]));
            }
            _ => {}
        }
        Ok(())
    }

    /// The end of the answer, or all of it: `ending` is what the event is called, if it has a name.
    fn end(
        &mut self,
        ending: &str,
        root: &Map<String, Value>,
        response: &Map<String, Value>,
        events: &mut Vec<EventKind>,
    ) -> Result<(), DecodeError> {
        events.extend(counts(response).or_else(|| counts(root)).map(EventKind::Usage));
        let timing = timings(root).or_else(|| timings(response));
        events.extend(timing.map(EventKind::ServerTiming));
        if !self.begun {
            for (index, item) in (0_u32..).zip(objects(response, "output")) {
                let id = call_text(item.get("id").or_else(|| item.get("call_id")));
                self.item(&Place { names: vec![format!("#{index}")], index, id }, item, events)?;
            }
        }
        let status = response.get("status").and_then(Value::as_str);
        let status = status.filter(|status| !["in_progress", "queued"].contains(status));
        let status = if ending == "failed" { ending } else { status.unwrap_or(ending) };
        if let Some(error) = own_error(response) {
            events.push(EventKind::Error(message_of(error)));
        } else if ["failed", "cancelled"].contains(&status) {
            events.push(EventKind::Error(format!("the status of the response is {status}")));
        } else if status == "incomplete" {
            let details = object(response, "incomplete_details")?;
            let reason = details.and_then(|details| finish(details, "reason"));
            events.push(reason.unwrap_or(EventKind::Finish(Finish::Other)));
        } else if ["completed", "done"].contains(&status) {
            events.push(EventKind::Finish(Finish::Stop));
        }
        if !ending.is_empty() {
            events.push(EventKind::Done);
        }
        Ok(())
    }
}

fn counts(holder: &Map<String, Value>) -> Option<Usage> {
    usage(holder.get("usage")?.as_object()?, false)
}
