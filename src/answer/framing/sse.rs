//! Server-sent events, cut from bytes as they come.
//!
//! Written here because the crate we tried (`eventsource-stream` 0.2.3) panics on a byte-order
//! mark, loses the last event of a CR-framed stream and an event without its blank line, and hides
//! the `error:` field of older llama.cpp builds. Unlike the HTML standard, an unfinished last event
//! is handed out (marked by [`SseParser::finish`]), because "cut off" and "complete but without the
//! blank line" must be told apart by what it holds.

use super::frame::BOM;
use super::frame::{FrameTooLarge, Framed};

/// An incremental parser: feed it bytes in any portions, the events are the same.
#[derive(Debug)]
pub struct SseParser {
    limit: usize,
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    event: Vec<u8>,
    after_cr: bool,
    first_line: bool,
}

impl SseParser {
    /// A parser that refuses events above `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            event: Vec::new(),
            after_cr: false,
            first_line: true,
        }
    }

    /// Takes the next bytes and appends the events they complete.
    ///
    /// # Errors
    /// When a single event exceeds the limit.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<Framed>) -> Result<(), FrameTooLarge> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|b| matches!(b, b'\n' | b'\r'));
            self.line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            if self.line.len() + self.data.len() > self.limit {
                return Err(FrameTooLarge { limit: self.limit });
            }
            let Some(end) = end else { break };
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line(out);
        }
        Ok(())
    }

    /// The end of the body: the line that was not ended and the event that was not closed by a
    /// blank line, if any.
    #[must_use]
    pub fn finish(mut self) -> Vec<Framed> {
        let mut out = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut out);
        }
        self.dispatch(&mut out);
        out
    }

    fn end_line(&mut self, out: &mut Vec<Framed>) {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.first_line) && line.starts_with(BOM) {
            line.drain(..BOM.len());
        }
        if line.is_empty() {
            self.dispatch(out);
        } else {
            self.field(&line, out);
        }
        line.clear();
        self.line = line; // keeps the allocation
    }

    fn field(&mut self, line: &[u8], out: &mut Vec<Framed>) {
        let colon = line.iter().position(|b| *b == b':');
        let (name, value) = colon.map_or((line, &b""[..]), |at| (&line[..at], &line[at + 1..]));
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => self.add_data(value),
            b"event" => self.event = value.to_vec(),
            b"error" => {
                self.event = b"error".to_vec();
                self.add_data(value);
            }
            // Within an event, a text may go on where a writer forgot the field's name.
            _ if is_bare(name) && !self.has_data => out.push(Framed {
                data: String::from_utf8_lossy(line).into_owned(),
                bare: true,
                ..Framed::default()
            }),
            _ => {} // a comment (empty name), `id`, `retry`, or unknown: ignored by the standard
        }
    }

    fn add_data(&mut self, value: &[u8]) {
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(value);
    }

    fn dispatch(&mut self, out: &mut Vec<Framed>) {
        if self.has_data {
            out.push(Framed {
                event: String::from_utf8_lossy(&self.event).into_owned(),
                data: String::from_utf8_lossy(&self.data).into_owned(),
                bare: false,
            });
        }
        self.has_data = false;
        self.data.clear();
        self.event.clear();
    }
}

