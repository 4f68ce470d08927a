//! `POST /model/M/converse-stream`: AWS Bedrock's API for every model, in binary messages. What is
//! asked without streaming goes to `/converse`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::errors::{error, message_of};
use super::finish::finish;
use super::language::{Ask, DecodeError, Dialect, Frame, Reader, Shape, SharedDialect};
use super::openai::usage::usage;
use super::payload::object_of;
use super::values::{has_text, object, objects, text, whole_number};
use crate::answer::framing::Framing;
use crate::answer::recording::Head;
use crate::answer::timeline::{CallDelta, EventKind, Finish, Told, ToolDelta};
use crate::workload::Message;

/// Names of models hold colons, and those of profiles slashes: all of it is one part of the path.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// AWS Bedrock's Converse API.
#[derive(Debug)]
pub struct BedrockConverse;

/// The name in the configuration.
pub const NAME: &str = "bedrock-converse";

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(BedrockConverse)
}

impl Dialect for BedrockConverse {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signed_for(&self) -> Option<&'static str> {
        Some("bedrock")
    }

    fn path(&self, model: &str, shape: Shape) -> String {
        let how = if shape.stream { "converse-stream" } else { "converse" };
        format!("model/{}/{how}", utf8_percent_encode(model, PART))
    }

    /// The model is in the path. What a system says stands apart from the conversation.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let (system, others): (Vec<_>, Vec<_>) =
            ask.prompt.messages.iter().partition(|message| message.role == "system");
        let texts = |message: &&Message| json!({"text": message.content});
        let message = |m: &&Message| json!({"role": m.role, "content": [{"text": m.content}]});
        let mut body = Map::new();
        if !system.is_empty() {
            body.insert("system".to_owned(), system.iter().map(texts).collect());
        }
        body.insert("messages".to_owned(), others.iter().map(message).collect());
        let limit = json!({"maxTokens": ask.max_output_tokens});
        body.insert("inferenceConfig".to_owned(), limit);
        body
    }

    fn framing(&self, shape: Shape, _: Option<&Head>) -> Framing {
        if shape.stream { Framing::AwsEvents } else { Framing::Whole }
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(ConverseReader::default())
    }

    /// They are listed by another service, at another address.
    fn lists_models(&self) -> bool {
        false
    }
}

#[derive(Debug, Default)]
struct ConverseReader {
    /// Thinking was shown in the block that is under way.
    thinking: bool,
}

impl Reader for ConverseReader {
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        if let Some(message) = failure(frame) {
            told.push(Told::whole(EventKind::Error(message)));
            return Ok(());
        }
        let Some(root) = object_of(&Frame { event: "", ..frame.clone() }, told)? else {
            return Ok(());
        };
        let mut events = Vec::new();
        if let Some(message) = error(&Frame { event: "", ..frame.clone() }, &root) {
            events.push(EventKind::Error(message));
        } else if frame.whole {
            self.message(&root, &mut events)?;
        } else {
            self.read(frame.event, &root, &mut events)?;
        }
        told.extend(events.into_iter().map(Told::whole));
        Ok(())
    }
}

/// What went wrong, where the message itself says that something did: in the words of its kind, since
/// the text may say nothing.
fn failure(frame: &Frame<'_>) -> Option<String> {
    let kind = frame.event.strip_prefix("exception:").or(frame.event.strip_prefix("error:"))?;
    let words = match serde_json::from_str::<Value>(frame.data) {
        Ok(root @ Value::Object(_)) => message_of(&root),
        _ => frame.data.to_owned(),
    };
    Some(format!("{kind}: {words}"))
}

impl ConverseReader {
    fn read(
        &mut self,
        event: &str,
        root: &Map<String, Value>,
        events: &mut Vec<EventKind>,
    ) -> Result<(), DecodeError> {
        let index = root.get("contentBlockIndex").and_then(whole_number).unwrap_or(0);
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        match event {
            "contentBlockStart" => {
                self.thinking = false;
                if let Some(start) = object(root, "start")? {
                    events.extend(self.block(index, start)?);
                }
            }
            "contentBlockDelta" => {
                if let Some(delta) = object(root, "delta")? {
                    events.extend(self.block(index, delta)?);
                }
            }
            "messageStop" => events.extend(stop(root)),
            "metadata" => events.extend(counts(root)),
            // The kinds of errors, as some gateways call an event.
            other if other.ends_with("Exception") => {
                events.push(EventKind::Error(message_of(&Value::Object(root.clone()))));
            }
            // `messageStart`, `contentBlockStop`, and what is yet to come.
            _ => {}
        }
        Ok(())
    }

