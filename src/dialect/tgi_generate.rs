//! `POST /generate_stream` and `/generate`: the API of Hugging Face's text-generation-inference.
//!
//! The last event repeats the whole text, and is the end, whether or not it says why. Times are in
//! the headers of answers that come whole.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::errors::error;
use super::finish::finish;
use super::language::{Ask, DecodeError, Dialect, Frame, Reader, Shape, SharedDialect};
use super::models::ModelPage;
use super::payload::object_of;
use super::values::{object, text, whole_number};
use crate::answer::recording::Head;
use crate::answer::timeline::{EventKind, ServerTiming, Told, Usage};

/// The name in the configuration.
pub const NAME: &str = "tgi-generate";
/// What a server says of itself, with its one model.
const INFO: &str = "info";

/// The API of text-generation-inference.
#[derive(Debug)]
pub struct TgiGenerate;

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(TgiGenerate)
}

impl Dialect for TgiGenerate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn path(&self, _: &str, shape: Shape) -> String {
        if shape.stream { "generate_stream" } else { "generate" }.to_owned()
    }

    /// A server has one model, and is not asked for it. The details hold the counts.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("inputs".to_owned(), json!(ask.prompt.text()));
        let parameters = json!({"details": true, "max_new_tokens": ask.max_output_tokens});
        body.insert("parameters".to_owned(), parameters);
        body
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(TokenReader)
    }

    fn models(&self) -> &'static str {
        INFO
    }

    fn model_page(&self, page: &Value) -> Option<ModelPage> {
        let model = page.get("model_id")?.as_str().filter(|model| !model.is_empty())?;
        Some(ModelPage { names: vec![model.to_owned()], next: None })
    }
}

/// Every frame says by itself what it is.
struct TokenReader;

impl Reader for TokenReader {
    fn head(&mut self, head: &Head, told: &mut Vec<Told>) {
        let count = |name: &str| head.header(name)?.trim().parse().ok();
        let (input, output) = (count("x-prompt-tokens"), count("x-generated-tokens"));
        let usage = Usage { input, output, ..Usage::default() };
        if usage != Usage::default() {
            told.push(Told::whole(EventKind::Usage(usage)));
        }
        // No request waits for longer than a day.
        let waited = count("x-queue-time").filter(|ms| *ms < 24 * 60 * 60 * 1000);
        if let Some(queue) = waited.map(Duration::from_millis) {
            let timing = ServerTiming { queue: Some(queue), ..ServerTiming::default() };
            told.push(Told::whole(EventKind::ServerTiming(timing)));
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        let Some(root) = object_of(frame, told)? else { return Ok(()) };
        let mut events = Vec::new();
        if let Some(message) = error(frame, &root) {
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
    let details = object(root, "details")?;
    // Usage goes before the content of its frame: it counts the tokens up to and including it.
    events.extend(details.and_then(counts).map(EventKind::Usage));
    if frame.whole {
        events.extend(text(root, "generated_text")?.map(EventKind::Content));
    } else if let Some(token) = object(root, "token")? {
        // The end of a text is a token, too, and its name is not for readers.
        let special = token.get("special") == Some(&Value::Bool(true));
        let word = if special { None } else { text(token, "text")? };
        events.extend(word.map(EventKind::Content));
    }
    if root.get("generated_text").is_some_and(Value::is_string) {
        match details {
            Some(details) => events.extend(finish(details, "finish_reason")),
            // Details that were not asked for, or that a gateway left out.
            None => events.push(EventKind::Done),
        }
    }
    Ok(())
}

fn counts(details: &Map<String, Value>) -> Option<Usage> {
    let count = |key: &str| details.get(key).and_then(whole_number);
    let usage = Usage {
        input: count("input_length").or_else(|| count("prompt_tokens")),
        output: count("generated_tokens"),
        ..Usage::default()
    };
    (usage != Usage::default()).then_some(usage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::timeline::Finish;

    fn told(frame: &Value, whole: bool) -> Vec<EventKind> {
        let mut told = Vec::new();
        let data = frame.to_string();
        let frame = Frame { event: "", data: &data, whole, bare: false };
        new().reader(Shape { stream: !whole }).frame(&frame, &mut told).unwrap();
        told.into_iter().map(|told| told.kind).collect()
    }

    fn event(text: &str, special: bool, all: Option<&str>, details: &Value) -> Vec<EventKind> {
        let token = json!({"id": 7, "text": text, "logprob": -0.5, "special": special});
        let event = json!({"index": 4, "token": token, "generated_text": all, "details": details});
        told(&event, false)
    }

    fn content(text: &str) -> EventKind {
        EventKind::Content(text.to_owned())
    }

    const COUNTED: EventKind = EventKind::Usage(Usage {
        input: Some(11),
        cached_input: None,
        output: Some(3),
        reasoning: None,
        total: None,
    });

    #[test]
    fn the_last_event_repeats_the_text() {
        let none = Value::Null;
        assert_eq!(event(" one", false, None, &none), [content(" one")]);
        let details =
            |why: &str| json!({"finish_reason": why, "generated_tokens": 3, "input_length": 11});
        let length = event(" three", false, Some("one two three"), &details("length"));
        assert_eq!(length, [COUNTED, content(" three"), EventKind::Finish(Finish::Length)]);
        let stop = event("</s>", true, Some("one two"), &details("eos_token"));
        assert_eq!(stop, [COUNTED, EventKind::Finish(Finish::Stop)]);
        assert_eq!(event("</s>", true, Some("one two"), &none), [EventKind::Done]);
        // Details that do not say why it ended are no end.
        let unsaid = json!({"finish_reason": null});
        assert!(event("</s>", true, Some("one two"), &unsaid).is_empty());
    }

    #[test]
    fn whole_answers_and_errors() {
        let whole = json!({"generated_text": "one two", "details": {"finish_reason": "length",
            "generated_tokens": 3, "prompt_tokens": 11, "tokens": [{"text": "one"}]}});
        let expect = [COUNTED, content("one two"), EventKind::Finish(Finish::Length)];
        assert_eq!(told(&whole, true), expect);
        let bare = json!({"generated_text": "one two"});
        assert_eq!(told(&bare, true), [content("one two"), EventKind::Done]);
        let error = json!({"error": "no", "error_type": "generation"});
        assert_eq!(told(&error, false), [EventKind::Error("no".to_owned())]);
    }

    #[test]
    fn headers_count_and_tell_the_time() {
        let told = |headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let mut told = Vec::new();
            new().reader(Shape { stream: false }).head(&Head { status: 200, headers }, &mut told);
            told.into_iter().map(|told| told.kind).collect::<Vec<_>>()
        };
        let headers =
            [("x-prompt-tokens", "11"), ("x-generated-tokens", "3"), ("x-queue-time", "20")];
        let queue = Some(Duration::from_millis(20));
        let timing = EventKind::ServerTiming(ServerTiming { queue, ..ServerTiming::default() });
        assert_eq!(told(&headers), [COUNTED, timing]);
        assert!(told(&[("x-queue-time", "99999999999"), ("x-prompt-tokens", "x")]).is_empty());
    }

    #[test]
    fn a_server_has_one_model() {
        let page = new().model_page(&json!({"model_id": "a/b", "max_concurrent_requests": 128}));
        assert_eq!(page, Some(ModelPage { names: vec!["a/b".to_owned()], next: None }));
        assert_eq!(new().model_page(&json!({"error": "no"})), None);
    }
}