/// Whether a line with this in front of its first colon is no field: names are single words.
fn is_bare(name: &[u8]) -> bool {
    name.contains(&b' ') || name.starts_with(b"{") || name.starts_with(b"[")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Instead of an event's name.
    const BARE: &str = "(bare)";

    /// All events with the unfinished one last, fed in the given portions.
    fn parse<'a>(portions: impl IntoIterator<Item = &'a [u8]>) -> Vec<Framed> {
        let mut parser = SseParser::new(1 << 20);
        let mut out = Vec::new();
        for portion in portions {
            parser.push(portion, &mut out).unwrap();
        }
        out.extend(parser.finish());
        out
    }

    /// Whole, byte by byte and split at every point: always the same events.
    fn check(input: &[u8], expect: &[(&str, &str)]) {
        let expect: Vec<_> = expect
            .iter()
            .map(|(event, data)| Framed {
                event: (*event).into(),
                data: (*data).into(),
                bare: *event == BARE,
            })
            .map(|e| Framed { event: e.event.replace(BARE, ""), ..e })
            .collect();
        assert_eq!(parse([input]), expect, "whole: {:?}", String::from_utf8_lossy(input));
        assert_eq!(parse(input.chunks(1)), expect, "bytewise");
        for at in 0..=input.len() {
            assert_eq!(parse([&input[..at], &input[at..]]), expect, "split at {at}");
        }
    }

    #[test]
    fn line_ends() {
        check(b"data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")]);
        check(b"data: a\r\n\r\ndata: b\r\n\r\n", &[("", "a"), ("", "b")]);
        check(b"data: a\r\rdata: b\r\r", &[("", "a"), ("", "b")]);
        check(b"data: a\ndata: b\r\n\rdata: c\r\n\n", &[("", "a\nb"), ("", "c")]);
    }

    #[test]
    fn unicode_separators_do_not_end_a_line() {
        check(
            "data: a\u{2028}b\u{2029}c\u{85}d\n\n".as_bytes(),
            &[("", "a\u{2028}b\u{2029}c\u{85}d")],
        );
    }

    #[test]
    fn characters_may_be_split() {
        check("data: \u{1F600}é\n\n".as_bytes(), &[("", "\u{1F600}é")]);
    }

    #[test]
    fn byte_order_mark_is_dropped_only_in_front() {
        check(b"\xef\xbb\xbfdata: a\n\n", &[("", "a")]);
        check(b"data: a\n\n\xef\xbb\xbfdata: b\n\n", &[("", "a")]);
    }

    #[test]
    fn exactly_one_space_is_stripped() {
        check(b"data:a\n\ndata: b\n\ndata:  c\n\n", &[("", "a"), ("", "b"), ("", " c")]);
    }

    #[test]
    fn fields() {
        check(b": comment\n\n:\ndata: a\n\n", &[("", "a")]);
        check(b"id: 1\nretry: 5\nunknown: x\ndata: a\n\n", &[("", "a")]);
        check(b"event: ping\ndata: a\n\ndata: b\n\n", &[("ping", "a"), ("", "b")]);
        check(b"event: lonely\n\ndata: b\n\n", &[("", "b")]);
        check(b"data\n\n", &[("", "")]);
        check(b"error: {\"code\":500}\n\n", &[("error", "{\"code\":500}")]);
    }

    #[test]
    fn lines_between_events_that_are_no_fields() {
        check(
            b"data: a\n\n{\"error\":1}\n\ndata: b\n\n",
            &[("", "a"), (BARE, "{\"error\":1}"), ("", "b")],
        );
        check(b"upstream error: reset\n", &[(BARE, "upstream error: reset")]);
        check(b"data: a\n\n[{\"x\":1}]", &[("", "a"), (BARE, "[{\"x\":1}]")]);
        check(b"data: a\nnot an error: b\n\n", &[("", "a")]);
        check(b": an error\n\n", &[]);
    }

    #[test]
    fn last_event_without_blank_line_is_handed_out() {
        check(b"data: a\n\ndata: b", &[("", "a"), ("", "b")]);
        check(b"data: a\n\ndata: b\n", &[("", "a"), ("", "b")]);
    }

    #[test]
    fn size_is_limited() {
        let mut parser = SseParser::new(16);
        let mut out = Vec::new();
        assert_eq!(parser.push(b"data: 12345\n\n", &mut out), Ok(()));
        let long = parser.push(b"data: 12345678901234", &mut out);
        assert_eq!(long, Err(FrameTooLarge { limit: 16 }));
        let mut parser = SseParser::new(16);
        let many = parser.push(&b"data: 123\n".repeat(9), &mut out);
        assert_eq!(many, Err(FrameTooLarge { limit: 16 }));
    }

    proptest! {
        #[test]
        fn any_split_of_any_bytes_gives_the_same_events(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b' '), Just(b'd'), any::<u8>()],
                0..200),
            size in 1_usize..20,
        ) {
            prop_assert_eq!(parse(bytes.chunks(size)), parse([&bytes[..]]));
        }

        #[test]
        fn agrees_with_another_parser_on_lf_streams(texts in proptest::collection::vec("[ -~]{1,30}", 0..8)) {
            use eventsource_stream::Eventsource;
            use futures_util::{FutureExt, StreamExt, stream};
            let body = texts.iter().fold(String::new(), |b, t| b + &format!("event: e\ndata: {t}\n\n"));
            let ours: Vec<_> = parse([body.as_bytes()]).into_iter().map(|e| e.data).collect();
            let source = stream::iter([Ok::<_, std::io::Error>(body.clone())]).eventsource();
            let theirs: Vec<_> = source.map(|e| e.unwrap().data).collect().now_or_never().unwrap();
            prop_assert_eq!(ours, theirs);
        }
    }
}
