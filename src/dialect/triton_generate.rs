//! `POST /v2/models/M/generate_stream`: Triton's generate extension, as TensorRT-LLM, vLLM's backend
//! and models in Python serve it. An answer has no end but that of the body, and no count of tokens.
//!
//! Whether an event holds what is new or all there is so far is up to the model: which of both is
//! said by the name of the API, not guessed.

use serde_json::{Map, Value, json};

use super::errors::error;
use super::language::{Ask, DecodeError, Dialect, Frame, Reader, Shape, SharedDialect, path_part};
use super::payload::object_of;
use super::values::text;
use crate::answer::timeline::{EventKind, Told};

/// Triton's generate extension.
#[derive(Debug)]
pub struct TritonGenerate {
    cumulative: bool,
}

/// The name in the configuration.
pub const NAME: &str = "triton-generate";
/// The same for a model whose events hold all of the text so far.
pub const CUMULATIVE: &str = "triton-generate-cumulative";

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(TritonGenerate { cumulative: false })
}

/// The constructor of the other one.
#[must_use]
pub fn cumulative() -> SharedDialect {
    SharedDialect::new(TritonGenerate { cumulative: true })
}

impl Dialect for TritonGenerate {
    fn name(&self) -> &'static str {
        if self.cumulative { CUMULATIVE } else { NAME }
    }

    fn path(&self, model: &str, shape: Shape) -> String {
        let how = if shape.stream { "generate_stream" } else { "generate" };
        format!("v2/models/{}/{how}", path_part(model))
    }

    /// What is no input of the model is a parameter of the request. `accumulate_tokens` is how
    /// TensorRT-LLM is asked for all of the text so far.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("text_input".to_owned(), json!(ask.prompt.text()));
        body.insert("max_tokens".to_owned(), json!(ask.max_output_tokens));
        body.insert("stream".to_owned(), json!(ask.shape.stream));
        if self.cumulative {
            body.insert("accumulate_tokens".to_owned(), json!(true));
        }
        body
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(OutputReader { so_far: self.cumulative.then(String::new) })
    }

    /// What there is to be asked is listed for a POST only.
    fn lists_models(&self) -> bool {
        false
    }
}

struct OutputReader {
    /// All that came, where every event repeats it.
    so_far: Option<String>,
}

impl Reader for OutputReader {
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        let Some(root) = object_of(frame, told)? else { return Ok(()) };
        if let Some(message) = error(frame, &root) {
            told.push(Told::whole(EventKind::Error(message)));
            return Ok(());
        }
        let output = text(&root, "text_output")?.unwrap_or_default();
        let new = match &mut self.so_far {
            Some(so_far) if !frame.whole => added(so_far, output),
            _ => output,
        };
        let content = Some(new).filter(|new| !new.is_empty()).map(EventKind::Content);
        told.extend(content.map(Told::whole));
        if frame.whole {
            told.push(Told::whole(EventKind::Done));
        }
        Ok(())
    }

    fn end(&mut self, complete: bool, told: &mut Vec<Told>) {
        if complete {
            told.push(Told::whole(EventKind::Done));
        }
    }
}

/// What `all` has behind what it shares with the text so far, which it replaces: half a character
/// may have been written as something else before.
fn added(so_far: &mut String, all: String) -> String {
    let shared = so_far.chars().zip(all.chars()).take_while(|(before, now)| before == now);
    let shared: usize = shared.map(|(c, _)| c.len_utf8()).sum();
    let new = all[shared..].to_owned();
    *so_far = all;
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What these events tell, and whether the body ended by itself.
    fn told(dialect: &SharedDialect, frames: &[Value], complete: bool) -> Vec<EventKind> {
        let mut reader = dialect.reader(Shape { stream: true });
        let mut told = Vec::new();
        for data in frames {
            let data = data.to_string();
            let frame = Frame { event: "", data: &data, whole: false, bare: false };
            reader.frame(&frame, &mut told).unwrap();
        }
        reader.end(complete, &mut told);
        told.into_iter().map(|told| told.kind).collect()
    }

    fn output(text: &str) -> Value {
        json!({"model_name": "m", "model_version": "1", "text_output": text})
    }

    fn content(text: &str) -> EventKind {
        EventKind::Content(text.to_owned())
    }

    #[test]
    fn the_body_s_end_is_the_answer_s() {
        let frames = [output("Rivers"), output(""), output(" carry")];
        let words = [content("Rivers"), content(" carry")];
        let ended: Vec<_> = words.iter().cloned().chain([EventKind::Done]).collect();
        assert_eq!(told(&new(), &frames, true), ended);
        assert_eq!(told(&new(), &frames, false), words);
        // The same word twice is two words.
        let twice = [content("no"), content("no"), EventKind::Done];
        assert_eq!(told(&new(), &[output("no"), output("no")], true), twice);
    }

    #[test]
    fn what_is_repeated_is_no_content() {
        let frames =
            ["Rivers", "Rivers carry", "Rivers carry", "Rivers carry \u{fffd}", "Rivers carry 🌊"];
        let expect = [
            content("Rivers"),
            content(" carry"),
            content(" \u{fffd}"),
            content("🌊"),
            EventKind::Done,
        ];
        assert_eq!(told(&cumulative(), &frames.map(output), true), expect);
    }

    #[test]
    fn an_error_may_be_a_whole_traceback() {
        let error = json!({"error": "Traceback (most recent call last):\n  File \"m.py\""});
        let words =
            EventKind::Error("Traceback (most recent call last):\n  File \"m.py\"".to_owned());
        assert_eq!(told(&new(), &[output("a"), error], false), [content("a"), words]);
    }

    #[test]
    fn the_model_is_in_the_path() {
        let path = |model, stream| new().path(model, Shape { stream });
        assert_eq!(path("ensemble", true), "v2/models/ensemble/generate_stream");
        assert_eq!(path("a?b", false), "v2/models/a%3Fb/generate");
    }
}
