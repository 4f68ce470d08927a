//! `POST /completion`: llama.cpp's own API for texts.
//!
//! Each event counts the tokens so far. Without a wish of its own the server reuses what it has read
//! of the same prompt, so a repeated prompt measures the cache.

use serde_json::{Map, Value, json};

use super::errors::error;
use super::finish::finish;
use super::language::{Ask, DecodeError, Dialect, Frame, Reader, Shape, SharedDialect};
use super::payload::object_of;
use super::stages::timings;
use super::values::{text, whole_number};
use crate::answer::timeline::{EventKind, Finish, Told, Usage};

/// The name in the configuration.
pub const NAME: &str = "llamacpp-completion";
/// How older versions say why it ended.
const FLAGS: [(&str, Finish); 3] = [
    ("stopped_limit", Finish::Length),
    ("stopped_eos", Finish::Stop),
    ("stopped_word", Finish::Stop),
];

/// llama.cpp's API that goes on with a text.
#[derive(Debug)]
pub struct LlamacppCompletion;

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(LlamacppCompletion)
}

impl Dialect for LlamacppCompletion {
    fn name(&self) -> &'static str {
        NAME
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "completion".to_owned()
    }

    /// A server of several models needs the model, one of a single model ignores it.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(ask.model));
        body.insert("n_predict".to_owned(), json!(ask.max_output_tokens));
        body.insert("prompt".to_owned(), json!(ask.prompt.text()));
        body.insert("stream".to_owned(), json!(ask.shape.stream));
        body
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(TextReader)
    }

    fn models(&self) -> &'static str {
        "v1/models"
    }
}

/// Every frame says by itself what it is.
struct TextReader;

impl Reader for TextReader {
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        let Some(root) = object_of(frame, told)? else { return Ok(()) };
        // Usage goes before the content of its frame: it counts the tokens up to and including it.
        told.extend(counts(&root).map(EventKind::Usage).map(Told::whole));
        if let Some(message) = error(frame, &root) {
            told.push(Told::whole(EventKind::Error(message)));
            return Ok(());
        }
        let index = root.get("index").and_then(whole_number).unwrap_or(0);
        let choice = u32::try_from(index).unwrap_or(u32::MAX);
        let content = text(&root, "content")?.map(EventKind::Content);
        let ended = root.get("stop") == Some(&Value::Bool(true));
        let events = content.into_iter().chain(ended.then(|| why(&root)));
        told.extend(events.map(|kind| Told { choice, kind }));
        told.extend(timings(&root).map(EventKind::ServerTiming).map(Told::whole));
        Ok(())
    }
}

/// Why it ended.
fn why(root: &Map<String, Value>) -> EventKind {
    let flagged = |(key, _): &&(&str, Finish)| root.get(*key) == Some(&Value::Bool(true));
    let flag = || FLAGS.iter().find(flagged).map_or(Finish::Other, |(_, finish)| *finish);
    finish(root, "stop_type").unwrap_or_else(|| EventKind::Finish(flag()))
}

fn counts(root: &Map<String, Value>) -> Option<Usage> {
    let count = |key: &str| root.get(key).and_then(whole_number);
    let usage = Usage {
        input: count("tokens_evaluated"),
        cached_input: root.get("timings").and_then(|timings| whole_number(timings.get("cache_n")?)),
        output: count("tokens_predicted"),
        ..Usage::default()
    };
    (usage != Usage::default()).then_some(usage)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::answer::timeline::ServerTiming;

    fn told(event: &str, frame: &Value) -> Vec<Told> {
        let mut told = Vec::new();
        let data = frame.to_string();
        let frame = Frame { event, data: &data, whole: false, bare: false };
        new().reader(Shape { stream: true }).frame(&frame, &mut told).unwrap();
        told
    }

    fn kinds(frame: &Value) -> Vec<EventKind> {
        told("", frame).into_iter().map(|told| told.kind).collect()
    }

    #[test]
    fn each_event_counts_so_far() {
        let piece = json!({"index": 1, "content": " a", "tokens": [253], "stop": false,
            "tokens_predicted": 2, "tokens_evaluated": 5});
        let usage = Usage { input: Some(5), output: Some(2), ..Usage::default() };
        let content = EventKind::Content(" a".to_owned());
        let expect =
            [Told::whole(EventKind::Usage(usage)), Told { choice: 1, kind: content.clone() }];
        assert_eq!(told("", &piece), expect);
        assert_eq!(kinds(&json!({"content": " a", "stop": false})), [content]);
        let progress = json!({"content": "", "stop": false, "prompt_progress": {"total": 6}});
        assert!(kinds(&progress).is_empty());
    }

    #[test]
    fn the_last_event_says_why_and_how_long() {
        let end = json!({"content": "", "stop": true, "stop_type": "limit", "tokens_predicted": 3,
            "tokens_evaluated": 5, "tokens_cached": 7, "truncated": false,
            "timings": {"cache_n": 1, "prompt_n": 4, "prompt_ms": 928.0, "predicted_ms": 482.0}});
        let usage =
            Usage { input: Some(5), cached_input: Some(1), output: Some(3), ..Usage::default() };
        let ms = |ms| Some(Duration::from_millis(ms));
        let timing = ServerTiming { prefill: ms(928), decode: ms(482), ..ServerTiming::default() };
        let expect = [
            EventKind::Usage(usage),
            EventKind::Finish(Finish::Length),
            EventKind::ServerTiming(timing),
        ];
        assert_eq!(kinds(&end), expect);
        let why = |end: Value| kinds(&end);
        let stop = [EventKind::Finish(Finish::Stop)];
        assert_eq!(why(json!({"content": "", "stop": true, "stop_type": "eos"})), stop);
        assert_eq!(why(json!({"content": "", "stop": true, "stop_type": "word"})), stop);
        assert_eq!(why(json!({"content": "", "stop": true, "stopped_eos": true})), stop);
        let other = [EventKind::Finish(Finish::Other)];
        assert_eq!(why(json!({"content": "", "stop": true, "stop_type": "none"})), other);
    }

    #[test]
    fn errors_in_every_place() {
        let no = [Told::whole(EventKind::Error("no".to_owned()))];
        let error = json!({"code": 500, "message": "no", "type": "server_error"});
        assert_eq!(told("", &json!({"error": error})), no);
        assert_eq!(told("error", &error), no);
    }
}
