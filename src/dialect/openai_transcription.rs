//! `POST /audio/transcriptions`: sound in, text out, as OpenAI, Azure, Mistral, Groq, vLLM and
//! gateways serve it. The answer is JSON, the text alone, or a stream of it.

use serde_json::{Map, Value, json};

use super::errors::error;
use super::language::{Ask, Body, DecodeError, Dialect, Frame, Kind, Reader, Shape, SharedDialect};
use super::multipart::form;
use super::openai::decode;
use super::openai::usage::usages;
use super::payload::object_of;
use super::values::{object, text};
use crate::answer::framing::Framing;
use crate::answer::recording::Head;
use crate::answer::timeline::{EventKind, Told};
use crate::workload::audio::Audio;

/// The OpenAI transcription API.
#[derive(Debug)]
pub struct OpenAiTranscription;

/// The name in the configuration.
pub const NAME: &str = "openai-transcription";

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(OpenAiTranscription)
}

impl Dialect for OpenAiTranscription {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> Kind {
        Kind::Transcribe
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "audio/transcriptions".to_owned()
    }

    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("model".to_owned(), json!(ask.model));
        if ask.shape.stream {
            fields.insert("stream".to_owned(), json!(true));
        }
        fields
    }

    fn encode(&self, ask: &Ask<'_>, body: &Map<String, Value>) -> Result<Body, serde_json::Error> {
        let own = ask.prompt.audio.as_deref();
        let made = || Audio::tone(&ask.prompt.text());
        Ok(own.map_or_else(|| form(body, &made()), |own| form(body, own)))
    }

    /// Subtitles and the bare text are no JSON.
    fn framing(&self, shape: Shape, head: Option<&Head>) -> Framing {
        match head {
            Some(head) if is_text(head) => Framing::Text,
            _ if shape.stream => Framing::Sse,
            _ => Framing::Whole,
        }
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(TranscriptReader::default())
    }
}

fn is_text(head: &Head) -> bool {
    const TYPES: [&str; 4] = ["text/plain", "text/vtt", "text/srt", "application/x-subrip"];
    let kind = head.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    TYPES.iter().any(|known| kind.eq_ignore_ascii_case(known))
}

#[derive(Debug, Default)]
struct TranscriptReader {
    /// The body is the text itself.
    text: bool,
    /// Some of the text came.
    begun: bool,
    /// It comes in pieces that do not say which one is the last.
    untyped: bool,
}

impl Reader for TranscriptReader {
    fn head(&mut self, head: &Head, _: &mut Vec<Told>) {
        self.text = is_text(head);
    }

    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        if self.text && frame.whole && !frame.data.trim_start().starts_with('{') {
            told.extend(heard(frame.data).map(EventKind::Content).map(Told::whole));
            told.push(Told::whole(EventKind::Done));
            return Ok(());
        }
        let Some(root) = object_of(frame, told)? else { return Ok(()) };
        if root.contains_key("choices") {
            // vLLM streams a transcript in the events of a chat.
            return decode(frame, told, |choice, events| {
                let delta = object(choice, "delta")?;
                let delta = delta.map(|delta| text(delta, "content")).transpose()?.flatten();
                events.extend(delta.map(EventKind::Content));
                Ok(())
            });
        }
        if let Some(message) = error(frame, &root) {
            told.push(Told::whole(EventKind::Error(message)));
            return Ok(());
        }
        // What is counted goes before what ends the answer.
        told.extend(usages(&root).into_iter().map(EventKind::Usage).map(Told::whole));
        let events = self.read(frame, &root)?;
        told.extend(events.into_iter().map(Told::whole));
        Ok(())
    }

    /// A server that streams whole pieces has no other end.
    fn end(&mut self, complete: bool, told: &mut Vec<Told>) {
        if complete && self.untyped && self.begun {
            told.push(Told::whole(EventKind::Done));
        }
    }
}

impl TranscriptReader {
    fn read(
        &mut self,
        frame: &Frame<'_>,
        root: &Map<String, Value>,
    ) -> Result<Vec<EventKind>, DecodeError> {
        let kind = root.get("type").and_then(Value::as_str).unwrap_or(frame.event);
        let mut events = Vec::new();
        match kind {
            "transcript.text.delta" => events.extend(text(root, "delta")?.map(EventKind::Content)),
            // Those who speak are told apart: the same text again, where it came in deltas.
            "transcript.text.segment" => {
                let segment = text(root, "text")?.filter(|_| !self.begun || self.untyped);
                self.untyped |= segment.is_some();
                events.extend(segment.map(EventKind::Content));
            }
            "transcript.text.done" => {
                self.untyped = false;
                let all = text(root, "text")?.as_deref().and_then(heard);
                events.extend(all.filter(|_| !self.begun).map(EventKind::Content));
                events.push(EventKind::Done);
            }
            _ if frame.whole => {
                let all = text(root, "text")?.as_deref().and_then(heard);
                events.extend(all.map(EventKind::Content));
                events.push(EventKind::Done);
            }
            // A segment after the other, each an object of its own.
            _ if root.contains_key("text") => {
                self.untyped = true;
                events.extend(text(root, "text")?.map(EventKind::Content));
            }
            _ => {}
        }
        self.begun |= events.iter().any(EventKind::is_content);
        Ok(events)
    }
}

