//! From recorded bytes to a [`Timeline`]: finds out how the body is framed, cuts it into frames and
//! lets the dialect's reader read each one, with the stamp of the read that completed it.

#[cfg(test)]
mod tests;
mod think;
mod unpack;

use crate::answer::framing::{AwsEventParser, FrameError, Framed, Framing, LineParser, SseParser};
use crate::answer::recording::{Ending, Head, Offset, Recording, TimestampSource};
use crate::answer::timeline::{DecodeEnd, Event, EventKind, Timeline, Told};
use crate::dialect::{DecodeError, Dialect, Frame, Reader, Shape};
use think::Thoughts;
use unpack::{Problem, Unpacker};

/// Events beyond this number are not decoded: no answer has so many.
const MAX_EVENTS: usize = 1_000_000;

/// Decodes the body of a 2xx answer.
#[must_use]
pub fn decode(
    dialect: &dyn Dialect,
    shape: Shape,
    recording: &Recording,
    source: TimestampSource,
    max_event_bytes: usize,
) -> Timeline {
    let mut decoder = Decoder::new(dialect, shape, recording.head.as_ref(), max_event_bytes);
    for chunk in &recording.chunks {
        decoder.push(&chunk.bytes, recording.at(&chunk.arrival, source), chunk.arrival.read);
    }
    decoder.finish(recording.ending == Ending::Complete)
}

/// Reads a body piece by piece, as far as it has come: the same pieces give the same events,
/// whether they are read at once or while the answer is still under way.
pub struct Decoder {
    reader: Box<dyn Reader>,
    /// Until the reader has read it.
    head: Option<Head>,
    content_type: Option<String>,
    /// How the dialect frames its answers.
    expected: Framing,
    /// Where the body is packed.
    unpacker: Option<Unpacker>,
    /// Decided by the first bytes.
    looks: Option<Looks>,
    /// What came before that; a whole body until its end.
    body: Vec<u8>,
    framer: Framer,
    max_event_bytes: usize,
    /// The newest piece.
    arrival: Option<(Offset, u32)>,
    events: Vec<Event>,
    end: DecodeEnd,
    streamed: bool,
    /// The end marker was seen; whatever follows it is not part of the answer.
    done: bool,
    /// Read so far.
    frames: u32,
    /// Lines that belong to no event.
    strays: u32,
    thoughts: Thoughts,
}

impl Decoder {
    /// One that has read nothing yet of a body with this head.
    #[must_use]
    pub fn new(
        dialect: &dyn Dialect,
        shape: Shape,
        head: Option<&Head>,
        max_event_bytes: usize,
    ) -> Self {
        let headers = || head.iter().flat_map(|head| &head.headers);
        let encodings = headers().filter(|(name, _)| name == "content-encoding");
        let encodings: Vec<_> = encodings.map(|(_, value)| value.as_str()).collect();
        let (unpacker, end) = match Unpacker::new(&encodings.join(","), max_event_bytes) {
            Ok(unpacker) => (unpacker, DecodeEnd::Clean),
            Err(what) => {
                (None, DecodeEnd::Malformed(format!("the body has {what}, expected none")))
            }
        };
        Self {
            reader: dialect.reader(shape),
            head: head.cloned(),
            content_type: head.and_then(|h| h.header("content-type")).map(str::to_owned),
            expected: dialect.framing(shape, head),
            unpacker,
            looks: None,
            body: Vec::new(),
            framer: Framer::Sse(SseParser::new(max_event_bytes)),
            max_event_bytes,
            arrival: None,
            events: Vec::new(),
            end,
            streamed: false,
            done: false,
            frames: 0,
            strays: 0,
            thoughts: Thoughts::default(),
        }
    }

    /// What was read so far.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Reads the next piece, which arrived at `at` with the read of this number.
    pub fn push(&mut self, bytes: &[u8], at: Offset, read: u32) {
        self.arrival = Some((at, read));
        if let Some(head) = self.head.take() {
            let mut told = Vec::new();
            self.reader.head(&head, &mut told);
            self.tell(told, (at, read));
        }
        if self.is_malformed() {
            return;
        }
        let unpacked = match &mut self.unpacker {
            None => return self.plain(bytes, (at, read)),
            Some(unpacker) => unpacker.push(bytes),
        };
        match unpacked {
            Ok(bytes) => self.plain(&bytes, (at, read)),
            // What is broken behind the end marker cannot hurt the answer any more.
            Err(_) if self.done => {}
            Err(Problem::Broken(why)) => {
                self.malformed(format!("the body cannot be unpacked: {why}"));
            }
            Err(Problem::TooLarge(most)) => {
                self.malformed(format!("the body unpacks to more than {most} bytes"));
            }
        }
    }

