//! From the registries to the bytes of an answer.

use std::fmt;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use prometheus::encoding::text;

use super::classic_text::ClassicText;
use super::negotiate::Format;
use super::{Metrics, protobuf};

impl Metrics {
    /// The body of a scrape's answer in `format`.
    ///
    /// # Errors
    /// When the client library refuses a value; that is a defect.
    pub fn encode(&self, format: Format) -> Result<Vec<u8>, fmt::Error> {
        let began = Instant::now();
        let room = self.body_bytes.load(Ordering::Relaxed);
        let body = match format {
            Format::OpenMetrics => {
                let mut out = String::with_capacity(room);
                text::encode(&mut out, &self.text)?;
                out.into_bytes()
            }
            Format::ClassicText => {
                let mut out = ClassicText::with_capacity(room);
                text::encode(&mut out, &self.text)?;
                out.finish().into_bytes()
            }
            Format::Protobuf => protobuf::to_vec(&self.protobuf)?,
        };
        if format != Format::Protobuf {
            // A little more, for figures that get longer.
            self.body_bytes.store(body.len() + body.len() / 32, Ordering::Relaxed);
        }
        self.state.prober.scrape_duration.set(began.elapsed().as_secs_f64());
        Ok(body)
    }
}
