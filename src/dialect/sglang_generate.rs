//! `POST /generate`: SGLang's own API for texts. Each event repeats the whole text so far, and counts
//! its tokens.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::errors::{error, message_of};
use super::finish::finish;
use super::language::{Ask, DecodeError, Dialect, Frame, Reader, Shape, SharedDialect};
use super::openai::usage::usage;
use super::payload::object_of;
use super::values::{object, text, whole_number};
use crate::answer::timeline::{EventKind, Told, Usage};

/// The name in the configuration.
pub const NAME: &str = "sglang-generate";
/// Choices beyond this number are taken for one: no request asks for so many.
const MAX_CHOICES: u32 = 128;

/// SGLang's API that goes on with a text.
#[derive(Debug)]
pub struct SglangGenerate;

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(SglangGenerate)
}

impl Dialect for SglangGenerate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "generate".to_owned()
    }

    /// A server has one model, and is not asked for it.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("text".to_owned(), json!(ask.prompt.text()));
        let limit = json!({"max_new_tokens": ask.max_output_tokens});
        body.insert("sampling_params".to_owned(), limit);
        body.insert("stream".to_owned(), json!(ask.shape.stream));
        body
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(TextReader::default())
    }

    fn models(&self) -> &'static str {
        "v1/models"
    }
}

#[derive(Debug, Default)]
struct TextReader {
    choices: BTreeMap<u32, Choice>,
}

/// What was told of one choice.
#[derive(Debug, Default)]
struct Choice {
    text: Cumulative,
    /// Its tokens so far, as the server counts them.
    tokens: u64,
}

impl Reader for TextReader {
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        let Some(root) = object_of(frame, told)? else { return Ok(()) };
        let about = object(&root, "meta_info")?;
        let index = root.get("index").and_then(whole_number).unwrap_or(0);
        let choice = u32::try_from(index).unwrap_or(u32::MAX).min(MAX_CHOICES);
        // Usage goes before the content of its frame: it counts the tokens up to and including it,
        // of each choice by itself.
        if let Some(counted) = about.and_then(|about| usage(about, false)) {
            if let Some(tokens) = counted.output {
                self.choices.entry(choice).or_default().tokens = tokens;
            }
            let all = || self.choices.values().map(|choice| choice.tokens).sum();
            let output = counted.output.map(|_| all());
            told.push(Told::whole(EventKind::Usage(Usage { output, ..counted })));
        }
        if let Some(message) = error(frame, &root) {
            told.push(Told::whole(EventKind::Error(message)));
            return Ok(());
        }
        let so_far = text(&root, "text")?;
        let rest = so_far.map(|text| self.choices.entry(choice).or_default().text.rest_of(text));
        let content = rest.filter(|rest| !rest.is_empty()).map(EventKind::Content);
        let events = content.into_iter().chain(about.and_then(why));
        told.extend(events.map(|kind| Told { choice, kind }));
        Ok(())
    }
}

/// Why it ended, if it has.
fn why(about: &Map<String, Value>) -> Option<EventKind> {
    let finish = finish(about, "finish_reason")?;
    // An abort is explained beside its type.
    let reason = about.get("finish_reason").filter(|reason| reason.get("message").is_some());
    Some(match (finish, reason) {
        (EventKind::Error(_), Some(reason)) => EventKind::Error(message_of(reason)),
        (finish, _) => finish,
    })
}

/// A text that each event repeats from its beginning.
#[derive(Debug, Default)]
struct Cumulative {
    known: String,
    /// It is told piece by piece instead, as the server can be told to.
    in_pieces: bool,
}

impl Cumulative {
    /// What is new in the text so far; empty where nothing is.
    ///
    /// Its end may be told anew, where half a character stood, and may be taken back, where a word
    /// stops the answer. A text that is no continuation is a piece, and so is each one after it.
    fn rest_of(&mut self, text: String) -> String {
        let same = self.known.chars().zip(text.chars()).take_while(|(a, b)| a == b);
        let common: usize = same.map(|(same, _)| same.len_utf8()).sum();
        self.in_pieces |= common < text.len() && common < self.known.len().div_ceil(2);
        if self.in_pieces {
            return text;
        }
        let rest = text[common..].to_owned();
        if !rest.is_empty() {
            self.known = text;
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::timeline::Finish;

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

    /// What is new in each of these texts.
    fn check(texts: &[&str], expect: &[&str]) {
        let mut text = Cumulative::default();
        let rests: Vec<_> = texts.iter().map(|all| text.rest_of((*all).to_owned())).collect();
        assert_eq!(rests, expect, "{texts:?}");
    }

    #[test]
    fn only_the_rest_is_new() {
        check(&["one", "one two", "one two", "one two."], &["one", " two", "", "."]);
        let half = ["so \u{fffd}", "so \u{1f600}", "so \u{1f600}!"];
        check(&half, &["so \u{fffd}", "\u{1f600}", "!"]);
        // The word that stopped it is taken back.
        check(&["one two", "one two STOP", "one two"], &["one two", " STOP", ""]);
        check(&["", "a"], &["", "a"]);
    }

    #[test]
    fn pieces_are_told_as_they_are() {
        check(&[" Paris", " is", " is", " a"], &[" Paris", " is", " is", " a"]);
    }

    #[test]
    fn events_count_and_say_why_they_end() {
        let event = |text: &str, tokens: u64, finish: Value| {
            json!({"text": text, "output_ids": [0], "meta_info": {"finish_reason": finish,
                "prompt_tokens": 6, "completion_tokens": tokens, "cached_tokens": 2}})
        };
        let counted = |tokens: u64| {
            EventKind::Usage(Usage {
                input: Some(6),
                cached_input: Some(2),
                output: Some(tokens),
                ..Usage::default()
            })
        };
        let frames = [
            event("one", 1, Value::Null),
            event("one two three", 4, json!({"type": "length", "length": 4})),
        ];
        let expect = [
            counted(1),
            EventKind::Content("one".to_owned()),
            counted(4),
            EventKind::Content(" two three".to_owned()),
            EventKind::Finish(Finish::Length),
        ];
        assert_eq!(told(&frames), expect);
        let abort = json!({"type": "abort", "message": "no", "status_code": 400});
        assert_eq!(told(&[event("", 0, abort)])[1..], [EventKind::Error("no".to_owned())]);
        let error = json!({"error": {"message": "no"}});
        assert_eq!(told(&[error]), [EventKind::Error("no".to_owned())]);
    }
}
