//! `POST /api/generate`: Ollama's own API for texts.

use serde_json::{Map, Value, json};

use super::language::{Ask, DecodeError, Dialect, Frame, Reader, Shape, SharedDialect};
use super::ollama;
use super::values::text;
use crate::answer::framing::Framing;
use crate::answer::recording::Head;
use crate::answer::timeline::{EventKind, Told};

/// The name in the configuration.
pub const NAME: &str = "ollama-generate";

/// Ollama's API that goes on with a text.
#[derive(Debug)]
pub struct OllamaGenerate;

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(OllamaGenerate)
}

impl Dialect for OllamaGenerate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "api/generate".to_owned()
    }

    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let mut body = ollama::base_body(ask);
        body.insert("prompt".to_owned(), json!(ask.prompt.text()));
        body
    }

    fn framing(&self, shape: Shape, _: Option<&Head>) -> Framing {
        ollama::framing(shape)
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(TextReader)
    }

    fn models(&self) -> &'static str {
        ollama::MODELS
    }
}

/// Every line says by itself what it is.
struct TextReader;

impl Reader for TextReader {
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        ollama::read(frame, told, |root, events| {
            events.extend(text(root, "thinking")?.map(EventKind::Reasoning));
            events.extend(text(root, "response")?.map(EventKind::Content));
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::timeline::{Finish, Usage};

    fn told(frame: &Value) -> Vec<EventKind> {
        let mut told = Vec::new();
        let data = frame.to_string();
        let frame = Frame { event: "", data: &data, whole: false, bare: false };
        new().reader(Shape { stream: true }).frame(&frame, &mut told).unwrap();
        told.into_iter().map(|told| told.kind).collect()
    }

    #[test]
    fn thinking_answer_and_end() {
        let line = json!({"response": "a", "thinking": "so", "done": false});
        let both = [EventKind::Reasoning("so".to_owned()), EventKind::Content("a".to_owned())];
        assert_eq!(told(&line), both);
        // A prompt from the cache is not counted; the numbers of tokens are no text.
        let end = json!({"response": "", "done": true, "done_reason": "stop", "context": [1, 2],
            "eval_count": 9});
        let usage = Usage { output: Some(9), ..Usage::default() };
        let expect = [EventKind::Usage(usage), EventKind::Finish(Finish::Stop), EventKind::Done];
        assert_eq!(told(&end), expect);
        let loaded = json!({"response": "", "done": true, "done_reason": "load"});
        assert_eq!(told(&loaded), [EventKind::Finish(Finish::Other), EventKind::Done]);
        assert_eq!(told(&json!({"error": "no"})), [EventKind::Error("no".to_owned())]);
    }
}
