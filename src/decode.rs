//! From recorded bytes to a [`Timeline`]: finds out how the body is framed, cuts it into frames and
//! lets the protocol read each one, with the stamp of the read that completed it.

use crate::framing::{SseEvent, SseParser};
use crate::protocol::{DecodeError, Frame, Protocol};
use crate::recording::{Offset, Recording, TimestampSource};
use crate::timeline::{DecodeEnd, Event, EventKind, Timeline};

/// Events beyond this number are not decoded: no answer has so many.
const MAX_EVENTS: usize = 1_000_000;

/// Decodes the body of a 2xx answer.
#[must_use]
pub fn decode(
    protocol: &dyn Protocol,
    recording: &Recording,
    source: TimestampSource,
    max_event_bytes: usize,
) -> Timeline {
    let mut decoder = Decoder {
        protocol,
        events: Vec::new(),
        end: DecodeEnd::Clean,
        streamed: false,
        done: false,
        frames: 0,
    };
    match Framing::of(recording) {
        Framing::EventStream => decoder.event_stream(recording, source, max_event_bytes),
        Framing::Whole => decoder.whole(recording, source),
        Framing::Nothing => {}
        Framing::Encoded(encoding) => {
            decoder.malformed(format!(
                "the body has Content-Encoding {encoding} although identity was asked for"
            ));
        }
        Framing::Foreign => decoder.malformed(format!(
            "the body is neither JSON nor an event stream (Content-Type {})",
            content_type(recording).unwrap_or("absent")
        )),
    }
    Timeline { events: decoder.events, streamed: decoder.streamed, end: decoder.end }
}

/// How a body is framed.
#[derive(Debug, PartialEq, Eq)]
enum Framing {
    EventStream,
    Whole,
    /// An empty body.
    Nothing,
    /// Compressed although `identity` was asked for: its chunks would say nothing about tokens.
    Encoded(String),
    /// Something else, such as an HTML page.
    Foreign,
}

impl Framing {
    /// The first bytes decide before the header does: proxies send JSON errors as
    /// `text/event-stream` and HTML pages as anything.
    fn of(recording: &Recording) -> Self {
        let encoding = recording.head.as_ref().and_then(|h| h.header("content-encoding"));
        if let Some(encoding) = encoding.filter(|e| !e.eq_ignore_ascii_case("identity")) {
            return Self::Encoded(encoding.to_owned());
        }
        let is_event_stream = content_type(recording)
            .and_then(|t| t.split(';').next())
            .is_some_and(|t| t.trim().eq_ignore_ascii_case("text/event-stream"));
        let start: Vec<u8> = significant_bytes(recording).take(8).collect();
        match start.first() {
            None if is_event_stream => Self::EventStream,
            None => Self::Nothing,
            Some(b'{' | b'[') => Self::Whole,
            Some(b'<') => Self::Foreign,
            Some(_) if is_event_stream || looks_like_event_stream(&start) => Self::EventStream,
            Some(_) => Self::Foreign,
        }
    }
}

fn content_type(recording: &Recording) -> Option<&str> {
    recording.head.as_ref().and_then(|h| h.header("content-type"))
}

/// The body's bytes behind white space and a byte-order mark.
fn significant_bytes(recording: &Recording) -> impl Iterator<Item = u8> + '_ {
    let bytes = recording.chunks.iter().flat_map(|c| c.bytes.iter().copied());
    bytes.skip_while(|b| b.is_ascii_whitespace() || matches!(b, 0xef | 0xbb | 0xbf))
}

fn looks_like_event_stream(start: &[u8]) -> bool {
    let fields: [&[u8]; 6] = [b":", b"data:", b"event:", b"id:", b"retry:", b"error:"];
    fields.iter().any(|f| start.starts_with(f) || f.starts_with(start))
}

struct Decoder<'a> {
    protocol: &'a dyn Protocol,
    events: Vec<Event>,
    end: DecodeEnd,
    streamed: bool,
    /// The end marker was seen; whatever follows it is not part of the answer.
    done: bool,
    /// Read so far.
    frames: u32,
}

impl Decoder<'_> {
    fn event_stream(&mut self, recording: &Recording, source: TimestampSource, limit: usize) {
        self.streamed = true;
        let mut parser = SseParser::new(limit);
        let mut frames = Vec::new();
        for chunk in &recording.chunks {
            let arrival = (recording.at(&chunk.arrival, source), chunk.arrival.read);
            let pushed = parser.push(&chunk.bytes, &mut frames);
            for frame in frames.drain(..) {
                self.sse_frame(&frame, arrival);
            }
            if let Err(e) = pushed {
                return self.malformed(format!("an event exceeds {} bytes", e.limit));
            }
            if self.done {
                return;
            }
        }
        if let Some((frame, chunk)) = parser.finish().zip(recording.chunks.last()) {
            self.sse_frame(&frame, (recording.at(&chunk.arrival, source), chunk.arrival.read));
        }
    }

    fn whole(&mut self, recording: &Recording, source: TimestampSource) {
        let Some(last) = recording.chunks.last() else { return };
        let body: Vec<u8> = recording.chunks.iter().flat_map(|c| c.bytes.to_vec()).collect();
        let text = String::from_utf8_lossy(&body);
        let text = text.trim_start_matches('\u{feff}');
        let frame = Frame { event: "", data: text, whole: true };
        self.frame(&frame, (recording.at(&last.arrival, source), last.arrival.read));
    }

    fn sse_frame(&mut self, event: &SseEvent, arrival: (Offset, u32)) {
        let frame = Frame { event: &event.event, data: &event.data, whole: false };
        self.frame(&frame, arrival);
    }

    fn frame(&mut self, frame: &Frame<'_>, (at, read): (Offset, u32)) {
        match self.end {
            DecodeEnd::Malformed(_) => return,
            DecodeEnd::Partial(_) => {
                return self.malformed("an event in the middle of the answer is incomplete".into());
            }
            DecodeEnd::Clean if self.done => return,
            DecodeEnd::Clean => {}
        }
        let frame_number = self.frames;
        self.frames = self.frames.saturating_add(1);
        let mut kinds = Vec::new();
        match self.protocol.decode(frame, &mut kinds) {
            Ok(()) => {}
            Err(DecodeError::Partial(detail)) => self.end = DecodeEnd::Partial(detail),
            Err(DecodeError::Malformed(detail)) => self.malformed(detail),
        }
        self.done |= kinds.contains(&EventKind::Done);
        self.events.extend(kinds.into_iter().map(|kind| Event {
            at,
            read,
            frame: frame_number,
            kind,
        }));
        if self.events.len() > MAX_EVENTS {
            self.malformed(format!("the answer has more than {MAX_EVENTS} events"));
        }
    }

    fn malformed(&mut self, detail: String) {
        self.end = DecodeEnd::Malformed(detail);
    }
}
