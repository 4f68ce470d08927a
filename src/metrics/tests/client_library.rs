//! Our encoders and our histogram held against those of the client library.

use std::fmt;

use prometheus::collector::Collector;
use prometheus::encoding::prometheus_protobuf::{encode, prometheus_data_model::MetricFamily};
use prometheus::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus::metrics::MetricType;
use prometheus::metrics::exemplar::HistogramWithExemplars;
use prometheus::metrics::family::Family;
use prometheus::metrics::histogram::{Histogram, NativeHistogramConfig};
use prometheus::registry::Registry;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::super::encode::{Descriptor, Encoder, SeriesLabels};
use super::super::histogram::{Trace, histogram};
use super::super::{Format, HistogramForm};
use super::encoders::{labels, written};
use super::parse::families;

type Pairs = Vec<(String, String)>;

/// What a sample of ours is made of.
#[derive(Debug, Clone)]
struct Sample {
    labels: [String; 2],
    count: u64,
    whole: i64,
    float: f64,
}

fn sample() -> impl Strategy<Value = Sample> {
    let text = prop_oneof![any::<String>(), "[\\\\\"\na]{0,8}"];
    let float = prop_oneof![
        any::<f64>(),
        -1e6..1e6,
        Just(0.0),
        Just(f64::NAN),
        (1..30_i32).prop_map(|e| 10_f64.powi(-e))
    ];
    // Infinity is the one thing that we write with a sign.
    let float = float.prop_filter("finite", |f: &f64| !f.is_infinite());
    let parts = ([text.clone(), text], any::<u64>(), any::<i64>(), float);
    parts.prop_map(|(labels, count, whole, float)| Sample { labels, count, whole, float })
}

impl Collector for Sample {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let [a, b] = &self.labels;
        let labels = [("a", a.as_str()), ("b", b.as_str())];
        let mut counters = encoder.encode_descriptor("c", "C", None, MetricType::Counter)?;
        counters.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&self.count, None)?;
        let mut gauges = encoder.encode_descriptor("g", "G", None, MetricType::Gauge)?;
        gauges.encode_family(&labels)?.encode_gauge(&self.whole)?;
        gauges.encode_family(&labels)?.encode_gauge(&self.float)?;
        encoder.encode_descriptor("i", "I", None, MetricType::Info)?.encode_info(&labels)
    }
}

impl Sample {
    fn write(&self, encoder: &mut Encoder<'_>) {
        let [a, b] = &self.labels;
        let shared = labels(&[("a", a)]);
        let values = [b.as_str()];
        let labels = SeriesLabels::new(&shared, &["b"], &values, None);
        encoder.family(&family("c_total", "C", MetricType::Counter)).unwrap();
        encoder.sample(&labels, self.count.into()).unwrap();
        encoder.family(&family("g", "G", MetricType::Gauge)).unwrap();
        encoder.sample(&labels, self.whole.into()).unwrap();
        encoder.sample(&labels, self.float.into()).unwrap();
        encoder.family(&family("i_info", "I", MetricType::Info)).unwrap();
        encoder.sample(&labels, 1_u64.into()).unwrap();
    }
}

fn family<'d>(name: &'d str, help: &'d str, kind: MetricType) -> Descriptor<'d> {
    Descriptor { prefix: "", name, kind, help, unit: None }
}

/// Observations, wide enough that the native buckets become too many.
fn observations() -> impl Strategy<Value = Vec<f64>> {
    let wide =
        (any::<bool>(), -140_i32..140, 1.0..2.0).prop_map(|(negative, exponent, fraction)| {
            let size: f64 = fraction * 2_f64.powi(exponent);
            if negative { -size } else { size }
        });
    let near = 0.001..10.0;
    let odd = prop_oneof![
        Just(0.0),
        Just(-0.0),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(f64::NAN),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        (-20..20).prop_map(|e| 2_f64.powi(e)),
    ];
    prop_oneof![
        vec(near.clone(), 0..60),
        vec(wide, 0..900),
        vec(prop_oneof![5 => near, 1 => odd], 0..60)
    ]
}

fn bounds() -> impl Strategy<Value = Vec<f64>> {
    vec(prop_oneof![0.001..10.0, -5.0..100.0, Just(1.0)], 0..12).prop_map(|mut bounds: Vec<f64>| {
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        bounds
    })
}

