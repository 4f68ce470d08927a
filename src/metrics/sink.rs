//! Writes the samples of one family, each with its labels.

use std::fmt;

use prometheus::encoding::{
    EncodeCounterValue, EncodeGaugeValue, EncodeLabel, EncodeLabelSet, EncodeMetric,
    LabelSetEncoder, MetricEncoder, NoLabelSet,
};
use prometheus::metrics::histogram::Histogram;

use super::cells::{CounterSet, LateGauge};
use super::histogram::TracedHistogram;

/// What the samples are encoded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// OpenMetrics text: no native histograms.
    Text,
    /// Prometheus' protobuf messages.
    Protobuf,
}

/// The labels that a series shares with all series of the same source.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels(pub Vec<(String, String)>);

/// Labels of one series: shared ones first.
struct SeriesLabels<'a> {
    shared: &'a Labels,
    own: Vec<(&'a str, &'a str)>,
}

impl<'a> SeriesLabels<'a> {
    fn new(shared: &'a Labels, names: &[&'a str], values: &[&'a str]) -> Self {
        debug_assert_eq!(names.len(), values.len(), "{names:?} {values:?}");
        Self { shared, own: names.iter().copied().zip(values.iter().copied()).collect() }
    }

    fn is_empty(&self) -> bool {
        self.shared.0.is_empty() && self.own.is_empty()
    }
}

impl EncodeLabelSet for SeriesLabels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder) -> fmt::Result {
        let shared = self.shared.0.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        for label in shared.chain(self.own.iter().copied()) {
            label.encode(encoder.encode_label())?;
        }
        Ok(())
    }
}

/// Where a family's samples go. `values` are those of the family's own labels, in their order.
#[derive(Debug)]
pub(super) struct Sink<'a, 'e> {
    pub encoder: &'a mut MetricEncoder<'e>,
    pub shared: &'a Labels,
    pub names: &'static [&'static str],
    pub encoding: Encoding,
}

impl Sink<'_, '_> {
    /// A counter's sample.
    pub fn counter<V: EncodeCounterValue + Copy>(
        &mut self,
        values: &[&str],
        value: V,
    ) -> fmt::Result {
        let labels = SeriesLabels::new(self.shared, self.names, values);
        if labels.is_empty() {
            return self.encoder.encode_counter::<NoLabelSet, V, u64>(&value, None);
        }
        let mut encoder = self.encoder.encode_family(&labels)?;
        encoder.encode_counter::<NoLabelSet, V, u64>(&value, None)
    }

    /// One sample per counter of the set, whose label is the family's last.
    pub fn counters(&mut self, values: &[&str], set: &CounterSet) -> fmt::Result {
        for (value, count) in set.iter() {
            self.counter(&[values, &[value]].concat(), count)?;
        }
        Ok(())
    }

    /// A gauge's sample.
    pub fn gauge<V: EncodeGaugeValue + Copy>(&mut self, values: &[&str], value: V) -> fmt::Result {
        let labels = SeriesLabels::new(self.shared, self.names, values);
        if labels.is_empty() {
            return self.encoder.encode_gauge(&value);
        }
        self.encoder.encode_family(&labels)?.encode_gauge(&value)
    }

    /// A gauge's sample, if there is a value yet.
    pub fn late(&mut self, values: &[&str], gauge: &LateGauge) -> fmt::Result {
        gauge.get().map_or(Ok(()), |value| self.gauge(values, value))
    }

    /// A gauge's sample, if there is a value.
    pub fn maybe<V: EncodeGaugeValue + Copy>(
        &mut self,
        values: &[&str],
        value: Option<V>,
    ) -> fmt::Result {
        value.map_or(Ok(()), |value| self.gauge(values, value))
    }

    /// A counter's sample, if there is a value.
    pub fn maybe_counter<V: EncodeCounterValue + Copy>(
        &mut self,
        values: &[&str],
        value: Option<V>,
    ) -> fmt::Result {
        value.map_or(Ok(()), |value| self.counter(values, value))
    }

    /// An info's sample, with further labels that only it has. A further label whose name is
    /// taken is left out: a name that occurs twice would make the whole scrape invalid.
    pub fn info<'l>(
        &mut self,
        values: &[&str],
        more: impl Iterator<Item = (&'l str, &'l str)>,
    ) -> fmt::Result {
        let mut labels = SeriesLabels::new(self.shared, self.names, values);
        for (name, value) in more {
            let taken = self.shared.0.iter().any(|(n, _)| n == name);
            if !taken && labels.own.iter().all(|(n, _)| *n != name) {
                labels.own.push((name, value));
            }
        }
        self.encoder.encode_info(&labels)
    }

    /// A histogram's samples.
    pub fn histogram(&mut self, values: &[&str], histogram: &Histogram) -> fmt::Result {
        let labels = SeriesLabels::new(self.shared, self.names, values);
        histogram.encode(self.encoder.encode_family(&labels)?)
    }

    /// The samples of a histogram with exemplars: in protobuf both halves, one directly after the
    /// other, which [`super::protobuf`] joins.
    pub fn traced(&mut self, values: &[&str], histogram: &TracedHistogram) -> fmt::Result {
        let labels = SeriesLabels::new(self.shared, self.names, values);
        histogram.with(|halves| {
            if let (Encoding::Protobuf, Some(native)) = (self.encoding, &halves.native) {
                native.encode(self.encoder.encode_family(&labels)?)?;
            }
            halves.classic.encode(self.encoder.encode_family(&labels)?)
        })
    }
}
