//! `POST /v1/messages`: Anthropic's API, which llama.cpp, vLLM and gateways speak, too.
//!
//! Its events have types. Tokens are counted in two places: those of the prompt where the message
//! begins, those of the answer in its deltas, each count for all so far. The prompt's count leaves
//! out what came from the cache, and so does ours: it is what was read anew.

use serde_json::{Map, Value, json};
use url::form_urlencoded::byte_serialize;

use super::errors::error;
use super::finish::finish;
use super::language::{Ask, DecodeError, Dialect, Frame, KeyStyle, Reader, Shape, SharedDialect};
use super::models::ModelPage;
use super::openai::usage::usage;
use super::payload::object_of;
use super::values::{has_text, object, objects, text, whole_number};
use crate::answer::rate_limit::RateLimits;
use crate::answer::recording::Head;
use crate::answer::timeline::{CallDelta, EventKind, Told, Usage};

/// The name in the configuration.
pub const NAME: &str = "anthropic-messages";
/// The list of models, in pages of the most that one may have.
const MODELS: &str = "v1/models?limit=1000";

/// The Anthropic messages API.
#[derive(Debug)]
pub struct AnthropicMessages;

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(AnthropicMessages)
}

impl Dialect for AnthropicMessages {
    fn name(&self) -> &'static str {
        NAME
    }

    fn key(&self) -> KeyStyle {
        KeyStyle::Header("x-api-key")
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "v1/messages".to_owned()
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("anthropic-version", "2023-06-01")]
    }

    /// What a system says stands apart from the conversation.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let (system, others): (Vec<_>, Vec<_>) =
            ask.prompt.messages.iter().partition(|message| message.role == "system");
        let message = |m: &&crate::workload::Message| json!({"role": m.role, "content": m.content});
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(ask.model));
        body.insert("max_tokens".to_owned(), json!(ask.max_output_tokens));
        body.insert("stream".to_owned(), json!(ask.shape.stream));
        if !system.is_empty() {
            let texts: Vec<_> = system.iter().map(|message| message.content.as_str()).collect();
            body.insert("system".to_owned(), json!(texts.join("\n\n")));
        }
        body.insert("messages".to_owned(), others.iter().map(message).collect());
        body
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(MessageReader::default())
    }

    fn models(&self) -> &'static str {
        MODELS
    }

    fn model_page(&self, page: &Value) -> Option<ModelPage> {
        let next = || {
            let more = page.get("has_more")?.as_bool()?;
            let last = page.get("last_id")?.as_str().filter(|_| more)?;
            let last: String = byte_serialize(last.as_bytes()).collect();
            Some(format!("{MODELS}&after_id={last}"))
        };
        ModelPage::only(page).map(|only| ModelPage { next: next(), ..only })
    }

    /// Its own headers; else those that gateways copy from OpenAI.
    fn rate_limits(&self, head: &Head) -> RateLimits {
        let own =
            RateLimits::named(head, |what, unit| format!("anthropic-ratelimit-{unit}-{what}"));
        if own == RateLimits::default() { RateLimits::usual(head) } else { own }
    }
}

#[derive(Debug, Default)]
struct MessageReader {
    /// What was counted so far.
    usage: Usage,
    /// Thinking was shown in the block that is under way.
    thinking: bool,
}

impl Reader for MessageReader {
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        let Some(root) = object_of(frame, told)? else { return Ok(()) };
        let mut events = Vec::new();
        if let Some(message) = error(frame, &root) {
            events.push(EventKind::Error(message));
        } else {
            self.read(frame.event, &root, &mut events)?;
        }
        told.extend(events.into_iter().map(Told::whole));
        Ok(())
    }
}

impl MessageReader {
    fn read(
        &mut self,
        event: &str,
        root: &Map<String, Value>,
        events: &mut Vec<EventKind>,
    ) -> Result<(), DecodeError> {
        let index = root.get("index").and_then(whole_number).unwrap_or(0);
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        match root.get("type").and_then(Value::as_str).unwrap_or(event) {
            // Nothing has been generated yet: the count of the answer is a place holder.
            "message_start" => {
                let message = object(root, "message")?;
                let counted = message.and_then(counts);
                self.count(counted.map(|usage| Usage { output: None, ..usage }), events);
            }
            "content_block_start" => {
                self.thinking = false;
                if let Some(block) = object(root, "content_block")? {
                    self.block(index, block, events)?;
                }
            }
            "content_block_delta" => {
                if let Some(delta) = object(root, "delta")? {
                    self.delta(index, delta, events)?;
                }
            }
            "message_delta" => {
                self.count(counts(root), events);
                let delta = object(root, "delta")?;
                events.extend(delta.and_then(|delta| finish(delta, "stop_reason")));
            }
            "message_stop" => events.push(EventKind::Done),
            "message" => {
                self.count(counts(root), events);
                for (index, block) in (0..).zip(objects(root, "content")) {
                    self.thinking = false;
                    self.block(index, block, events)?;
                }
                events.extend(finish(root, "stop_reason"));
            }
            // `ping`, `content_block_stop`, and what is yet to come.
            _ => {}
        }
        Ok(())
    }

