//! Prometheus' protobuf messages (`io.prometheus.client`), each behind its length.
//!
//! Only fields that differ from their default are written, in the order of their numbers. A
//! family's length stands before it, so one family at a time is kept until it is complete. Families
//! without a sample are left out.

use std::fmt;
use std::time::Duration;

use prometheus::metrics::MetricType;

use super::descriptor::Descriptor;
use super::labels::SeriesLabels;
use super::number::Number;
use super::output::{Output, PIECE};
use super::wire::{
    Wire, count_length, put_bytes, put_count, put_double, put_message, put_signed, put_tag,
    put_varint, varint_length, write_label, zigzag,
};
use crate::metrics::histogram::{Exemplar, Histogram, HistogramState, Native};
use crate::metrics::native::{self, NativeBuckets, Span};

/// Writes messages.
#[derive(Debug)]
pub(in crate::metrics) struct ProtobufEncoder<'o> {
    pub out: Output<'o>,
    /// Name, help and type of the family.
    head: Vec<u8>,
    unit: Option<&'static str>,
    kind: MetricType,
    metrics: Kept,
    /// The value of the metric that is being written.
    value: Vec<u8>,
    /// Labels that only that metric has.
    own: Vec<u8>,
    scratch: Vec<u8>,
    name: String,
}

impl<'o> ProtobufEncoder<'o> {
    pub fn new(out: Output<'o>) -> Self {
        Self {
            out,
            head: Vec::new(),
            unit: None,
            kind: MetricType::Unknown,
            metrics: Kept::default(),
            value: Vec::new(),
            own: Vec::new(),
            scratch: Vec::new(),
            name: String::new(),
        }
    }

    pub fn family(&mut self, descriptor: &Descriptor<'_>) -> fmt::Result {
        self.end_family()?;
        descriptor.write_name(&mut self.name);
        self.kind = descriptor.kind;
        self.unit = descriptor.unit;
        self.head.clear();
        put_bytes(1, self.name.as_bytes(), &mut self.head);
        put_bytes(2, descriptor.help.as_bytes(), &mut self.head);
        put_count(3, family_type(descriptor.kind), &mut self.head);
        Ok(())
    }

    pub fn sample(&mut self, labels: &SeriesLabels<'_>, value: Number) {
        self.value.clear();
        put_double(1, value.as_f64(), &mut self.value);
        let field = match self.kind {
            MetricType::Counter => 3,
            MetricType::Unknown => 5,
            MetricType::Gauge | MetricType::Info | MetricType::Histogram => 2,
        };
        self.put_metric(labels, field);
    }

    pub fn histogram(&mut self, labels: &SeriesLabels<'_>, histogram: &Histogram) {
        self.value.clear();
        histogram.with(|state| put_histogram(state, &mut self.scratch, &mut self.value));
        self.put_metric(labels, 7);
    }

    pub fn finish(&mut self) -> fmt::Result {
        self.end_family()?;
        self.out.hand_on()
    }

    /// The value becomes this field of a metric.
    fn put_metric(&mut self, labels: &SeriesLabels<'_>, field: u32) {
        self.own.clear();
        for (name, value) in labels.own() {
            write_label(name, value, &mut self.own);
        }
        let shared = &labels.shared.protobuf;
        let value = 1 + varint_length(self.value.len() as u64) + self.value.len();
        let length = shared.len() + self.own.len() + value;
        let out = self.metrics.room(length + 16);
        put_tag(4, Wire::Bytes, out);
        put_varint(length as u64, out);
        out.extend_from_slice(shared);
        out.extend_from_slice(&self.own);
        put_message(field, &self.value, out);
    }

    fn end_family(&mut self) -> fmt::Result {
        if self.metrics.is_empty() {
            return Ok(());
        }
        self.scratch.clear();
        put_bytes(5, self.unit.unwrap_or_default().as_bytes(), &mut self.scratch);
        let length = self.head.len() + self.metrics.length() + self.scratch.len();
        put_varint(length as u64, &mut self.out.piece);
        self.out.piece.extend_from_slice(&self.head);
        for piece in self.metrics.pieces() {
            if self.out.piece.len() + piece.len() > PIECE {
                self.out.hand_on()?;
            }
            self.out.piece.extend_from_slice(piece);
        }
        self.out.piece.extend_from_slice(&self.scratch);
        self.metrics.clear();
        self.out.hand_on_full()
    }
}