/// A text that says something.
fn heard(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::timeline::{Finish, Usage};

    /// What these events of a stream tell, and its end.
    fn streamed(frames: &[&str]) -> Vec<EventKind> {
        let mut reader = new().reader(Shape { stream: true });
        let mut told = Vec::new();
        for data in frames {
            let frame = Frame { event: "", data, whole: false, bare: false };
            reader.frame(&frame, &mut told).unwrap();
        }
        reader.end(true, &mut told);
        told.into_iter().map(|told| told.kind).collect()
    }

    fn whole(media_type: &str, data: &str) -> Vec<EventKind> {
        let mut reader = new().reader(Shape { stream: false });
        let mut told = Vec::new();
        let header = ("content-type".to_owned(), media_type.to_owned());
        reader.head(&Head { status: 200, headers: vec![header] }, &mut told);
        let frame = Frame { event: "", data, whole: true, bare: false };
        reader.frame(&frame, &mut told).unwrap();
        told.into_iter().map(|told| told.kind).collect()
    }

    fn content(text: &str) -> EventKind {
        EventKind::Content(text.to_owned())
    }

    const DELTA: &str = r#"{"type":"transcript.text.delta","delta":"Ruby"}"#;

    #[test]
    fn a_stream_ends_with_the_whole_text_which_is_no_more_content() {
        let done = r#"{"type":"transcript.text.done","text":"Ruby","usage":{"type":"tokens",
            "input_tokens":37,"output_tokens":12,"total_tokens":49}}"#;
        let usage =
            Usage { input: Some(37), output: Some(12), total: Some(49), ..Usage::default() };
        let end = [EventKind::Usage(usage), EventKind::Done];
        let expect: Vec<_> = [content("Ruby")].into_iter().chain(end.clone()).collect();
        assert_eq!(streamed(&[DELTA, done]), expect);
        assert_eq!(streamed(&[done])[1], content("Ruby"), "nothing came before");
        // Nobody says that it has ended.
        assert_eq!(streamed(&[DELTA]), [content("Ruby")]);
        let segment = r#"{"type":"transcript.text.segment","speaker":"A","text":"Ruby"}"#;
        assert_eq!(streamed(&[DELTA, segment]), [content("Ruby")], "the same again");
        assert_eq!(
            streamed(&[segment, segment]),
            [content("Ruby"), content("Ruby"), EventKind::Done]
        );
    }

    #[test]
    fn other_servers_stream_otherwise() {
        let pieces = [r#"{"text":"Ruby"}"#, r#"{"text":" is"}"#];
        assert_eq!(streamed(&pieces), [content("Ruby"), content(" is"), EventKind::Done]);
        let chat = [
            r#"{"object":"transcription.chunk","choices":[{"delta":{"content":"Ruby"}}]}"#,
            r#"{"object":"transcription.chunk","choices":[{"delta":{},"finish_reason":"stop"}]}"#,
            "[DONE]",
        ];
        let expect = [content("Ruby"), EventKind::Finish(Finish::Stop), EventKind::Done];
        assert_eq!(streamed(&chat), expect);
        let failed = r#"{"error":{"message":"no ear"}}"#;
        let expect = [content("Ruby"), EventKind::Error("no ear".to_owned())];
        assert_eq!(streamed(&[DELTA, failed]), expect);
    }

    #[test]
    fn whole_answers_are_json_or_the_text_itself() {
        let json = |body: &str| whole("application/json", body);
        assert_eq!(json(r#"{"text":" Ruby."}"#), [content(" Ruby."), EventKind::Done]);
        for silence in [r#"{"text":""}"#, r#"{"text":" \n"}"#, r#"{"text":null}"#, "{}"] {
            assert_eq!(json(silence), [EventKind::Done], "{silence}");
        }
        let text = |body: &str| whole("text/plain; charset=utf-8", body);
        assert_eq!(text("Ruby.\n"), [content("Ruby.\n"), EventKind::Done]);
        assert_eq!(text("  \n"), [EventKind::Done]);
        assert_eq!(
            text(r#"{"error":{"message":"no ear"}}"#),
            [EventKind::Error("no ear".to_owned())]
        );
        let subtitles = "WEBVTT\n\n00:00.000 --> 00:01.000\nRuby.\n";
        assert_eq!(whole("text/vtt", subtitles), [content(subtitles), EventKind::Done]);
    }
}
