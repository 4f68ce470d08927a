//! From the registries to the bytes of an answer.

use std::fmt;
use tokio::time::Instant;

use prometheus::encoding::text;

use super::negotiate::Format;
use super::{Metrics, classic_text, protobuf};

impl Metrics {
    /// The body of a scrape's answer in `format`.
    ///
    /// # Errors
    /// When the client library refuses a value; that is a defect.
    pub fn encode(&self, format: Format) -> Result<Vec<u8>, fmt::Error> {
        let began = Instant::now();
        let body = match format {
            Format::OpenMetrics => self.openmetrics()?.into_bytes(),
            Format::ClassicText => {
                classic_text::from_openmetrics(&self.openmetrics()?).into_bytes()
            }
            Format::Protobuf => protobuf::to_vec(&self.protobuf)?,
        };
        self.state.prober.scrape_duration.set(began.elapsed().as_secs_f64());
        Ok(body)
    }

    fn openmetrics(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.text)?;
        Ok(out)
    }
}