/// Bytes that are kept in pieces, so that nothing is moved when there are more.
#[derive(Debug, Default)]
struct Kept {
    pieces: Vec<Vec<u8>>,
    /// Pieces that hold something come first.
    used: usize,
}

impl Kept {
    /// Where so many bytes can be put.
    fn room(&mut self, bytes: usize) -> &mut Vec<u8> {
        let fits = |piece: &Vec<u8>| piece.len() + bytes <= PIECE;
        if self.used == 0 || !self.pieces.get(self.used - 1).is_some_and(fits) {
            self.used += 1;
        }
        if self.used > self.pieces.len() {
            self.pieces.push(Vec::with_capacity(PIECE.max(bytes)));
        }
        &mut self.pieces[self.used - 1]
    }

    fn is_empty(&self) -> bool {
        self.used == 0
    }

    fn pieces(&self) -> &[Vec<u8>] {
        &self.pieces[..self.used]
    }

    fn length(&self) -> usize {
        self.pieces().iter().map(Vec::len).sum()
    }

    fn clear(&mut self) {
        self.pieces.iter_mut().for_each(Vec::clear);
        self.used = 0;
    }
}

/// Info is a gauge under its `_info` name.
fn family_type(kind: MetricType) -> u64 {
    match kind {
        MetricType::Counter => 0,
        MetricType::Gauge | MetricType::Info => 1,
        MetricType::Unknown => 3,
        MetricType::Histogram => 4,
    }
}

fn put_histogram(state: &HistogramState, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    put_count(1, state.count, out);
    put_double(2, state.sum, out);
    let bounds = state.bounds().iter().copied().chain([f64::INFINITY]);
    for (bound, (count, exemplar)) in bounds.zip(state.cumulative()) {
        scratch.clear();
        put_count(1, count, scratch);
        put_double(2, bound, scratch);
        if let Some(exemplar) = exemplar {
            put_exemplar(exemplar, scratch);
        }
        put_message(3, scratch, out);
    }
    if let Some(native) = &state.native {
        put_native(native, scratch, out);
    }
}

fn put_native(native: &Native, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    let buckets = native.buckets.as_deref();
    let schema = buckets.map_or(NativeBuckets::SCHEMA, |b| b.schema);
    put_signed(5, schema.into(), out);
    put_double(6, native::ZERO_THRESHOLD, out);
    if let Some(buckets) = buckets {
        put_count(7, buckets.zero_count, out);
        put_side(9, &buckets.negative, scratch, out);
        put_side(12, &buckets.positive, scratch, out);
    }
    scratch.clear();
    put_timestamp(native.created, scratch);
    put_message(15, scratch, out);
}

/// The spans as `field`, the deltas as the next one.
fn put_side(field: u32, side: &[(i32, u64)], deltas: &mut Vec<u8>, out: &mut Vec<u8>) {
    deltas.clear();
    let span = |span: Span| {
        let (offset, length) = (zigzag(span.offset.into()), span.length.into());
        put_tag(field, Wire::Bytes, out);
        put_varint((count_length(offset) + count_length(length)) as u64, out);
        put_count(1, offset, out);
        put_count(2, length, out);
    };
    native::runs(side, span, |delta| put_varint(zigzag(delta), deltas));
    put_bytes(field + 1, deltas, out);
}

fn put_exemplar(exemplar: &Exemplar, out: &mut Vec<u8>) {
    let mut message = Vec::with_capacity(80);
    write_label("trace_id", &exemplar.trace_id, &mut message);
    put_double(2, exemplar.value, &mut message);
    if let Some(at) = exemplar.at {
        let mut stamp = Vec::with_capacity(16);
        put_timestamp(at, &mut stamp);
        put_message(3, &stamp, &mut message);
    }
    put_message(3, &message, out);
}

fn put_timestamp(since_epoch: Duration, out: &mut Vec<u8>) {
    put_count(1, since_epoch.as_secs(), out);
    put_count(2, since_epoch.subsec_nanos().into(), out);
}