    fn plain(&mut self, bytes: &[u8], (at, read): (Offset, u32)) {
        match self.looks {
            None => {
                self.body.extend_from_slice(bytes);
                self.looks = self.looks_so_far();
                if self.is_stream() {
                    let start = std::mem::take(&mut self.body);
                    self.stream(&start, (at, read));
                }
            }
            Some(Looks::Like(framing)) if framing.is_stream() => self.stream(bytes, (at, read)),
            Some(Looks::Like(_)) => self.body.extend_from_slice(bytes),
            Some(Looks::Foreign) => {}
        }
    }

    /// The body has ended, by itself where `complete`: everything that it told.
    #[must_use]
    pub fn finish(mut self, complete: bool) -> Timeline {
        if self.looks.is_none() {
            self.looks = self.looks_of(true);
        }
        match (self.looks, self.arrival) {
            (Some(Looks::Foreign), _) => {
                let content_type = self.content_type.as_deref().unwrap_or("absent");
                let detail = format!(
                    "the body is neither JSON nor an event stream (Content-Type {content_type})"
                );
                self.malformed(detail);
            }
            (Some(Looks::Like(framing)), Some(arrival)) if !framing.is_stream() => {
                self.whole(arrival);
            }
            (Some(Looks::Like(_)), Some(arrival)) => {
                self.streamed = true;
                if self.framer.is_unfinished() && self.end == DecodeEnd::Clean {
                    self.end = DecodeEnd::Partial("the answer breaks off in mid-message".into());
                }
                for framed in self.framer.finish() {
                    self.framed(&framed, arrival);
                }
                if self.strays > 0 && self.frames == 0 {
                    self.malformed("the body is no event stream, though it is called one".into());
                }
            }
            (_, None) => self.streamed = self.is_stream(),
            (None, Some(_)) => {}
        }
        if let Some(arrival) = self.arrival
            && self.end == DecodeEnd::Clean
        {
            let mut told = Vec::new();
            self.reader.end(complete, &mut told);
            self.tell(told, arrival);
        }
        Timeline { events: self.events, streamed: self.streamed, end: self.end }
    }

    /// Decided as soon as it can be.
    fn looks_so_far(&self) -> Option<Looks> {
        self.looks_of(false)
    }

    fn is_stream(&self) -> bool {
        matches!(self.looks, Some(Looks::Like(framing)) if framing.is_stream())
    }

    /// The first bytes decide before the header does: proxies send JSON errors as
    /// `text/event-stream` and HTML pages as anything. `None` while they do not decide, and for an
    /// empty body.
    fn looks_of(&self, ended: bool) -> Option<Looks> {
        let is_event_stream = self
            .content_type
            .as_deref()
            .and_then(|t| t.split(';').next())
            .is_some_and(|t| t.trim().eq_ignore_ascii_case("text/event-stream"));
        let start = significant_start(&self.body);
        Some(match start.first() {
            None if ended && is_event_stream => Looks::Like(Framing::Sse),
            None => return None,
            Some(b'<') => Looks::Foreign,
            // The highest byte of a length.
            Some(0) if self.expected == Framing::AwsEvents => Looks::Like(Framing::AwsEvents),
            Some(_) if self.expected == Framing::Text => Looks::Like(Framing::Text),
            Some(b'{' | b'[') if self.expected == Framing::Lines => match start.get(1) {
                // One value over several lines, as it is printed for people.
                Some(b'\n' | b'\r') => Looks::Like(Framing::Whole),
                None if !ended => return None,
                _ => Looks::Like(Framing::Lines),
            },
            Some(b'{' | b'[') => Looks::Like(Framing::Whole),
            Some(_) if is_event_stream => Looks::Like(Framing::Sse),
            Some(_) if start.len() < DECIDING_BYTES && !ended => return None,
            Some(_) if looks_like_event_stream(start) => Looks::Like(Framing::Sse),
            Some(_) => Looks::Foreign,
        })
    }

    fn stream(&mut self, bytes: &[u8], arrival: (Offset, u32)) {
        if let Some(Looks::Like(framing)) = self.looks
            && !self.streamed
        {
            self.framer = Framer::new(framing, self.max_event_bytes);
        }
        self.streamed = true;
        if self.is_malformed() {
            return;
        }
        let mut frames = Vec::new();
        let pushed = self.framer.push(bytes, &mut frames);
        for frame in frames {
            self.framed(&frame, arrival);
        }
        if let Err(error) = pushed
            && !self.done
        {
            self.malformed(error.to_string());
        }
    }

    fn whole(&mut self, arrival: (Offset, u32)) {
        let body = std::mem::take(&mut self.body);
        let text = String::from_utf8_lossy(&body);
        let text = text.trim_start_matches('\u{feff}');
        let frame = Frame { event: "", data: text, whole: true, bare: false };
        self.frame(&frame, arrival);
    }