    /// Adds a report to what was counted so far.
    fn count(&mut self, report: Option<Usage>, events: &mut Vec<EventKind>) {
        if let Some(report) = report {
            self.usage = self.usage.merged(report);
            events.push(EventKind::Usage(self.usage));
        }
    }

    /// A block as it stands at its beginning, or in a whole message. What a tool of the server gave
    /// back was not generated.
    fn block(
        &mut self,
        index: u32,
        block: &Map<String, Value>,
        events: &mut Vec<EventKind>,
    ) -> Result<(), DecodeError> {
        match block.get("type").and_then(Value::as_str).unwrap_or_default() {
            "text" => events.extend(text(block, "text")?.map(EventKind::Content)),
            "thinking" => self.think(block, events)?,
            "redacted_thinking" => events.push(EventKind::Hidden),
            "tool_use" | "server_tool_use" | "mcp_tool_use" => {
                let word = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default();
                let input = block.get("input").and_then(Value::as_object);
                let input = input.filter(|input| !input.is_empty());
                events.extend(EventKind::called([CallDelta {
                    index,
                    id: word("id").to_owned(),
                    name: word("name").to_owned(),
                    arguments: input.map(|input| json!(input).to_string()).unwrap_or_default(),
                }]));
            }
            _ => {}
        }
        Ok(())
    }

    fn delta(
        &mut self,
        index: u32,
        delta: &Map<String, Value>,
        events: &mut Vec<EventKind>,
    ) -> Result<(), DecodeError> {
        match delta.get("type").and_then(Value::as_str).unwrap_or_default() {
            "text_delta" => events.extend(text(delta, "text")?.map(EventKind::Content)),
            "thinking_delta" | "signature_delta" => self.think(delta, events)?,
            "input_json_delta" => {
                let arguments = text(delta, "partial_json")?.unwrap_or_default();
                let piece = CallDelta { index, arguments, ..CallDelta::default() };
                events.extend(EventKind::called([piece]));
            }
            _ => {}
        }
        Ok(())
    }

    /// Thinking, or the signature of some: without any text before it, it was not shown.
    fn think(
        &mut self,
        part: &Map<String, Value>,
        events: &mut Vec<EventKind>,
    ) -> Result<(), DecodeError> {
        let shown = text(part, "thinking")?;
        self.thinking |= shown.is_some();
        events.extend(shown.map(EventKind::Reasoning));
        if has_text(part, "signature") && !self.thinking {
            events.push(EventKind::Hidden);
        }
        Ok(())
    }
}

