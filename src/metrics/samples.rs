//! Writes the samples of one family, each with its labels.

use std::fmt;

use super::cells::{CounterSet, LateGauge};
use super::encode::{Encoder, Labels, Number, SeriesLabels};
use super::histogram::Histogram;

/// Where a family's samples go. `values` are those of the family's own labels, in their order.
/// Nothing but the output can fail.
#[derive(Debug)]
pub(super) struct SampleWriter<'a, 'o> {
    pub encoder: &'a mut Encoder<'o>,
    pub shared: &'a Labels,
    pub names: &'static [&'static str],
}

impl SampleWriter<'_, '_> {
    /// A counter's sample.
    pub fn counter<V: Into<Number>>(&mut self, values: &[&str], value: V) -> fmt::Result {
        self.sample(values, value.into())
    }

    /// One sample per counter of the set, whose label is the family's last.
    pub fn counters(&mut self, values: &[&str], set: &CounterSet) -> fmt::Result {
        for (value, count) in set.iter() {
            let labels = SeriesLabels::new(self.shared, self.names, values, Some(value));
            self.encoder.sample(&labels, count.into())?;
        }
        Ok(())
    }

    /// A gauge's sample.
    pub fn gauge<V: Into<Number>>(&mut self, values: &[&str], value: V) -> fmt::Result {
        self.sample(values, value.into())
    }

    /// A gauge's sample, if there is a value yet.
    pub fn late(&mut self, values: &[&str], gauge: &LateGauge) -> fmt::Result {
        self.maybe(values, gauge.get())
    }

    /// A gauge's sample, if there is a value.
    pub fn maybe<V: Into<Number>>(&mut self, values: &[&str], value: Option<V>) -> fmt::Result {
        value.map_or(Ok(()), |value| self.gauge(values, value))
    }

    /// A counter's sample, if there is a value.
    pub fn maybe_counter<V: Into<Number>>(
        &mut self,
        values: &[&str],
        value: Option<V>,
    ) -> fmt::Result {
        value.map_or(Ok(()), |value| self.counter(values, value))
    }

    /// An info's sample, with further labels that only it has. A further label whose name is
    /// taken is left out.
    pub fn info<'l>(
        &mut self,
        values: &[&str],
        more: impl Iterator<Item = (&'l str, &'l str)>,
    ) -> fmt::Result {
        let mut labels = SeriesLabels::new(self.shared, self.names, values, None);
        more.for_each(|(name, value)| labels.push(name, value));
        self.encoder.sample(&labels, Number::Unsigned(1))
    }

    /// A histogram's samples.
    pub fn histogram(&mut self, values: &[&str], histogram: &Histogram) -> fmt::Result {
        let labels = SeriesLabels::new(self.shared, self.names, values, None);
        self.encoder.histogram(&labels, histogram)
    }

    fn sample(&mut self, values: &[&str], value: Number) -> fmt::Result {
        let labels = SeriesLabels::new(self.shared, self.names, values, None);
        self.encoder.sample(&labels, value)
    }
}
