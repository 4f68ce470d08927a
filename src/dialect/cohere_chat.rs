//! `POST /v2/chat`: Cohere's API.
//!
//! Its events have types. The model's plan for its calls is reasoning. Of the two counts, the one of
//! tokens counts: what is billed leaves out the tokens that the API itself adds.

use serde_json::{Map, Value, json};
use url::form_urlencoded::byte_serialize;

use super::errors::{error, message_of, own_error};
use super::finish::finish;
use super::language::{Ask, DecodeError, Dialect, Frame, Reader, Shape, SharedDialect};
use super::models::ModelPage;
use super::openai::usage::usage;
use super::payload::object_of;
use super::values::{call_text, object, objects, text, whole_number};
use crate::answer::timeline::{CallDelta, EventKind, Told, Usage};

/// The name in the configuration.
pub const NAME: &str = "cohere-chat";
/// The list of the models that chat, in pages of the most that one may have.
const MODELS: &str = "v1/models?endpoint=chat&page_size=1000";

/// The Cohere chat API.
#[derive(Debug)]
pub struct CohereChat;

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(CohereChat)
}

impl Dialect for CohereChat {
    fn name(&self) -> &'static str {
        NAME
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "v2/chat".to_owned()
    }

    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let message = |m: &crate::workload::Message| json!({"role": m.role, "content": m.content});
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(ask.model));
        body.insert("messages".to_owned(), ask.prompt.messages.iter().map(message).collect());
        body.insert("max_tokens".to_owned(), json!(ask.max_output_tokens));
        body.insert("stream".to_owned(), json!(ask.shape.stream));
        body
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(MessageReader)
    }

    fn models(&self) -> &'static str {
        MODELS
    }

    fn model_page(&self, page: &Value) -> Option<ModelPage> {
        let token = page.get("next_page_token").and_then(Value::as_str).filter(|t| !t.is_empty());
        let next = token.map(|token| {
            let token: String = byte_serialize(token.as_bytes()).collect();
            format!("{MODELS}&page_token={token}")
        });
        ModelPage::only(page).map(|only| ModelPage { next, ..only })
    }
}

/// Every frame says by itself what it is.
struct MessageReader;

impl Reader for MessageReader {
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        let Some(root) = object_of(frame, told)? else { return Ok(()) };
        let mut events = Vec::new();
        // What is refused is told in a message that is a text: an answer's is an object.
        let refused = root.get("message").filter(|message| message.is_string());
        if let Some(message) = error(frame, &root).or_else(|| refused.map(message_of)) {
            events.push(EventKind::Error(message));
        } else {
            read(frame, &root, &mut events)?;
        }
        told.extend(events.into_iter().map(Told::whole));
        Ok(())
    }
}

fn read(
    frame: &Frame<'_>,
    root: &Map<String, Value>,
    events: &mut Vec<EventKind>,
) -> Result<(), DecodeError> {
    let kind = root.get("type").and_then(Value::as_str).unwrap_or(frame.event);
    let index = root.get("index").and_then(whole_number).unwrap_or(0);
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    match kind {
        "content-start" | "content-delta" | "tool-plan-delta" | "tool-call-start"
        | "tool-call-delta" => {
            let delta = object(root, "delta")?;
            if let Some(message) =
                delta.map(|delta| object(delta, "message")).transpose()?.flatten()
            {
                self::message(index, message, events)?;
            }
        }
        "message-end" => {
            if let Some(delta) = object(root, "delta")? {
                end(delta, events);
            }
            events.push(EventKind::Done);
        }
        _ if frame.whole => {
            events.extend(counts(root).map(EventKind::Usage));
            if let Some(message) = object(root, "message")? {
                self::message(0, message, events)?;
            }
            events.extend(finish(root, "finish_reason"));
        }
        // The beginning, the ends of parts, citations, and what is yet to come.
        _ => {}
    }
    Ok(())
}

/// A message, or a piece of one: the plan, the answer with its thinking, the calls.
fn message(
    index: u32,
    message: &Map<String, Value>,
    events: &mut Vec<EventKind>,
) -> Result<(), DecodeError> {
    events.extend(text(message, "tool_plan")?.map(EventKind::Reasoning));
    match message.get("content") {
        Some(Value::Array(_) | Value::Object(_)) => {
            for part in objects(message, "content") {
                events.extend(text(part, "thinking")?.map(EventKind::Reasoning));
                events.extend(text(part, "text")?.map(EventKind::Content));
            }
        }
        _ => events.extend(text(message, "content")?.map(EventKind::Content)),
    }
    let calls = (index..).zip(objects(message, "tool_calls")).map(|(index, call)| {
        let function = call.get("function").and_then(Value::as_object);
        let word = |key: &str| call_text(function.and_then(|function| function.get(key)));
        CallDelta {
            index,
            id: call_text(call.get("id")),
            name: word("name"),
            arguments: word("arguments"),
        }
    });
    events.extend(EventKind::called(calls));
    Ok(())
}

/// Why it ended, and what it cost.
fn end(delta: &Map<String, Value>, events: &mut Vec<EventKind>) {
    events.extend(counts(delta).map(EventKind::Usage));
    let error = own_error(delta).map(|error| EventKind::Error(message_of(error)));
    events.extend(error.or_else(|| finish(delta, "finish_reason")));
}