/// Both halves of the library's histogram with these observations: that with exemplars has no native
/// buckets.
fn theirs(bounds: &[f64], observed: &[f64]) -> (Registry, Registry) {
    let labels: Pairs = vec![("t".to_owned(), "x".to_owned()), ("w".to_owned(), "y".to_owned())];
    let own = bounds.to_vec();
    let new = move || HistogramWithExemplars::new(own.clone().into_iter());
    let exemplars = Family::<Pairs, HistogramWithExemplars<Pairs>, _>::new_with_constructor(new);
    let config = || NativeHistogramConfig::new(1.1).max_buckets(160);
    let native = Histogram::new_classic_and_native(bounds.iter().copied(), config());
    for (n, value) in observed.iter().enumerate() {
        let trace = vec![("trace_id".to_owned(), n.to_string())];
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(n as u64 * 250);
        exemplars.get_or_create(&labels).observe(*value, Some(trace), Some(at));
        native.observe(*value);
    }
    drop(exemplars.get_or_create(&labels));
    let natives = Family::<Pairs, Histogram, _>::new_with_constructor(move || native.clone());
    drop(natives.get_or_create(&labels));
    let registry = |metric: One| {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(metric));
        registry
    };
    (registry(One(Box::new(exemplars))), registry(One(Box::new(natives))))
}

/// A family whose help text gets no full stop.
#[derive(Debug)]
struct One(Box<dyn AnyMetric>);

trait AnyMetric: prometheus::encoding::EncodeMetric + fmt::Debug + Send + Sync {}
impl<T: prometheus::encoding::EncodeMetric + fmt::Debug + Send + Sync> AnyMetric for T {}

impl Collector for One {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        self.0.encode(encoder.encode_descriptor("h", "H", None, MetricType::Histogram)?)
    }
}

/// The messages of the library, with those fields of `native` that `classic` lacks.
fn joined(mut classic: MetricFamily, native: MetricFamily) -> MetricFamily {
    for (metric, native) in classic.metric.iter_mut().zip(native.metric) {
        let buckets = std::mem::take(&mut metric.histogram.as_mut().unwrap().bucket);
        metric.histogram = native.histogram;
        metric.histogram.as_mut().unwrap().bucket = buckets;
    }
    classic
}

/// Without what differs by when it was made.
fn without_creation(mut family: MetricFamily) -> Vec<u8> {
    for metric in &mut family.metric {
        let created = metric.histogram.as_mut().unwrap().start_timestamp.take();
        assert!(created.is_some_and(|at| at.seconds > 1_600_000_000));
    }
    family.encode_length_delimited_to_vec()
}

fn only(registry: &Registry) -> MetricFamily {
    encode(registry).unwrap().remove(0)
}

proptest! {
    #[test]
    fn samples_are_written_as_the_library_does(sample in sample()) {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(sample.clone()));
        let mut expect = String::new();
        text::encode(&mut expect, &registry).unwrap();
        let open = written(Format::OpenMetrics, |e| sample.write(e));
        prop_assert_eq!(String::from_utf8(open).unwrap(), expect);

        let expect: Vec<u8> =
            encode(&registry).unwrap().iter().flat_map(Message::encode_length_delimited_to_vec).collect();
        prop_assert_eq!(written(Format::Protobuf, |e| sample.write(e)), expect);
    }

    #[test]
    fn histograms_count_and_are_written_as_the_library_does(
        observed in observations(),
        bounds in bounds(),
    ) {
        let ours = histogram(HistogramForm::All, &std::sync::Arc::from(&*bounds));
        for (n, value) in observed.iter().enumerate() {
            #[allow(clippy::cast_precision_loss)] // hundreds
            ours.observe_traced(*value, &Trace::new(&n.to_string(), n as f64 / 4.0));
        }
        let write = |encoder: &mut Encoder<'_>| {
            let shared = labels(&[("t", "x")]);
            encoder.family(&family("h", "H", MetricType::Histogram)).unwrap();
            let labels = SeriesLabels::new(&shared, &["w"], &["y"], None);
            encoder.histogram(&labels, &ours).unwrap();
        };
        let (classic, native) = theirs(&bounds, &observed);

        let mut expect = String::new();
        text::encode(&mut expect, &classic).unwrap();
        // Infinity is the one thing that we write with a sign.
        let expect = expect.replace(" inf", " +Inf").replace(" -inf", " -Inf");
        let open = written(Format::OpenMetrics, write);
        prop_assert_eq!(String::from_utf8(open).unwrap(), expect);

        let bytes = written(Format::Protobuf, write);
        let family = families(&bytes).remove(0);
        prop_assert_eq!(family.encode_length_delimited_to_vec(), bytes);
        let expect = joined(only(&classic), only(&native));
        prop_assert_eq!(without_creation(family), without_creation(expect));
    }
}
