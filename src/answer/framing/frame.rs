//! What the framings share.

use thiserror::Error;

/// How an answer is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// One JSON value per line.
    Lines,
    /// One JSON value, the whole body.
    Whole,
    /// A plain text, the whole body.
    Text,
    /// Binary messages of AWS.
    AwsEvents,
}

impl Framing {
    /// Whether it comes in pieces.
    #[must_use]
    pub fn is_stream(self) -> bool {
        matches!(self, Self::Sse | Self::Lines | Self::AwsEvents)
    }

    /// The media type that asks for it.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            Self::Lines => "application/x-ndjson",
            Self::Whole => "application/json",
            Self::Text => "text/plain",
            Self::AwsEvents => "application/vnd.amazon.eventstream",
        }
    }
}

/// One frame as it was cut out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Framed {
    /// The `event:` field of a server-sent event, or the `:event-type` of a message of AWS, whose
    /// exceptions and errors show as `exception:` or `error:` and their type or code; empty where there is none. The `error:` field of
    /// older llama.cpp builds shows as an event named `error`.
    pub event: String,
    /// The `data:` lines, joined by newline, or the line. Invalid UTF-8 is replaced.
    pub data: String,
    /// Whether `data` is not an event's, but a line that is no field of any: what a proxy that
    /// breaks off writes into a stream, though the standard says to ignore it.
    pub bare: bool,
}

/// A frame larger than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an event exceeds {limit} bytes")]
pub struct FrameTooLarge {
    /// The limit in bytes.
    pub limit: usize,
}

/// Bytes that cannot be cut into frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// One would be too large.
    #[error(transparent)]
    TooLarge(#[from] FrameTooLarge),
    /// A binary message is not what it says it is.
    #[error("a message of the event stream {0}")]
    Broken(&'static str),
}

/// What some servers put in front.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";
