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
pub(super) struct Labels {
    pairs: Vec<(String, String)>,
    /// In text they are always written alike, but for every bucket: so all of them but the last
    /// value are kept as they stand there.
    text: String,
}

impl FromIterator<(String, String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let pairs: Vec<_> = pairs.into_iter().collect();
        let mut text = String::new();
        for (index, (name, value)) in pairs.iter().enumerate() {
            text += name;
            if index + 1 < pairs.len() {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                text.extend(["=\"", &value, "\","]);
            }
        }
        Self { pairs, text }
    }
}

impl Labels {
    /// The client library takes this for the name of a single label.
    fn as_text(&self) -> Option<(&str, &str)> {
        self.pairs.last().map(|(_, value)| (self.text.as_str(), value.as_str()))
    }
}

/// Labels of one series: shared ones first.
struct SeriesLabels<'a> {
    encoding: Encoding,
    shared: &'a Labels,
    own: Vec<(&'a str, &'a str)>,
}

impl<'a> SeriesLabels<'a> {
    fn new(encoding: Encoding, shared: &'a Labels, names: &[&'a str], values: &[&'a str]) -> Self {
        debug_assert_eq!(names.len(), values.len(), "{names:?} {values:?}");
        Self { encoding, shared, own: names.iter().copied().zip(values.iter().copied()).collect() }
    }

    fn is_empty(&self) -> bool {
        self.shared.pairs.is_empty() && self.own.is_empty()
    }
}

impl EncodeLabelSet for SeriesLabels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder) -> fmt::Result {
        let shared = self.shared.pairs.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        let text = self.shared.as_text().filter(|_| self.encoding == Encoding::Text);
        let skipped = text.map_or(0, |_| self.shared.pairs.len());
        for label in text.into_iter().chain(shared.skip(skipped)).chain(self.own.iter().copied()) {
            label.encode(encoder.encode_label())?;
        }
        Ok(())
    }
}

/// Where a family's samples go. `values` are those of the family's own labels, in their order.
#[derive(Debug)]
pub(super) struct SampleWriter<'a, 'e> {
    pub encoder: &'a mut MetricEncoder<'e>,
    pub shared: &'a Labels,
    pub names: &'static [&'static str],
    pub encoding: Encoding,
}

impl SampleWriter<'_, '_> {
    /// A counter's sample.
    pub fn counter<V: EncodeCounterValue + Copy>(
        &mut self,
        values: &[&str],
        value: V,
    ) -> fmt::Result {
        let labels = SeriesLabels::new(self.encoding, self.shared, self.names, values);
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
        let labels = SeriesLabels::new(self.encoding, self.shared, self.names, values);
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
        let mut labels = SeriesLabels::new(self.encoding, self.shared, self.names, values);
        for (name, value) in more {
            let taken = self.shared.pairs.iter().any(|(n, _)| n == name);
            if !taken && labels.own.iter().all(|(n, _)| *n != name) {
                labels.own.push((name, value));
            }
        }
        self.encoder.encode_info(&labels)
    }

    /// A histogram's samples.
    pub fn histogram(&mut self, values: &[&str], histogram: &Histogram) -> fmt::Result {
        let labels = SeriesLabels::new(self.encoding, self.shared, self.names, values);
        histogram.encode(self.encoder.encode_family(&labels)?)
    }

    /// The samples of a histogram with exemplars: in protobuf both halves, one directly after the
    /// other, which [`super::protobuf`] joins.
    pub fn traced(&mut self, values: &[&str], histogram: &TracedHistogram) -> fmt::Result {
        let labels = SeriesLabels::new(self.encoding, self.shared, self.names, values);
        histogram.with(|halves| {
            if let (Encoding::Protobuf, Some(native)) = (self.encoding, &halves.native) {
                native.encode(self.encoder.encode_family(&labels)?)?;
            }
            halves.classic.encode(self.encoder.encode_family(&labels)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_labels_are_escaped_as_the_client_library_does() {
        let labels: Labels = [("a", "x\\y\"z\n"), ("b", "\"")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into_iter()
            .collect();
        let mut registry = prometheus::registry::Registry::default();
        registry.register_collector(Box::new(One(labels.clone(), Encoding::Text)));
        registry.register_collector(Box::new(One(labels, Encoding::Protobuf)));
        let mut text = String::new();
        prometheus::encoding::text::encode(&mut text, &registry).unwrap();
        let samples: Vec<_> = text.lines().filter(|line| line.starts_with("g{")).collect();
        assert_eq!(samples, [r#"g{a="x\\y\"z\n",b="\"",c="d"} 1"#; 2]);
    }

    #[derive(Debug)]
    struct One(Labels, Encoding);

    impl prometheus::collector::Collector for One {
        fn encode(&self, mut encoder: prometheus::encoding::DescriptorEncoder) -> fmt::Result {
            let kind = prometheus::metrics::MetricType::Gauge;
            let mut encoder = encoder.encode_descriptor("g", "G", None, kind)?;
            let mut samples = SampleWriter {
                encoder: &mut encoder,
                shared: &self.0,
                names: &["c"],
                encoding: self.1,
            };
            samples.gauge(&["d"], 1_u64)
        }
    }
}
