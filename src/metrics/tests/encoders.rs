//! The encoders by themselves.

use prometheus::metrics::MetricType;

use super::super::encode::{Descriptor, Encoder, Labels, Number, Output, SeriesLabels};
use super::super::histogram::{Histogram, Trace, histogram};
use super::super::{Format, HistogramForm};

pub fn written(format: Format, write: impl FnOnce(&mut Encoder<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(format, Output::new(&mut bytes));
    write(&mut encoder);
    encoder.finish().unwrap();
    encoder.into_output().end().0.unwrap();
    bytes
}

pub fn descriptor(name: &str, kind: MetricType) -> Descriptor<'_> {
    Descriptor { prefix: "p", name, kind, help: "Some \"help\" \\ of it.", unit: None }
}

pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn traced() -> Histogram {
    let histogram = histogram(HistogramForm::All, &[0.5, 20.0][..]);
    histogram.observe_traced(0.25, &Trace::new("older", 1.0));
    histogram.observe_traced(0.5, &Trace::new("ab\"c", 17.25));
    histogram.observe_traced(1e9, &Trace::new("d", -1.0));
    histogram
}

fn each_kind(encoder: &mut Encoder<'_>) {
    let shared = labels(&[("a", "x\\y\"z\n"), ("b", "")]);
    let none = Labels::default();
    let own = |shared| SeriesLabels::new(shared, &["c"], &["d"], None);
    let plain = |shared| SeriesLabels::new(shared, &[], &[], None);
    encoder.family(&descriptor("a_total", MetricType::Counter)).unwrap();
    encoder.sample(&own(&shared), Number::Unsigned(2)).unwrap();
    encoder.sample(&own(&none), Number::Float(2.0)).unwrap();
    let gauge = descriptor("b_seconds", MetricType::Gauge);
    encoder.family(&Descriptor { unit: Some("seconds"), prefix: "", ..gauge }).unwrap();
    encoder.sample(&plain(&none), Number::Signed(-1)).unwrap();
    encoder.sample(&plain(&shared), Number::Float(f64::NEG_INFINITY)).unwrap();
    encoder.family(&descriptor("c_info", MetricType::Info)).unwrap();
    let mut info = own(&shared);
    for name in ["a", "c", "e", "e"] {
        info.push(name, "f");
    }
    encoder.sample(&info, Number::Unsigned(1)).unwrap();
    encoder.family(&descriptor("d", MetricType::Unknown)).unwrap();
    encoder.family(&descriptor("e", MetricType::Histogram)).unwrap();
    encoder.histogram(&plain(&none), &traced()).unwrap();
    let other = histogram(HistogramForm::Native, &[0.5][..]);
    encoder.histogram(&own(&none), &other).unwrap();
}

#[test]
fn each_kind_in_classic_text() {
    let text = String::from_utf8(written(Format::ClassicText, each_kind)).unwrap();
    let expect = r#"# HELP p_a_total Some "help" \\ of it.
# TYPE p_a_total counter
p_a_total{a="x\\y\"z\n",b="",c="d"} 2
p_a_total{c="d"} 2.0
# HELP b_seconds Some "help" \\ of it.
# TYPE b_seconds gauge
b_seconds -1
b_seconds{a="x\\y\"z\n",b=""} -Inf
# HELP p_c_info Some "help" \\ of it.
# TYPE p_c_info gauge
p_c_info{a="x\\y\"z\n",b="",c="d",e="f"} 1
# HELP p_d Some "help" \\ of it.
# TYPE p_d untyped
# HELP p_e Some "help" \\ of it.
# TYPE p_e histogram
p_e_sum 1000000000.75
p_e_count 3
p_e_bucket{le="0.5"} 2
p_e_bucket{le="20.0"} 2
p_e_bucket{le="+Inf"} 3
p_e_sum{c="d"} 0.0
p_e_count{c="d"} 0
p_e_bucket{le="+Inf",c="d"} 0
"#;
    assert_eq!(text, expect);
}

#[test]
fn each_kind_in_openmetrics() {
    let text = String::from_utf8(written(Format::OpenMetrics, each_kind)).unwrap();
    let expect = r#"# HELP p_a Some \"help\" \\ of it.
# TYPE p_a counter
p_a_total{a="x\\y\"z\n",b="",c="d"} 2
p_a_total{c="d"} 2.0
# HELP b_seconds Some \"help\" \\ of it.
# TYPE b_seconds gauge
# UNIT b_seconds seconds
b_seconds -1
b_seconds{a="x\\y\"z\n",b=""} -Inf
# HELP p_c Some \"help\" \\ of it.
# TYPE p_c info
p_c_info{a="x\\y\"z\n",b="",c="d",e="f"} 1
# HELP p_d Some \"help\" \\ of it.
# TYPE p_d unknown
# HELP p_e Some \"help\" \\ of it.
# TYPE p_e histogram
p_e_sum 1000000000.75
p_e_count 3
p_e_bucket{le="0.5"} 2 # {trace_id="ab\"c"} 0.5 17.25
p_e_bucket{le="20.0"} 2
p_e_bucket{le="+Inf"} 3 # {trace_id="d"} 1000000000.0
p_e_sum{c="d"} 0.0
p_e_count{c="d"} 0
p_e_bucket{le="+Inf",c="d"} 0
# EOF
"#;
    assert_eq!(text, expect);
}

/// Takes pieces and tells how large they are; fails after so many.
struct Pieces {
    sizes: Vec<usize>,
    most: usize,
}

impl std::io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.sizes.len() == self.most {
            return Err(std::io::Error::other("no more"));
        }
        self.sizes.push(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn many(encoder: &mut Encoder<'_>) -> std::fmt::Result {
    let shared = labels(&[("a", "b")]);
    encoder.family(&descriptor("g", MetricType::Gauge))?;
    for n in 0..100_000_u64 {
        encoder.sample(&SeriesLabels::new(&shared, &[], &[], None), n.into())?;
    }
    encoder.finish()
}

#[test]
fn bytes_come_in_pieces_and_end_with_the_sink() {
    for format in Format::ALL {
        let mut sink = Pieces { sizes: Vec::new(), most: usize::MAX };
        let mut encoder = Encoder::new(format, Output::new(&mut sink));
        many(&mut encoder).unwrap();
        drop(encoder);
        let (largest, count) = (sink.sizes.iter().max().unwrap(), sink.sizes.len());
        assert!(*largest <= 80_000 && count > 10, "{format:?}: {largest} of {count}");

        let mut sink = Pieces { sizes: Vec::new(), most: 3 };
        let mut encoder = Encoder::new(format, Output::new(&mut sink));
        assert!(many(&mut encoder).is_err());
        let error = encoder.into_output().end().0.unwrap_err();
        assert_eq!((error.to_string(), sink.sizes.len()), ("no more".to_owned(), 3));
    }
}