    fn framed(&mut self, framed: &Framed, arrival: (Offset, u32)) {
        let (name, data, bare) = (&framed.event, &framed.data, framed.bare);
        if bare {
            self.strays = self.strays.saturating_add(1);
        }
        self.frame(&Frame { event: name, data, whole: false, bare }, arrival);
    }

    fn frame(&mut self, frame: &Frame<'_>, arrival: (Offset, u32)) {
        match self.end {
            DecodeEnd::Malformed(_) => return,
            _ if frame.bare || self.done => {}
            DecodeEnd::Partial(_) => {
                return self.malformed("an event in the middle of the answer is incomplete".into());
            }
            DecodeEnd::Clean => {}
        }
        let mut told = Vec::new();
        let read_it = self.reader.frame(frame, &mut told);
        if self.done {
            // Some servers count their tokens behind the end marker. Nothing else is of interest.
            told.retain(|told| matches!(told.kind, EventKind::Usage(_)));
        } else {
            match read_it {
                Ok(()) => {}
                Err(DecodeError::Partial(detail)) => self.end = DecodeEnd::Partial(detail),
                Err(DecodeError::Malformed(detail)) => self.malformed(detail),
            }
        }
        // A stray line that tells nothing is no piece of the answer.
        let is_piece = !frame.bare || !told.is_empty();
        self.tell(told, arrival);
        if is_piece {
            self.frames = self.frames.saturating_add(1);
        }
    }

    /// Appends what the newest frame, or what stands before or after all frames, tells.
    fn tell(&mut self, told: Vec<Told>, (at, read): (Offset, u32)) {
        let number = self.frames;
        for Told { choice, kind } in told {
            self.done |= kind == EventKind::Done;
            let event = Event { at, read, frame: number, choice, kind };
            match event.kind {
                EventKind::Content(ref text) => {
                    self.thoughts.text(text.clone(), &event, &mut self.events);
                }
                ref other => {
                    self.thoughts.other(choice, other);
                    self.events.push(event);
                }
            }
        }
        if self.events.len() > MAX_EVENTS {
            self.malformed(format!("the answer has more than {MAX_EVENTS} events"));
        }
    }

    fn is_malformed(&self) -> bool {
        matches!(self.end, DecodeEnd::Malformed(_))
    }

    fn malformed(&mut self, detail: String) {
        self.end = DecodeEnd::Malformed(detail);
    }
}

/// What the first bytes of a body look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looks {
    Like(Framing),
    /// Something else, such as an HTML page.
    Foreign,
}

/// Cuts a stream.
enum Framer {
    Sse(SseParser),
    Lines(LineParser),
    AwsEvents(AwsEventParser),
}

impl Framer {
    fn new(framing: Framing, limit: usize) -> Self {
        match framing {
            Framing::Lines => Self::Lines(LineParser::new(limit)),
            Framing::AwsEvents => Self::AwsEvents(AwsEventParser::new(limit)),
            Framing::Sse | Framing::Whole | Framing::Text => Self::Sse(SseParser::new(limit)),
        }
    }

    fn push(&mut self, bytes: &[u8], out: &mut Vec<Framed>) -> Result<(), FrameError> {
        match self {
            Self::Sse(parser) => Ok(parser.push(bytes, out)?),
            Self::Lines(parser) => Ok(parser.push(bytes, out)?),
            Self::AwsEvents(parser) => parser.push(bytes, out),
        }
    }

    /// Whether what is left at the end of the body cannot be anything whole. What is left of a text
    /// tells by itself.
    fn is_unfinished(&self) -> bool {
        matches!(self, Self::AwsEvents(parser) if parser.is_unfinished())
    }

    /// What is left at the end of the body.
    fn finish(&mut self) -> Vec<Framed> {
        match std::mem::replace(self, Self::Sse(SseParser::new(0))) {
            Self::Sse(parser) => parser.finish(),
            Self::Lines(parser) => parser.finish(),
            Self::AwsEvents(_) => Vec::new(),
        }
    }
}

/// So many first bytes tell every framing from every other.
const DECIDING_BYTES: usize = 8;

/// The body's bytes behind white space and a byte-order mark.
fn significant_start(body: &[u8]) -> &[u8] {
    let blank = |b: &u8| b.is_ascii_whitespace() || matches!(b, 0xef | 0xbb | 0xbf);
    let start = body.iter().position(|b| !blank(b)).unwrap_or(body.len());
    &body[start..body.len().min(start + DECIDING_BYTES)]
}

fn looks_like_event_stream(start: &[u8]) -> bool {
    let fields: [&[u8]; 6] = [b":", b"data:", b"event:", b"id:", b"retry:", b"error:"];
    fields.iter().any(|f| start.starts_with(f) || f.starts_with(start))
}
