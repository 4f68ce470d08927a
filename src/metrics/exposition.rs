//! The answer to a scrape.

use std::io::{self, Write};

use tokio::time::Instant;

use super::Metrics;
use super::collector::Walk;
use super::encode::{Encoder, Output};
use super::negotiate::Format;

impl Metrics {
    /// Writes the body of a scrape's answer in `format` to `sink`, in pieces of about 64 KiB. Takes
    /// as long as the sink does, so not to be called where others wait; nothing of a target is locked
    /// meanwhile.
    ///
    /// # Errors
    /// Those of the sink; nothing is written after the first.
    pub fn write(&self, format: Format, sink: &mut dyn Write) -> io::Result<()> {
        let began = Instant::now();
        let mut encoder = Encoder::new(format, Output::new(sink));
        // It fails only where the output does, which says why.
        let _ = Walk { encoder: &mut encoder, state: &self.state }.all(self.one.as_ref());
        let (result, in_sink) = encoder.into_output().end();
        let took = began.elapsed().saturating_sub(in_sink);
        self.state.prober.scrape_duration.set(took.as_secs_f64());
        result
    }

    /// The body of a scrape's answer in `format`, as a whole.
    ///
    /// # Errors
    /// None: memory takes everything.
    pub fn encode(&self, format: Format) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        self.write(format, &mut body)?;
        Ok(body)
    }
}