fn counts(holder: &Map<String, Value>) -> Option<Usage> {
    let report = holder.get("usage")?.as_object()?;
    let tokens = usage(report.get("tokens")?.as_object()?, false)?;
    let cached = report.get("cached_tokens").and_then(whole_number);
    Some(Usage { cached_input: cached.or(tokens.cached_input), ..tokens })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::timeline::Finish;

    fn told(frames: &[Value]) -> Vec<EventKind> {
        let mut reader = new().reader(Shape { stream: true });
        let mut told = Vec::new();
        for frame in frames {
            let event = frame["type"].as_str().unwrap_or_default();
            let data = frame.to_string();
            let frame = Frame { event, data: &data, whole: event.is_empty(), bare: false };
            reader.frame(&frame, &mut told).unwrap();
        }
        told.into_iter().map(|told| told.kind).collect()
    }

    fn delta(kind: &str, index: u32, message: &Value) -> Value {
        json!({"type": kind, "index": index, "delta": {"message": message}})
    }

    fn end(delta: &Value) -> Value {
        json!({"type": "message-end", "delta": delta})
    }

    fn content(text: &str) -> EventKind {
        EventKind::Content(text.to_owned())
    }

    fn reasoning(text: &str) -> EventKind {
        EventKind::Reasoning(text.to_owned())
    }

    fn called(index: u32, id: &str, name: &str, arguments: &str) -> EventKind {
        let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_owned());
        EventKind::called([CallDelta { index, id, name, arguments }]).unwrap()
    }

    #[test]
    fn thinking_plan_and_answer() {
        let frames = [
            json!({"type": "message-start", "delta": {"message": {"content": [], "tool_plan": ""}}}),
            delta("content-start", 0, &json!({"content": {"type": "thinking", "thinking": ""}})),
            delta("content-delta", 0, &json!({"content": {"thinking": "so"}})),
            json!({"type": "content-end", "index": 0}),
            delta("content-delta", 1, &json!({"content": {"text": "a"}})),
            delta("citation-start", 0, &json!({"citations": {"text": "a"}})),
            delta("tool-plan-delta", 0, &json!({"tool_plan": "first"})),
        ];
        assert_eq!(told(&frames), [reasoning("so"), content("a"), reasoning("first")]);
    }

    #[test]
    fn calls_come_in_pieces_or_whole() {
        let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
        let frames = [
            delta("tool-call-start", 1, &json!({"tool_calls": call("c", "look", "")})),
            delta("tool-call-delta", 1, &json!({"tool_calls": {"function": {"arguments": "{}"}}})),
            json!({"type": "tool-call-end", "index": 1}),
        ];
        assert_eq!(told(&frames), [called(1, "c", "look", ""), called(1, "", "", "{}")]);
        let whole = json!({"finish_reason": "TOOL_CALL", "message": {"tool_plan": "first",
            "tool_calls": [call("c", "look", "{}")]}});
        let expect = [
            reasoning("first"),
            called(0, "c", "look", "{}"),
            EventKind::Finish(Finish::ToolCalls),
        ];
        assert_eq!(told(&[whole]), expect);
    }

    #[test]
    fn tokens_count_and_not_what_is_billed() {
        let report = json!({"billed_units": {"input_tokens": 7, "output_tokens": 21},
            "tokens": {"input_tokens": 502, "output_tokens": 24}, "cached_tokens": 448});
        let usage = EventKind::Usage(Usage {
            input: Some(502),
            cached_input: Some(448),
            output: Some(24),
            ..Usage::default()
        });
        let expect = [usage, EventKind::Finish(Finish::Stop), EventKind::Done];
        assert_eq!(told(&[end(&json!({"finish_reason": "COMPLETE", "usage": report}))]), expect);
        let billed = json!({"billed_units": {"input_tokens": 7, "output_tokens": 21}});
        let found = told(&[end(&json!({"finish_reason": "STOP_SEQUENCE", "usage": billed}))]);
        assert_eq!(found, expect[1..]);
    }

    #[test]
    fn every_end_says_what_it_is() {
        let ended = |reason: &str| told(&[end(&json!({"finish_reason": reason}))]).remove(0);
        assert_eq!(ended("MAX_TOKENS"), EventKind::Finish(Finish::Length));
        assert_eq!(ended("ERROR_TOXIC"), EventKind::Finish(Finish::ContentFilter));
        for reason in ["ERROR", "TIMEOUT", "ERROR_LIMIT", "USER_CANCEL"] {
            let error = EventKind::Error(format!("finish_reason is {reason}"));
            assert_eq!(ended(reason), error);
        }
        let no = EventKind::Error("no".to_owned());
        let error = json!({"finish_reason": "ERROR", "error": "no"});
        assert_eq!(told(&[end(&error)]), [no.clone(), EventKind::Done]);
        assert_eq!(told(&[json!({"id": "x", "message": "no"})]), [no]);
    }

    #[test]
    fn models_come_in_pages() {
        let page = |token: &str| {
            new().model_page(&json!({"models": [{"name": "a", "endpoints": ["chat"]}],
                "next_page_token": token}))
        };
        let names = vec!["a".to_owned()];
        let next = Some("v1/models?endpoint=chat&page_size=1000&page_token=x%3D".to_owned());
        assert_eq!(page("x="), Some(ModelPage { names: names.clone(), next }));
        assert_eq!(page(""), Some(ModelPage { names, next: None }));
        assert_eq!(new().model_page(&json!({"message": "no"})), None);
    }
}
