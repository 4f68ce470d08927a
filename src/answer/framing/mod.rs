//! How a body is cut into frames: one file per framing. A dialect says which one its answers have,
//! and `decode` holds against it what the first bytes look like.

mod lines;
mod sse;

pub use lines::LineParser;
pub use sse::SseParser;

/// How an answer is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// One JSON value per line.
    Lines,
    /// One JSON value, the whole body.
    Whole,
}

/// One frame as it was cut out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Framed {
    /// The `event:` field of a server-sent event; empty where there is none. The `error:` field of
    /// older llama.cpp builds shows as an event named `error`.
    pub event: String,
    /// The `data:` lines, joined by newline, or the line. Invalid UTF-8 is replaced.
    pub data: String,
    /// Whether `data` is not an event's, but a line that is no field of any: what a proxy that
    /// breaks off writes into a stream, though the standard says to ignore it.
    pub bare: bool,
}

/// A frame larger than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event exceeds {limit} bytes")]
pub struct FrameTooLarge {
    /// The limit in bytes.
    pub limit: usize,
}

const BOM: &[u8] = b"\xef\xbb\xbf";
