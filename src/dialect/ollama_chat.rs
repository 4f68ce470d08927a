//! `POST /api/chat`: Ollama's own API for conversations.

use serde_json::{Map, Value, json};

use super::language::{Ask, DecodeError, Dialect, Frame, Reader, Shape, SharedDialect};
use super::ollama;
use super::values::{call_text, object, objects, text};
use crate::answer::framing::Framing;
use crate::answer::recording::Head;
use crate::answer::timeline::{CallDelta, EventKind, Told};

/// The name in the configuration.
pub const NAME: &str = "ollama-chat";

/// Ollama's chat API.
#[derive(Debug)]
pub struct OllamaChat;

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(OllamaChat)
}

impl Dialect for OllamaChat {
    fn name(&self) -> &'static str {
        NAME
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "api/chat".to_owned()
    }

    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let message = |m: &crate::workload::Message| json!({"role": m.role, "content": m.content});
        let mut body = ollama::base_body(ask);
        body.insert("messages".to_owned(), ask.prompt.messages.iter().map(message).collect());
        body
    }

    fn framing(&self, shape: Shape, _: Option<&Head>) -> Framing {
        ollama::framing(shape)
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(MessageReader::default())
    }

    fn models(&self) -> &'static str {
        ollama::MODELS
    }
}

#[derive(Debug, Default)]
struct MessageReader {
    /// Calls so far, which have no numbers of their own.
    calls: u32,
}

impl Reader for MessageReader {
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        ollama::read(frame, told, |root, events| match object(root, "message")? {
            Some(message) => self.message(message, events),
            None => Ok(()),
        })
    }
}

impl MessageReader {
    /// Thinking, then answer, then calls, each of which comes whole.
    fn message(
        &mut self,
        message: &Map<String, Value>,
        events: &mut Vec<EventKind>,
    ) -> Result<(), DecodeError> {
        events.extend(text(message, "thinking")?.map(EventKind::Reasoning));
        events.extend(text(message, "content")?.map(EventKind::Content));
        let calls = objects(message, "tool_calls").filter_map(|call| {
            let function = call.get("function")?.as_object()?;
            let index = self.calls;
            self.calls = self.calls.saturating_add(1);
            Some(CallDelta {
                index,
                id: call_text(call.get("id")),
                name: call_text(function.get("name")),
                arguments: call_text(function.get("arguments")),
            })
        });
        events.extend(EventKind::called(calls));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::answer::timeline::{Finish, ServerTiming, Usage};

    fn told(frames: &[Value]) -> Vec<EventKind> {
        let mut reader = new().reader(Shape { stream: true });
        let mut told = Vec::new();
        for frame in frames {
            let data = frame.to_string();
            let frame = Frame { event: "", data: &data, whole: false, bare: false };
            reader.frame(&frame, &mut told).unwrap();
        }
        told.into_iter().map(|told| told.kind).collect()
    }

    fn line(message: &Value) -> Value {
        json!({"model": "m", "message": message, "done": false})
    }

    #[test]
    fn thinking_answer_and_calls() {
        let call = |name: &str| json!({"function": {"name": name, "arguments": {"a": 1}}});
        let called = |index: u32, name: &str| CallDelta {
            index,
            name: name.to_owned(),
            arguments: "{\"a\":1}".to_owned(),
            ..CallDelta::default()
        };
        let frames = [
            line(&json!({"role": "assistant", "content": "", "thinking": "so"})),
            line(&json!({"role": "assistant", "content": "a"})),
            line(&json!({"content": "", "tool_calls": [call("b"), call("c")]})),
            line(&json!({"content": "", "tool_calls": [call("d")]})),
            line(&json!({"content": null, "thinking": null, "tool_calls": null})),
        ];
        let expect = [
            EventKind::Reasoning("so".to_owned()),
            EventKind::Content("a".to_owned()),
            EventKind::called([called(0, "b"), called(1, "c")]).unwrap(),
            EventKind::called([called(2, "d")]).unwrap(),
        ];
        assert_eq!(told(&frames), expect);
    }

    #[test]
    fn the_last_line_counts_and_tells_the_time() {
        let end = json!({"message": {"content": ""}, "done": true, "done_reason": "length",
            "load_duration": 30_000_000, "prompt_eval_count": 18, "eval_count": 7,
            "prompt_eval_duration": 110_000_000, "eval_duration": 700_000_000});
        let ms = |ms| Some(Duration::from_millis(ms));
        let timing = ServerTiming { queue: None, load: ms(30), prefill: ms(110), decode: ms(700) };
        let usage = Usage { input: Some(18), output: Some(7), ..Usage::default() };
        let expect = [
            EventKind::Usage(usage),
            EventKind::ServerTiming(timing),
            EventKind::Finish(Finish::Length),
            EventKind::Done,
        ];
        assert_eq!(told(&[end]), expect);
        let older = json!({"done": true, "load_duration": 0, "eval_duration": 0});
        assert_eq!(told(&[older]), [EventKind::Done]);
        let error = json!({"error": "no"});
        assert_eq!(told(&[error]), [EventKind::Error("no".to_owned())]);
    }
}
