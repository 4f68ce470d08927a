//! `POST /chat/completions`.

use serde_json::{Map, Value, json};

use super::language::{Ask, DecodeError, Dialect, Frame, Reader, Shape, SharedDialect};
use super::openai::reasoning::is_thought;
use super::openai::request::{base_body, captured_body};
use super::openai::{decode, reasoning};
use super::values::{call_text, object, objects, text, whole_number};
use crate::answer::timeline::{CallDelta, EventKind, Told, ToolDelta};
use crate::workload::captured::Form;

/// The OpenAI chat API, as OpenAI, vLLM, SGLang, llama.cpp, Ollama and gateways serve it.
#[derive(Debug)]
pub struct OpenAiChat;

/// The name in the configuration.
pub const NAME: &str = "openai-chat";

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(OpenAiChat)
}

impl Dialect for OpenAiChat {
    fn name(&self) -> &'static str {
        NAME
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "chat/completions".to_owned()
    }

    fn captured_form(&self) -> Option<Form> {
        Some(Form::Chat)
    }

    fn bargains(&self) -> bool {
        true
    }

    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        if let Some(captured) = &ask.prompt.captured {
            return captured_body(ask, captured);
        }
        let message = |m: &crate::workload::Message| json!({"role": m.role, "content": m.content});
        let messages: Vec<_> = ask.prompt.messages.iter().map(message).collect();
        let mut body = base_body(ask);
        body.insert("messages".to_owned(), Value::Array(messages));
        body
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(ChoiceReader)
    }
}

/// Every frame says by itself what it is.
struct ChoiceReader;

impl Reader for ChoiceReader {
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        let key = if frame.whole { "message" } else { "delta" };
        decode(frame, told, |choice, events| {
            object(choice, key)?.map_or(Ok(()), |message| read_message(message, events))
        })
    }
}

/// A message or a delta of one: reasoning, then answer, then tool calls.
fn read_message(
    message: &Map<String, Value>,
    events: &mut Vec<EventKind>,
) -> Result<(), DecodeError> {
    let content = text(message, "content")?;
    if is_thought(message) {
        events.extend(content.map(EventKind::Reasoning));
    } else {
        reasoning(message, events);
        events.extend(content.map(EventKind::Content));
    }
    // Only a text is a refusal; some servers say there whether they refuse.
    let refusal = message.get("refusal").and_then(Value::as_str).filter(|text| !text.is_empty());
    events.extend(refusal.map(|text| EventKind::Content(text.to_owned())));
    let mut called = ToolDelta::default();
    for (position, call) in objects(message, "tool_calls").enumerate() {
        called.add(call_delta(call, position, "function", "arguments"));
        called.add(call_delta(call, position, "custom", "input"));
    }
    // The form before there were tools; older servers still speak it.
    called.add(call_delta(message, 0, "function_call", "arguments"));
    if !called.text.is_empty() {
        events.push(EventKind::ToolCall(called));
    }
    Ok(())
}

/// What is generated of the call under `kind`.
fn call_delta(
    parent: &Map<String, Value>,
    position: usize,
    kind: &str,
    arguments: &str,
) -> Option<CallDelta> {
    let call = parent.get(kind)?.as_object()?;
    let index = parent.get("index").and_then(whole_number).unwrap_or(position as u64);
    Some(CallDelta {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        id: call_text(parent.get("id")),
        name: call_text(call.get("name")),
        arguments: call_text(call.get(arguments)),
    })
}
