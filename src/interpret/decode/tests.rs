//! Packed bodies, and reasoning between tags.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::answer::recording::Head;
use crate::answer::timeline::{Finish, ServerTiming, Usage};
use crate::dialect::{Ask, openai_chat};

const EVENT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n";
const END: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

fn decoder(encoding: &[&str]) -> Decoder {
    let header = |value: &&str| ("content-encoding".to_owned(), (*value).to_owned());
    let kind = ("content-type".to_owned(), "text/event-stream".to_owned());
    let headers = encoding.iter().map(header).chain([kind]).collect();
    Decoder::new(
        &*openai_chat::new(),
        Shape { stream: true },
        Some(&Head { status: 200, headers }),
        1 << 20,
    )
}

/// Three events as a proxy sends them on: packed, and flushed after each.
fn flushed<W: Write>(mut packer: W, taken: impl Fn(&mut W) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    for text in [EVENT, EVENT, END] {
        packer.write_all(text.as_bytes()).unwrap();
        packer.flush().unwrap();
        pieces.push(taken(&mut packer));
    }
    pieces
}

fn check_packed(encoding: &[&str], pieces: &[Vec<u8>]) {
    // Each event is there as soon as its piece is, with the stamp of that piece.
    let mut decoder = decoder(encoding);
    for (i, piece) in (0_u32..).zip(pieces) {
        decoder.push(piece, Offset(i64::from(i)), i);
        let last = decoder.events().last().unwrap();
        assert_eq!((last.at, last.read), (Offset(i64::from(i)), i), "{encoding:?}");
    }
    let timeline = decoder.finish(true);
    assert_eq!((timeline.content().count(), timeline.end), (2, DecodeEnd::Clean), "{encoding:?}");
}

#[test]
fn packed_bodies_are_read_as_they_come() {
    let gzip = |taken| flushed(GzEncoder::new(Vec::new(), Compression::fast()), taken);
    let gzip = gzip(|w: &mut GzEncoder<Vec<u8>>| std::mem::take(w.get_mut()));
    check_packed(&["gzip"], &gzip);
    check_packed(&["identity", "X-GZIP"], &gzip);
    let zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    check_packed(&["deflate"], &flushed(zlib, |w| std::mem::take(w.get_mut())));
    let raw = DeflateEncoder::new(Vec::new(), Compression::fast());
    check_packed(&["deflate"], &flushed(raw, |w| std::mem::take(w.get_mut())));
    let zstd = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    check_packed(&["zstd"], &flushed(zstd, |w| std::mem::take(w.get_mut())));
    let plain = [EVENT, EVENT, END].map(|text| text.as_bytes().to_vec());
    for nothing in ["none", "", "identity, identity", "utf-8"] {
        check_packed(&[nothing], &plain);
    }
}

/// Packed by Google's own encoder, quality 5, flushed after each event.
#[test]
fn brotli_is_read_as_it_comes() {
    let pieces = BROTLI.map(|piece| {
        let byte = |at| u8::from_str_radix(&piece[at..at + 2], 16).unwrap();
        (0..piece.len()).step_by(2).map(byte).collect::<Vec<u8>>()
    });
    check_packed(&["br"], &pieces);
}

const BROTLI: [&str; 3] = [
    "0b18000004523b9fd07282255d86d3ff7853d880038788a35426bebdef4c11b2a836e685c6803dc8ecdeaef8ef483655",
    "8001004002208c896bc900",
    "c001004018038e3c1e68938986899c4b6e2d90ef7d715e0aff51683b224cf9166c00",
];

#[test]
fn what_is_not_what_it_says_is_malformed() {
    let detail = |encoding: &str, body: &[u8]| {
        let mut decoder = decoder(&[encoding]);
        decoder.push(body, Offset(1), 1);
        let DecodeEnd::Malformed(detail) = decoder.finish(true).end else { panic!("{encoding}") };
        detail
    };
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let why = detail(encoding, EVENT.repeat(200).as_bytes());
        assert!(why.starts_with("the body cannot be unpacked: "), "{encoding}: {why}");
    }
    assert_eq!(detail("sdch", b""), "the body has Content-Encoding sdch, expected none");
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(&vec![b' '; 2 << 20]).unwrap();
    let why = detail("gzip", &packer.finish().unwrap());
    assert_eq!(why, "the body unpacks to more than 1048576 bytes");
}

