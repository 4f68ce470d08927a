//! From samples to bytes, in pieces: one file per format.

mod descriptor;
mod labels;
mod line;
mod number;
mod output;
mod protobuf;
mod text;
mod wire;

use std::fmt;

pub(super) use descriptor::Descriptor;
pub(super) use labels::{Labels, SeriesLabels};
pub(super) use number::Number;
pub(super) use output::Output;

use super::histogram::Histogram;
use super::negotiate::Format;
use protobuf::ProtobufEncoder;
use text::{Dialect, TextEncoder};

/// Writes families one after the other, each with all of its samples. Fails when the output does.
#[derive(Debug)]
pub(super) enum Encoder<'o> {
    Text(TextEncoder<'o>),
    Protobuf(ProtobufEncoder<'o>),
}

impl<'o> Encoder<'o> {
    pub fn new(format: Format, out: Output<'o>) -> Self {
        match format {
            Format::ClassicText => Self::Text(TextEncoder::new(Dialect::Classic, out)),
            Format::OpenMetrics => Self::Text(TextEncoder::new(Dialect::OpenMetrics, out)),
            Format::Protobuf => Self::Protobuf(ProtobufEncoder::new(out)),
        }
    }

    /// Begins a family: the following samples are its own.
    pub fn family(&mut self, descriptor: &Descriptor<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.family(descriptor),
            Self::Protobuf(protobuf) => protobuf.family(descriptor),
        }
    }

    /// A sample of a counter, a gauge or an info.
    pub fn sample(&mut self, labels: &SeriesLabels<'_>, value: Number) -> fmt::Result {
        match self {
            Self::Text(text) => text.sample(labels, value),
            Self::Protobuf(protobuf) => {
                protobuf.sample(labels, value);
                Ok(())
            }
        }
    }

    /// The samples of a histogram.
    pub fn histogram(&mut self, labels: &SeriesLabels<'_>, histogram: &Histogram) -> fmt::Result {
        match self {
            Self::Text(text) => text.histogram(labels, histogram),
            Self::Protobuf(protobuf) => {
                protobuf.histogram(labels, histogram);
                Ok(())
            }
        }
    }

    /// Ends the exposition.
    pub fn finish(&mut self) -> fmt::Result {
        match self {
            Self::Text(text) => text.finish(),
            Self::Protobuf(protobuf) => protobuf.finish(),
        }
    }

    /// What the output has to say at the end.
    pub fn into_output(self) -> Output<'o> {
        match self {
            Self::Text(text) => text.out,
            Self::Protobuf(protobuf) => protobuf.out,
        }
    }
}
