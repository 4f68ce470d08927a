//! `POST /chat/completions`.

use serde_json::{Map, Value, json};

use super::openai::{array, base_body, captured_body, decode, object, text};
use super::{Ask, DecodeError, Frame, Protocol};
use crate::timeline::{EventKind, Told};
use crate::workload::captured::Form;

/// The OpenAI chat API, as OpenAI, vLLM, SGLang, llama.cpp, Ollama and gateways serve it.
#[derive(Debug)]
pub struct OpenAiChat;

impl Protocol for OpenAiChat {
    fn name(&self) -> &'static str {
        "openai-chat"
    }

    fn path(&self) -> &'static str {
        "chat/completions"
    }

    fn captured_form(&self) -> Option<Form> {
        Some(Form::Chat)
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

    fn decode(&self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
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
    // Some servers send the same reasoning under both names.
    let reasoning = match text(message, "reasoning_content")? {
        Some(text) => Some(text),
        None => text(message, "reasoning")?,
    };
    events.extend(reasoning.map(EventKind::Reasoning));
    events.extend(text(message, "content")?.map(EventKind::Content));
    events.extend(text(message, "refusal")?.map(EventKind::Content));
    let mut called = String::new();
    for call in array(message, "tool_calls")? {
        let Value::Object(call) = call else { continue };
        called += &call_text(call, "function", ["name", "arguments"])?;
        called += &call_text(call, "custom", ["name", "input"])?;
    }
    // The form before there were tools; older servers still speak it.
    called += &call_text(message, "function_call", ["name", "arguments"])?;
    if !called.is_empty() {
        events.push(EventKind::ToolCall(called));
    }
    Ok(())
}

/// What is generated of the call under `kind`.
fn call_text(
    parent: &Map<String, Value>,
    kind: &str,
    keys: [&str; 2],
) -> Result<String, DecodeError> {
    let Some(call) = parent.get(kind).and_then(Value::as_object) else { return Ok(String::new()) };
    let parts = keys.map(|key| match call.get(key) {
        // Some servers parse the arguments that the model wrote.
        Some(Value::Object(arguments)) => Ok(Some(Value::Object(arguments.clone()).to_string())),
        _ => text(call, key),
    });
    parts.into_iter().map(|part| part.map(Option::unwrap_or_default)).collect()
}