    /// A whole answer.
    fn message(
        &mut self,
        root: &Map<String, Value>,
        events: &mut Vec<EventKind>,
    ) -> Result<(), DecodeError> {
        if let Some(words) = root.get("message").and_then(Value::as_str)
            && !root.contains_key("output")
        {
            events.push(EventKind::Error(words.to_owned()));
            return Ok(());
        }
        events.extend(counts(root));
        let message =
            object(root, "output")?.map(|output| object(output, "message")).transpose()?;
        for (index, block) in (0..).zip(message.flatten().into_iter().flat_map(blocks)) {
            self.thinking = false;
            events.extend(self.block(index, block)?);
        }
        events.extend(stop(root));
        Ok(())
    }

    /// What a block holds at its beginning, adds, or is as a whole. What a tool of the server gave
    /// back was not generated.
    fn block(
        &mut self,
        index: u32,
        block: &Map<String, Value>,
    ) -> Result<Vec<EventKind>, DecodeError> {
        let mut events: Vec<_> = text(block, "text")?.map(EventKind::Content).into_iter().collect();
        if let Some(thought) = object(block, "reasoningContent")? {
            // Whole answers have it one level further down.
            let thought = object(thought, "reasoningText")?.unwrap_or(thought);
            let shown = text(thought, "text")?;
            self.thinking |= shown.is_some();
            events.extend(shown.map(EventKind::Reasoning));
            let redacted = has_text(thought, "redactedContent");
            if redacted || (has_text(thought, "signature") && !self.thinking) {
                events.push(EventKind::Hidden);
            }
        }
        if let Some(call) = object(block, "toolUse")? {
            let word = |key: &str| call.get(key).and_then(Value::as_str).unwrap_or_default();
            let input = match call.get("input") {
                Some(Value::Object(input)) if input.is_empty() => String::new(),
                Some(Value::Object(input)) => json!(input).to_string(),
                _ => text(call, "input")?.unwrap_or_default(),
            };
            let mut called = ToolDelta::default();
            called.add(Some(CallDelta {
                index,
                id: word("toolUseId").to_owned(),
                name: word("name").to_owned(),
                arguments: input,
            }));
            events.extend((!called.text.is_empty()).then_some(EventKind::ToolCall(called)));
        }
        Ok(events)
    }
}

fn blocks(message: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    objects(message, "content")
}

fn counts(root: &Map<String, Value>) -> Option<EventKind> {
    usage(root.get("usage")?.as_object()?, false).map(EventKind::Usage)
}

