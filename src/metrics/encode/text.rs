//! The two text formats: classic 0.0.4 and OpenMetrics 1.0.
//!
//! What differs: in classic text the type of a counter stands under its `_total` name, an info is a
//! gauge under its `_info` name, `unknown` is called `untyped`; units, exemplars and the end marker
//! do not exist.

use std::fmt;

use prometheus::metrics::MetricType;

use super::descriptor::Descriptor;
use super::labels::SeriesLabels;
use super::line::{escape, put, write_labels};
use super::number::{Number, write_count, write_float};
use super::output::Output;
use crate::metrics::histogram::{Exemplar, Histogram, HistogramState};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::metrics) enum Dialect {
    Classic,
    OpenMetrics,
}

/// Writes text. What the lines of a family or of a histogram have in common is written once and
/// then copied: a thousand targets have hundreds of thousands of lines.
#[derive(Debug)]
pub(in crate::metrics) struct TextEncoder<'o> {
    pub out: Output<'o>,
    dialect: Dialect,
    /// Of the family's samples.
    name: String,
    /// Of the series, without braces.
    labels: Vec<u8>,
    buckets: BucketHeads,
}

impl<'o> TextEncoder<'o> {
    pub fn new(dialect: Dialect, out: Output<'o>) -> Self {
        let (name, labels, buckets) = (String::new(), Vec::new(), BucketHeads::default());
        Self { out, dialect, name, labels, buckets }
    }

    pub fn family(&mut self, descriptor: &Descriptor<'_>) -> fmt::Result {
        descriptor.write_name(&mut self.name);
        self.buckets.clear();
        let (name, kind) = match self.dialect {
            Dialect::Classic => (&*self.name, classic_type(descriptor.kind)),
            Dialect::OpenMetrics => {
                (without_suffix(&self.name, descriptor.kind), descriptor.kind.as_str())
            }
        };
        let out = &mut self.out.piece;
        put(out, &["# HELP ", name, " "]);
        escape(descriptor.help, self.dialect == Dialect::OpenMetrics, out);
        put(out, &["\n# TYPE ", name, " ", kind, "\n"]);
        if let (Dialect::OpenMetrics, Some(unit)) = (self.dialect, descriptor.unit) {
            put(out, &["# UNIT ", name, " ", unit, "\n"]);
        }
        self.out.hand_on_full()
    }

    pub fn sample(&mut self, labels: &SeriesLabels<'_>, value: Number) -> fmt::Result {
        self.set_labels(labels);
        self.put_head("");
        value.write(&mut self.out.piece);
        self.out.piece.push(b'\n');
        self.out.hand_on_full()
    }

    pub fn histogram(&mut self, labels: &SeriesLabels<'_>, histogram: &Histogram) -> fmt::Result {
        self.set_labels(labels);
        histogram.with(|state| self.put_histogram(state));
        self.out.hand_on_full()
    }

    pub fn finish(&mut self) -> fmt::Result {
        if self.dialect == Dialect::OpenMetrics {
            put(&mut self.out.piece, &["# EOF\n"]);
        }
        self.out.hand_on()
    }

    fn set_labels(&mut self, labels: &SeriesLabels<'_>) {
        self.labels.clear();
        self.labels.extend_from_slice(&labels.shared.text);
        write_labels(labels.own(), &mut self.labels);
    }

    /// Everything of a line up to the value.
    fn put_head(&mut self, suffix: &str) {
        let out = &mut self.out.piece;
        put(out, &[&self.name, suffix]);
        if !self.labels.is_empty() {
            out.push(b'{');
            out.extend_from_slice(&self.labels);
            out.push(b'}');
        }
        out.push(b' ');
    }

    fn put_histogram(&mut self, state: &HistogramState) {
        self.put_head("_sum");
        write_float(state.sum, &mut self.out.piece);
        self.out.piece.push(b'\n');
        self.put_head("_count");
        write_count(state.count, &mut self.out.piece);
        self.out.piece.push(b'\n');
        self.buckets.prepare(&self.name, state.bounds());
        let out = &mut self.out.piece;
        for (head, (count, exemplar)) in self.buckets.iter().zip(state.cumulative()) {
            out.extend_from_slice(head);
            if !self.labels.is_empty() {
                out.push(b',');
                out.extend_from_slice(&self.labels);
            }
            put(out, &["} "]);
            write_count(count, out);
            if let Some(exemplar) = exemplar.filter(|_| self.dialect == Dialect::OpenMetrics) {
                put_exemplar(exemplar, out);
            }
            out.push(b'\n');
        }
    }
}

/// How the lines of a family's buckets begin: `name_bucket{le="0.5"`. Nearly all histograms of a
/// family have the same bounds.
#[derive(Debug, Default)]
struct BucketHeads {
    bounds: Vec<f64>,
    text: Vec<u8>,
    /// Where each one ends in the text; none before there are bounds.
    ends: Vec<usize>,
}

impl BucketHeads {
    fn clear(&mut self) {
        self.ends.clear();
    }

    fn prepare(&mut self, name: &str, bounds: &[f64]) {
        let same = self.bounds.len() == bounds.len()
            && self.bounds.iter().zip(bounds).all(|(a, b)| a.to_bits() == b.to_bits());
        if same && !self.ends.is_empty() {
            return;
        }
        self.bounds = bounds.to_vec();
        self.text.clear();
        self.ends.clear();
        for bound in bounds.iter().copied().chain([f64::INFINITY]) {
            put(&mut self.text, &[name, "_bucket{le=\""]);
            write_float(bound, &mut self.text);
            self.text.push(b'"');
            self.ends.push(self.text.len());
        }
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> + '_ {
        let begins = [0].into_iter().chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| &self.text[begin..*end])
    }
}

fn put_exemplar(exemplar: &Exemplar, out: &mut Vec<u8>) {
    put(out, &[" # {trace_id=\""]);
    escape(&exemplar.trace_id, true, out);
    put(out, &["\"} "]);
    write_float(exemplar.value, out);
    if let Some(at) = exemplar.at {
        out.push(b' ');
        write_float(at.as_secs_f64(), out);
    }
}

fn classic_type(kind: MetricType) -> &'static str {
    match kind {
        MetricType::Counter => "counter",
        MetricType::Gauge | MetricType::Info => "gauge",
        MetricType::Histogram => "histogram",
        MetricType::Unknown => "untyped",
    }
}

/// The name of a family in OpenMetrics, whose samples have the suffix of its type.
fn without_suffix(name: &str, kind: MetricType) -> &str {
    let suffix = match kind {
        MetricType::Counter => "_total",
        MetricType::Info => "_info",
        MetricType::Gauge | MetricType::Histogram | MetricType::Unknown => "",
    };
    let stem = name.strip_suffix(suffix);
    debug_assert!(stem.is_some(), "{name} does not end in {suffix}");
    stem.unwrap_or(name)
}