/// The kinds and texts of what the deltas of one choice tell, each run joined.
fn told(deltas: &[&str]) -> Vec<(&'static str, String)> {
    let mut decoder = decoder(&[]);
    for (i, delta) in (0_u32..).zip(deltas) {
        let delta = serde_json::json!({"choices": [{"delta": {"content": delta}}]});
        decoder.push(format!("data: {delta}\n\n").as_bytes(), Offset(i64::from(i)), i);
    }
    let mut runs: Vec<(&'static str, String)> = Vec::new();
    for event in decoder.finish(true).events {
        let (kind, text) = match event.kind {
            EventKind::Content(text) => ("answer", text),
            EventKind::Reasoning(text) => ("reasoning", text),
            other => panic!("{other:?}"),
        };
        match runs.last_mut() {
            Some((last, run)) if *last == kind => run.push_str(&text),
            _ => runs.push((kind, text)),
        }
    }
    runs
}

/// Whole, and cut at every point: always the same.
fn check_tags(text: &str, expect: &[(&'static str, &str)]) {
    let expect: Vec<_> = expect.iter().map(|(kind, text)| (*kind, (*text).to_owned())).collect();
    assert_eq!(told(&[text]), expect, "whole: {text}");
    for (at, _) in text.char_indices().skip(1) {
        assert_eq!(told(&[&text[..at], &text[at..]]), expect, "{text} cut at {at}");
    }
    let letters: Vec<String> = text.chars().map(String::from).collect();
    let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
    assert_eq!(told(&letters), expect, "{text} by letters");
}

#[test]
fn reasoning_between_tags() {
    let (r, a) = ("reasoning", "answer");
    check_tags("<think>so</think>one", &[(r, "<think>so</think>"), (a, "one")]);
    check_tags("\n <think>\nso</think>\n\none", &[(r, "\n <think>\nso</think>"), (a, "\n\none")]);
    check_tags("<think></think>one", &[(r, "<think></think>"), (a, "one")]);
    check_tags("<think>never ends", &[(r, "<think>never ends")]);
    check_tags("so it is</think>one", &[(r, "so it is</think>"), (a, "one")]);
    check_tags("[THINK]é[/THINK]x", &[(r, "[THINK]é[/THINK]"), (a, "x")]);
    check_tags("◁think▷so◁/think▷x", &[(r, "◁think▷so◁/think▷"), (a, "x")]);
    check_tags(
        "<think>a</think><think>b</think>c",
        &[(r, "<think>a</think><think>b</think>"), (a, "c")],
    );
    check_tags("<thinkable>", &[(a, "<thinkable>")]);
    check_tags("<b>bold</b> <", &[(a, "<b>bold</b> <")]);
    // An answer about tags is no reasoning.
    let about = "Write <think>so</think> around it";
    check_tags(about, &[(a, about)]);
}

#[test]
fn a_close_behind_reasoning_that_came_by_name_is_answer() {
    let mut decoder = decoder(&[]);
    for delta in [r#"{"reasoning":"so"}"#, r#"{"content":"write </think>"}"#] {
        let event = format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n");
        decoder.push(event.as_bytes(), Offset(1), 1);
    }
    let kinds: Vec<_> = decoder.finish(true).events.into_iter().map(|e| e.kind).collect();
    let expect = [EventKind::Reasoning("so".into()), EventKind::Content("write </think>".into())];
    assert_eq!(kinds, expect);
}

#[test]
fn choices_reason_by_themselves() {
    let mut decoder = decoder(&[]);
    for (choice, text) in [(0, "<think>"), (1, "one"), (0, "so"), (1, " two"), (0, "</think>x")] {
        let event = serde_json::json!({"choices": [{"index": choice, "delta": {"content": text}}]});
        decoder.push(format!("data: {event}\n\n").as_bytes(), Offset(1), 1);
    }
    let timeline = decoder.finish(true);
    let reasoning = timeline.events.iter().filter(|e| matches!(e.kind, EventKind::Reasoning(_)));
    assert!(reasoning.clone().all(|e| e.choice == 0));
    assert_eq!((reasoning.count(), timeline.events.len()), (3, 6));
}

proptest! {
    /// No text is lost, whatever stands in it and however it is cut.
    #[test]
    fn every_letter_is_told_once(
        pieces in proptest::collection::vec("(<think>|</think>|<th|ink>|</|[a-c<>/ é]|◁think▷){0,4}", 1..8)
    ) {
        let deltas: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let all: String = told(&deltas).into_iter().map(|(_, text)| text).collect();
        prop_assert_eq!(all, pieces.concat());
    }
}

/// A dialect of JSON lines that tells a time in its head and ends with its body.
#[derive(Debug)]
struct Lines;

impl Dialect for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn path(&self, _: &str, _: Shape) -> String {
        String::new()
    }

    fn body(&self, _: &Ask<'_>) -> Map<String, Value> {
        Map::new()
    }

    fn framing(&self, _: Shape, _: Option<&Head>) -> Framing {
        Framing::Lines
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(LinesReader { lines: 0 })
    }
}

struct LinesReader {
    lines: u64,
}

impl Reader for LinesReader {
    fn head(&mut self, head: &Head, told: &mut Vec<Told>) {
        let queue = head.header("x-queue").and_then(|ms| ms.parse().ok());
        let queue = queue.map(Duration::from_millis);
        let timing = ServerTiming { queue, ..ServerTiming::default() };
        told.push(Told::whole(EventKind::ServerTiming(timing)));
    }

    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        self.lines += 1;
        let line: Value = serde_json::from_str(frame.data).map_err(|e| {
            let kind = if e.is_eof() { DecodeError::Partial } else { DecodeError::Malformed };
            kind(e.to_string())
        })?;
        let text = line["text"].as_str().unwrap_or_default().to_owned();
        told.push(Told::whole(EventKind::Content(text)));
        Ok(())
    }

    fn end(&mut self, complete: bool, told: &mut Vec<Told>) {
        let output = Some(self.lines);
        told.push(Told::whole(EventKind::Usage(Usage { output, ..Usage::default() })));
        told.extend(complete.then_some(Told::whole(EventKind::Finish(Finish::Stop))));
    }
}

/// What lines of these portions tell, each of which comes with a read of its own.
fn lines(content_type: &str, portions: &[&str], complete: bool) -> Timeline {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let headers = vec![header("content-type", content_type), header("x-queue", "7")];
    let head = Head { status: 200, headers };
    let mut decoder = Decoder::new(&Lines, Shape { stream: true }, Some(&head), 40);
    for (i, portion) in (1_u32..).zip(portions) {
        decoder.push(portion.as_bytes(), Offset(i64::from(i)), i);
    }
    decoder.finish(complete)
}

#[test]
fn lines_are_read_as_they_come_between_a_head_and_an_end() {
    let portions = ["{\"text\":\"a\"}\n{\"te", "xt\":\"b\"}\n", "{\"text\":\"c\"}"];
    let text = |text: &str| EventKind::Content(text.to_owned());
    let queue = Some(Duration::from_millis(7));
    let usage = Usage { output: Some(3), ..Usage::default() };
    let expect = [
        (1, 0, EventKind::ServerTiming(ServerTiming { queue, ..ServerTiming::default() })),
        (1, 0, text("a")),
        (2, 1, text("b")),
        (3, 2, text("c")),
        (3, 3, EventKind::Usage(usage)),
        (3, 3, EventKind::Finish(Finish::Stop)),
    ];
    for content_type in ["application/x-ndjson", "application/json", "text/plain"] {
        let timeline = lines(content_type, &portions, true);
        let found: Vec<_> =
            timeline.events.into_iter().map(|e| (e.at.0, e.frame, e.kind)).collect();
        assert_eq!(found, expect, "{content_type}");
        assert_eq!((timeline.streamed, timeline.end), (true, DecodeEnd::Clean));
    }
    let cut = lines("application/x-ndjson", &portions[..2], false);
    assert!(!cut.any(|kind| matches!(kind, EventKind::Finish(_))), "it did not end by itself");
}

#[test]
fn lines_that_are_none() {
    let end = |portions: &[&str]| lines("application/x-ndjson", portions, true).end;
    assert!(matches!(end(&["{\"text\":\"a\"}\n{\"text"]), DecodeEnd::Partial(_)));
    let broken = end(&["{\"text\n{\"text\":\"b\"}\n"]);
    assert!(matches!(broken, DecodeEnd::Malformed(_)), "{broken:?}");
    let page = end(&["<html>"]);
    let why = "the body is neither JSON nor an event stream (Content-Type application/x-ndjson)";
    assert_eq!(page, DecodeEnd::Malformed(why.to_owned()));
    let long = end(&["{\"text\":\"", &"a".repeat(50)]);
    assert_eq!(long, DecodeEnd::Malformed("an event exceeds 40 bytes".to_owned()));
}