fn stop(root: &Map<String, Value>) -> Option<EventKind> {
    match root.get("stopReason").and_then(Value::as_str) {
        Some("guardrail_intervened" | "content_filtered") => {
            Some(EventKind::Finish(Finish::ContentFilter))
        }
        _ => finish(root, "stopReason"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::timeline::Usage;
    use crate::testing;
    use crate::workload::{LimitKey, Prompt};

    /// What these messages tell, each with its type; one without is a whole body.
    fn told(frames: &[(&str, Value)]) -> Vec<EventKind> {
        let mut reader = new().reader(Shape { stream: true });
        let mut told = Vec::new();
        for (event, data) in frames {
            let data = data.to_string();
            let frame = Frame { event, data: &data, whole: event.is_empty(), bare: false };
            reader.frame(&frame, &mut told).unwrap();
        }
        told.into_iter().map(|told| told.kind).collect()
    }

    fn delta(delta: &Value) -> (&'static str, Value) {
        ("contentBlockDelta", json!({"contentBlockIndex": 1, "delta": delta, "p": "abc"}))
    }

    fn start(start: &Value) -> (&'static str, Value) {
        ("contentBlockStart", json!({"contentBlockIndex": 1, "start": start}))
    }

    fn call(id: &str, name: &str, arguments: &str) -> EventKind {
        let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_owned());
        let mut called = ToolDelta::default();
        called.add(Some(CallDelta { index: 1, id, name, arguments }));
        EventKind::ToolCall(called)
    }

    #[test]
    fn text_and_thinking() {
        let content = |text: &str| EventKind::Content(text.to_owned());
        let frames = [
            ("messageStart", json!({"role": "assistant"})),
            start(&json!({"reasoningContent": {}})),
            delta(&json!({"reasoningContent": {"text": "so"}})),
            delta(&json!({"reasoningContent": {"signature": "x"}})),
            ("contentBlockStop", json!({"contentBlockIndex": 1})),
            start(&json!({})),
            delta(&json!({"text": ""})),
            delta(&json!({"text": "four"})),
            ("messageStop", json!({"stopReason": "end_turn"})),
        ];
        let expect = [
            EventKind::Reasoning("so".to_owned()),
            content("four"),
            EventKind::Finish(Finish::Stop),
        ];
        assert_eq!(told(&frames), expect);
        let sealed = [start(&json!({})), delta(&json!({"reasoningContent": {"signature": "x"}}))];
        assert_eq!(told(&sealed), [EventKind::Hidden]);
        let redacted = [delta(&json!({"reasoningContent": {"redactedContent": "eA=="}}))];
        assert_eq!(told(&redacted), [EventKind::Hidden]);
    }

    #[test]
    fn calls_and_what_comes_back_from_a_tool_of_the_server() {
        let frames = [
            start(&json!({"toolUse": {"toolUseId": "t", "name": "look"}})),
            delta(&json!({"toolUse": {"input": ""}})),
            delta(&json!({"toolUse": {"input": "{\"a\":1}"}})),
            start(&json!({"toolResult": {"toolUseId": "t", "status": "success"}})),
            delta(&json!({"toolResult": [{"json": {"stdOut": "7"}}]})),
        ];
        assert_eq!(told(&frames), [call("t", "look", ""), call("", "", "{\"a\":1}")]);
    }

    #[test]
    fn ends_and_tokens() {
        let stopped = |reason: &str| told(&[("messageStop", json!({"stopReason": reason}))]);
        let finish = |finish| vec![EventKind::Finish(finish)];
        assert_eq!(stopped("max_tokens"), finish(Finish::Length));
        assert_eq!(stopped("tool_use"), finish(Finish::ToolCalls));
        assert_eq!(stopped("guardrail_intervened"), finish(Finish::ContentFilter));
        assert_eq!(stopped("content_filtered"), finish(Finish::ContentFilter));
        assert_eq!(stopped("malformed_tool_use"), finish(Finish::Other));
        let metadata = json!({"metrics": {"latencyMs": 7}, "usage": {"inputTokens": 23,
            "outputTokens": 19, "totalTokens": 42, "cacheReadInputTokens": 3}});
        let usage = Usage {
            input: Some(23),
            cached_input: Some(3),
            output: Some(19),
            reasoning: None,
            total: Some(42),
        };
        assert_eq!(told(&[("metadata", metadata)]), [EventKind::Usage(usage)]);
    }

    #[test]
    fn errors_of_every_form() {
        let failed = |frames: &[(&str, Value)], words: &str| {
            assert_eq!(told(frames), [EventKind::Error(words.to_owned())], "{frames:?}");
        };
        let slow = json!({"message": "Too many tokens"});
        failed(
            &[("exception:throttlingException", slow.clone())],
            "throttlingException: Too many tokens",
        );
        failed(&[("modelStreamErrorException", slow.clone())], "Too many tokens");
        failed(&[("error:500", json!("gone"))], "500: \"gone\"");
        failed(&[("", slow)], "Too many tokens");
        failed(&[("", json!({"error": {"message": "gone"}}))], "gone");
    }

    #[test]
    fn whole_answers() {
        let body = json!({
            "output": {"message": {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "so", "signature": "x"}}},
                {"toolUse": {"toolUseId": "t", "name": "look", "input": {"a": 1}}},
            ]}},
            "stopReason": "tool_use",
            "usage": {"inputTokens": 7, "outputTokens": 9, "totalTokens": 16},
        });
        let usage = Usage { input: Some(7), output: Some(9), total: Some(16), ..Usage::default() };
        let expect = [
            EventKind::Usage(usage),
            EventKind::Reasoning("so".to_owned()),
            call("t", "look", "{\"a\":1}"),
            EventKind::Finish(Finish::ToolCalls),
        ];
        assert_eq!(told(&[("", body)]), expect);
    }

    #[test]
    fn the_model_is_in_the_path_and_the_system_apart() {
        let path = |model, stream| new().path(model, Shape { stream });
        let model = "us.anthropic.claude-v1:0";
        assert_eq!(path(model, true), "model/us.anthropic.claude-v1%3A0/converse-stream");
        assert_eq!(path("arn:aws:x/y", false), "model/arn%3Aaws%3Ax%2Fy/converse");
        let say = |role: &str, content: &str| Message {
            role: role.to_owned(),
            content: content.to_owned(),
        };
        let prompt = Prompt::new(vec![say("system", "Be brief."), say("user", "Hello?")]);
        let target = crate::target::Target { dialect: new(), ..testing::target("t") };
        let ask = Ask {
            model,
            prompt: &prompt,
            max_output_tokens: 7,
            limit_key: LimitKey::MaxTokens,
            usage: super::super::AskUsage::AtTheEnd,
            shape: target.shape(),
        };
        let expect = json!({
            "system": [{"text": "Be brief."}],
            "messages": [{"role": "user", "content": [{"text": "Hello?"}]}],
            "inferenceConfig": {"maxTokens": 7},
        });
        assert_eq!(Value::Object(target.dialect.body(&ask)), expect);
    }
}
