//! Small strict readers of the three formats, all into the same form.

use std::collections::{BTreeMap, BTreeSet};

use prometheus::encoding::prometheus_protobuf::prometheus_data_model::{
    Histogram, LabelPair, Metric, MetricFamily, MetricType,
};
use prost::Message;

pub type Labels = BTreeMap<String, String>;

/// A scrape: sample name and labels → value, and what is said about families.
#[derive(Debug, Default, PartialEq)]
pub struct Scrape {
    pub samples: BTreeMap<(String, Labels), f64>,
    /// Family name → type.
    pub types: BTreeMap<String, String>,
    /// Family name → help.
    pub help: BTreeMap<String, String>,
    /// Sample name and labels → trace id.
    pub exemplars: BTreeMap<(String, Labels), String>,
}

impl Scrape {
    /// The sum of all samples of this name whose labels include these.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let fits = |have: &Labels| labels.iter().all(|(k, v)| have.get(*k).is_some_and(|h| h == v));
        let found = self.samples.iter().filter(|((n, l), _)| n == name && fits(l));
        found.map(|(_, value)| *value).reduce(|a, b| a + b)
    }

    /// The label names of a sample name.
    pub fn label_names(&self, name: &str) -> BTreeSet<&str> {
        let of = self.samples.keys().filter(|(n, _)| n == name);
        of.flat_map(|(_, labels)| labels.keys().map(String::as_str)).collect()
    }

    fn put(&mut self, name: &str, labels: Labels, value: f64) {
        let known = self.samples.insert((name.to_owned(), labels), value);
        assert_eq!(known, None, "{name} occurs twice with the same labels");
    }
}

/// OpenMetrics text; insists on its end marker.
pub fn open_metrics(text: &str) -> Scrape {
    let body = text.strip_suffix("# EOF\n").expect("an end marker");
    text_lines(body, true)
}

/// Classic text; refuses what it does not have.
pub fn classic(text: &str) -> Scrape {
    assert!(!text.contains("# EOF") && !text.contains("# UNIT"));
    text_lines(text, false)
}

fn text_lines(text: &str, exemplars: bool) -> Scrape {
    let mut scrape = Scrape::default();
    // Not `lines()`: that would also accept CRLF.
    for line in text.split_terminator('\n') {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect("a help text");
            scrape.help.insert(name.to_owned(), help.to_owned());
        } else if let Some(of) = line.strip_prefix("# TYPE ") {
            let (name, kind) = of.split_once(' ').expect("a type");
            assert_eq!(scrape.types.insert(name.to_owned(), kind.to_owned()), None, "{line}");
        } else if !line.starts_with("# UNIT ") {
            sample(line, exemplars, &mut scrape);
        }
    }
    scrape
}

fn sample(line: &str, exemplars: bool, scrape: &mut Scrape) {
    let end = line.find(['{', ' ']).expect("a value");
    let (name, rest) = line.split_at(end);
    let (labels, rest) = label_set(rest);
    let rest = rest.strip_prefix(' ').expect("a space");
    if let Some((value, exemplar)) = rest.split_once(" # ") {
        assert!(exemplars, "exemplar in {line}");
        let (found, rest) = label_set(exemplar);
        assert_eq!(rest.split_whitespace().count(), 2, "value and timestamp in {line}");
        let key = (name.to_owned(), labels.clone());
        scrape.exemplars.insert(key, found["trace_id"].clone());
        scrape.put(name, labels, value.parse().expect("a number"));
    } else {
        scrape.put(name, labels, rest.parse().expect("a number"));
    }
}

/// `{a="b",…}` and what follows it.
fn label_set(text: &str) -> (Labels, &str) {
    let mut labels = Labels::new();
    let Some(mut rest) = text.strip_prefix('{') else { return (labels, text) };
    if let Some(rest) = rest.strip_prefix('}') {
        return (labels, rest);
    }
    loop {
        let (name, after) = rest.split_once("=\"").expect("a label");
        let (value, after) = label_value(after);
        let value = if name == "le" { bound(value.parse().expect("a bound")) } else { value };
        assert_eq!(labels.insert(name.to_owned(), value), None, "{name} twice in {text}");
        match after.split_at(1) {
            ("}", after) => return (labels, after),
            (",", after) => rest = after,
            other => panic!("{other:?} after a label in {text}"),
        }
    }
}

fn label_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '"' => return (value, &text[index + 1..]),
            '\\' => match chars.next().expect("an escaped character").1 {
                'n' => value.push('\n'),
                escaped @ ('\\' | '"') => value.push(escaped),
                other => panic!("\\{other} in {text}"),
            },
            c => value.push(c),
        }
    }
    panic!("no closing quote in {text}")
}

fn bound(value: f64) -> String {
    if value.is_infinite() { "+Inf".to_owned() } else { format!("{value:?}") }
}

/// The messages of a delimited protobuf body.
pub fn families(mut bytes: &[u8]) -> Vec<MetricFamily> {
    let mut families = Vec::new();
    while !bytes.is_empty() {
        families.push(MetricFamily::decode_length_delimited(&mut bytes).expect("a family"));
    }
    families
}

/// Delimited protobuf, with classic buckets as the text formats have them.
pub fn protobuf(bytes: &[u8]) -> Scrape {
    let mut scrape = Scrape::default();
    for family in families(bytes) {
        let kind = match family.r#type() {
            MetricType::Counter => "counter",
            MetricType::Gauge => "gauge",
            MetricType::Histogram => "histogram",
            other => panic!("{other:?} {}", family.name),
        };
        scrape.types.insert(family.name.clone(), kind.to_owned());
        scrape.help.insert(family.name.clone(), family.help.clone());
        for metric in &family.metric {
            message(&family.name, metric, &mut scrape);
        }
    }
    scrape
}

fn message(name: &str, metric: &Metric, scrape: &mut Scrape) {
    let labels = pairs(&metric.label);
    if let Some(counter) = &metric.counter {
        scrape.put(name, labels, counter.value);
    } else if let Some(gauge) = &metric.gauge {
        scrape.put(name, labels, gauge.value);
    } else {
        buckets(name, &labels, metric.histogram.as_ref().expect("a value"), scrape);
    }
}

#[allow(clippy::cast_precision_loss)] // counts of a test
fn buckets(name: &str, labels: &Labels, histogram: &Histogram, scrape: &mut Scrape) {
    scrape.put(&format!("{name}_sum"), labels.clone(), histogram.sample_sum);
    scrape.put(&format!("{name}_count"), labels.clone(), histogram.sample_count as f64);
    for bucket in &histogram.bucket {
        let mut labels = labels.clone();
        labels.insert("le".to_owned(), bound(bucket.upper_bound));
        let name = format!("{name}_bucket");
        if let Some(exemplar) = &bucket.exemplar {
            assert!(exemplar.timestamp.is_some(), "native histograms need the timestamp");
            let trace = pairs(&exemplar.label)["trace_id"].clone();
            scrape.exemplars.insert((name.clone(), labels.clone()), trace);
        }
        scrape.put(&name, labels, bucket.cumulative_count as f64);
    }
}

fn pairs(pairs: &[LabelPair]) -> Labels {
    let labels: Labels = pairs.iter().map(|p| (p.name.clone(), p.value.clone())).collect();
    assert_eq!(labels.len(), pairs.len(), "a label occurs twice");
    labels
}