fn counts(holder: &Map<String, Value>) -> Option<Usage> {
    usage(holder.get("usage")?.as_object()?, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::timeline::{Finish, ToolDelta};
    use crate::testing;
    use crate::workload::{Message, Prompt};

    /// What these events tell, the first of which may be a whole body.
    fn told(frames: &[Value]) -> Vec<EventKind> {
        let mut reader = new().reader(Shape { stream: true });
        let mut told = Vec::new();
        for frame in frames {
            let (event, data) = (frame["type"].as_str().unwrap(), frame.to_string());
            let whole = event == "message";
            let event = if whole { "" } else { event };
            let frame = Frame { event, data: &data, whole, bare: false };
            reader.frame(&frame, &mut told).unwrap();
        }
        told.into_iter().map(|told| told.kind).collect()
    }

    fn delta(delta: &Value) -> Value {
        json!({"type": "content_block_delta", "index": 1, "delta": delta})
    }

    fn block(block: &Value) -> Value {
        json!({"type": "content_block_start", "index": 1, "content_block": block})
    }

    #[test]
    fn both_halves_of_the_usage_are_one() {
        let start = json!({"type": "message_start", "message": {"usage": {
            "input_tokens": 10, "cache_read_input_tokens": 24, "output_tokens": 1}}});
        let end = json!({"type": "message_delta", "delta": {"stop_reason": "max_tokens"},
            "usage": {"output_tokens": 100}});
        let begun = Usage { input: Some(10), cached_input: Some(24), ..Usage::default() };
        let expect = [
            EventKind::Usage(begun),
            EventKind::Usage(Usage { output: Some(100), ..begun }),
            EventKind::Finish(Finish::Length),
            EventKind::Done,
        ];
        assert_eq!(told(&[start, end, json!({"type": "message_stop"})]), expect);
    }

    #[test]
    fn thinking_that_is_not_shown_is_hidden() {
        let thinking = json!({"type": "thinking", "thinking": "", "signature": ""});
        let shown = delta(&json!({"type": "thinking_delta", "thinking": "so"}));
        let signed = delta(&json!({"type": "signature_delta", "signature": "x"}));
        let so = EventKind::Reasoning("so".to_owned());
        assert_eq!(told(&[block(&thinking), shown, signed.clone()]), [so]);
        assert_eq!(told(&[block(&thinking), signed]), [EventKind::Hidden]);
        let redacted = json!({"type": "redacted_thinking", "data": "x"});
        assert_eq!(told(&[block(&redacted)]), [EventKind::Hidden]);
    }

    #[test]
    fn a_call_is_put_together_and_results_are_not_generated() {
        let piece = |index, id: &str, name: &str, arguments: &str| {
            let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_owned());
            let mut called = ToolDelta::default();
            called.add(Some(CallDelta { index, id, name, arguments }));
            EventKind::ToolCall(called)
        };
        let frames = [
            block(&json!({"type": "tool_use", "id": "t", "name": "look", "input": {}})),
            delta(&json!({"type": "input_json_delta", "partial_json": ""})),
            delta(&json!({"type": "input_json_delta", "partial_json": "{\"a\":1}"})),
            block(&json!({"type": "mcp_tool_result", "content": [{"type": "text", "text": "x"}]})),
            json!({"type": "ping"}),
        ];
        assert_eq!(told(&frames), [piece(1, "t", "look", ""), piece(1, "", "", "{\"a\":1}")]);
        let whole = json!({"type": "message", "stop_reason": "tool_use", "content": [
            {"type": "text", "text": "Well."},
            {"type": "tool_use", "id": "t", "name": "look", "input": {"a": 1}},
        ]});
        let expect = [
            EventKind::Content("Well.".to_owned()),
            piece(1, "t", "look", "{\"a\":1}"),
            EventKind::Finish(Finish::ToolCalls),
        ];
        assert_eq!(told(&[whole]), expect);
    }

    #[test]
    fn errors_end_it() {
        let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
        assert_eq!(told(&[error]), [EventKind::Error("Overloaded".to_owned())]);
    }

    #[test]
    fn the_system_stands_apart() {
        let say = |role: &str, content: &str| Message {
            role: role.to_owned(),
            content: content.to_owned(),
        };
        let prompt = Prompt::new(vec![say("system", "Be brief."), say("user", "Hello?")]);
        let target = crate::target::Target { dialect: new(), ..testing::target("t") };
        let ask = Ask {
            model: "m",
            prompt: &prompt,
            max_output_tokens: 7,
            limit_key: crate::workload::LimitKey::MaxCompletionTokens,
            usage: super::super::AskUsage::AtTheEnd,
            shape: target.shape(),
        };
        let expect = json!({"model": "m", "max_tokens": 7, "stream": true, "system": "Be brief.",
            "messages": [{"role": "user", "content": "Hello?"}]});
        assert_eq!(Value::Object(target.dialect.body(&ask)), expect);
    }

    #[test]
    fn models_come_in_pages() {
        let page = |more: bool| {
            new().model_page(&json!({"data": [{"type": "model", "id": "a b"}], "has_more": more,
                "first_id": "a b", "last_id": "a b"}))
        };
        let names = vec!["a b".to_owned()];
        let next = Some("v1/models?limit=1000&after_id=a+b".to_owned());
        assert_eq!(page(true), Some(ModelPage { names: names.clone(), next }));
        assert_eq!(page(false), Some(ModelPage { names, next: None }));
    }

    #[test]
    fn limits_are_in_headers_of_its_own() {
        let limits = |headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let found = new().rate_limits(&Head { status: 200, headers });
            (found.requests.limit, found.requests.remaining, found.tokens.remaining)
        };
        let own = [
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-tokens-remaining", "1000"),
        ];
        assert_eq!(limits(&own), (Some(50), Some(49), Some(1000)));
        assert_eq!(limits(&[("x-ratelimit-limit-requests", "60")]), (Some(60), None, None));
    }
}
