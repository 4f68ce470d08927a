//! Where bytes go, in pieces.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use tokio::time::Instant;

/// Bytes that are handed on at a time.
pub(super) const PIECE: usize = 64 * 1024;

/// Collects pieces for a sink. Once the sink fails, everything does.
pub(in crate::metrics) struct Output<'o> {
    /// What is not yet handed on.
    pub piece: Vec<u8>,
    sink: &'o mut dyn Write,
    result: io::Result<()>,
    in_sink: Duration,
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("result", &self.result).finish_non_exhaustive()
    }
}

impl<'o> Output<'o> {
    pub fn new(sink: &'o mut dyn Write) -> Self {
        let piece = Vec::with_capacity(PIECE + PIECE / 8);
        Self { piece, sink, result: Ok(()), in_sink: Duration::ZERO }
    }

    /// Hands the piece on if it is large enough: between samples, while nothing is locked.
    pub fn hand_on_full(&mut self) -> fmt::Result {
        if self.piece.len() < PIECE { Ok(()) } else { self.hand_on() }
    }

    /// Hands on what there is.
    pub fn hand_on(&mut self) -> fmt::Result {
        let mut piece = std::mem::take(&mut self.piece);
        let result = if piece.is_empty() { Ok(()) } else { self.write(&piece) };
        piece.clear();
        self.piece = piece;
        result
    }

    /// Hands this on, which comes after the piece.
    pub fn write(&mut self, bytes: &[u8]) -> fmt::Result {
        if self.result.is_ok() {
            let began = Instant::now();
            self.result = self.sink.write_all(bytes);
            self.in_sink += began.elapsed();
        }
        self.result.as_ref().map_or(Err(fmt::Error), |()| Ok(()))
    }

    /// How it went, and for how long the sink had the bytes.
    pub fn end(self) -> (io::Result<()>, Duration) {
        (self.result, self.in_sink)
    }
}
