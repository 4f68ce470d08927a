use std::collections::BTreeMap;

use super::super::{HistogramForm, Metrics, MetricsOptions};
use super::parse::{Labels, Scrape, classic, families, open_metrics, protobuf};
use super::{Format, PROBE_ID, full_measurement, full_metrics, full_metrics_with, loaded};
use crate::answer::measure::Measurement;
use crate::testing;

fn text(metrics: &Metrics, format: Format) -> String {
    String::from_utf8(metrics.encode(format).unwrap()).unwrap()
}

/// Without what changes from scrape to scrape.
fn stable(scrape: &Scrape) -> BTreeMap<(String, Labels), f64> {
    let moves = |n: &str| n.starts_with("process_") || n == "llm_prober_scrape_duration_seconds";
    let samples = scrape.samples.clone();
    samples.into_iter().filter(|((name, _), _)| !moves(name)).collect()
}

#[test]
fn all_formats_agree_on_every_value() {
    let metrics = full_metrics();
    let classic = classic(&text(&metrics, Format::ClassicText));
    let open = open_metrics(&text(&metrics, Format::OpenMetrics));
    let proto = protobuf(&metrics.encode(Format::Protobuf).unwrap());
    assert!(stable(&classic).len() > 300);
    assert_eq!(stable(&classic), stable(&open));
    assert_eq!(stable(&classic), stable(&proto));
    assert_eq!(classic.types, proto.types);
    assert_eq!(classic.help, proto.help);
}

#[test]
fn openmetrics_names_families_without_the_suffix() {
    let open = open_metrics(&text(&full_metrics(), Format::OpenMetrics));
    assert_eq!(open.types["llm_prober_probes"], "counter");
    assert_eq!(open.types["llm_prober_cost_dollars"], "counter");
    assert_eq!(open.types["llm_prober_build"], "info");
}

#[test]
fn exemplars_name_the_probe_that_fell_into_the_bucket() {
    let metrics = full_metrics();
    let open = open_metrics(&text(&metrics, Format::OpenMetrics));
    let proto = protobuf(&metrics.encode(Format::Protobuf).unwrap());
    assert_eq!(open.exemplars, proto.exemplars);
    let found: Vec<_> =
        open.exemplars.iter().map(|((n, l), id)| (&**n, &*l["le"], &**id)).collect();
    let expect = [
        ("llm_prober_inter_token_latency_seconds_bucket", "0.02", PROBE_ID),
        ("llm_prober_request_latency_seconds_bucket", "2.5", PROBE_ID),
        ("llm_prober_time_to_first_token_seconds_bucket", "0.3", PROBE_ID),
    ];
    assert_eq!(found, expect);
}

#[test]
fn protobuf_has_native_buckets_beside_the_classic_ones() {
    let all = MetricsOptions { histograms: HistogramForm::All, ..MetricsOptions::default() };
    let body = full_metrics_with(all).encode(Format::Protobuf).unwrap();
    for family in families(&body) {
        for histogram in family.metric.iter().filter_map(|m| m.histogram.as_ref()) {
            assert_eq!(histogram.schema, 3, "{}: factor 1.1", family.name);
            let classic = histogram.bucket.len();
            assert!(classic > 10, "{}: {classic}", family.name);
            // Deltas add up to bucket counts, those to the observations.
            let counts = histogram.positive_delta.iter().scan(0, |count, delta| {
                *count += delta;
                Some(*count)
            });
            let total = u64::try_from(counts.sum::<i64>()).unwrap() + histogram.zero_count;
            assert_eq!(total, histogram.sample_count, "{}", family.name);
        }
    }
}

#[test]
fn label_values_survive_whatever_they_hold() {
    let odd = "a\"b\\c\nd # {e=\"f\"} 1 \\n ü 模型 \u{2028} {}=,";
    let mut target = testing::target(odd);
    target.labels.insert("stack".to_owned(), odd.to_owned());
    target.model = Some(odd.to_owned());
    let metrics = loaded(&testing::config(vec![target]));
    let check = |scrape: &Scrape| {
        let labels = [("target", odd), ("model", odd), ("stack", odd), ("workload", "chat")];
        assert_eq!(scrape.value("llm_prober_probes_total", &labels), Some(0.0));
    };
    check(&classic(&text(&metrics, Format::ClassicText)));
    check(&open_metrics(&text(&metrics, Format::OpenMetrics)));
    check(&protobuf(&metrics.encode(Format::Protobuf).unwrap()));
}

/// Classic bounds without `+Inf`, of each family that has any: an SLO's threshold takes a place.
#[test]
fn the_lean_form_keeps_few_buckets_of_what_is_looked_at_first() {
    let metrics = full_metrics();
    let body = metrics.encode(Format::Protobuf).unwrap();
    let mut found = BTreeMap::new();
    for family in families(&body) {
        for histogram in family.metric.iter().filter_map(|m| m.histogram.as_ref()) {
            assert_eq!(histogram.schema, 3, "{}: native buckets as ever", family.name);
            let bounds: Vec<_> = histogram.bucket.iter().map(|b| b.upper_bound).collect();
            let finite = bounds.iter().filter(|b| b.is_finite()).count();
            assert_eq!(bounds.len(), finite + 1, "{}: +Inf is always there", family.name);
            if finite > 0 {
                found.insert(family.name.trim_start_matches("llm_prober_").to_owned(), finite);
            }
        }
    }
    let expect = [
        ("cold_time_to_first_token_seconds", 12),
        ("event_loop_lag_seconds", 21),
        ("inter_token_latency_seconds", 12),
        ("longest_gap_seconds", 8),
        ("request_latency_seconds", 8),
        ("schedule_delay_seconds", 21),
        ("slo_consumption_ratio", 5),
        ("time_to_first_token_seconds", 12),
    ];
    assert_eq!(found, expect.map(|(name, bounds)| (name.to_owned(), bounds)).into());
    let text = classic(&text(&metrics, Format::ClassicText));
    for (name, le) in [
        ("time_to_first_token_seconds", "0.3"),
        ("inter_token_latency_seconds", "0.05"),
        ("slo_consumption_ratio", "1.0"),
    ] {
        let bucket = text.value(&format!("llm_prober_{name}_bucket"), &[("le", le)]);
        assert!(bucket.is_some(), "{name}: the threshold {le} is a bound");
    }
}

/// Per form: buckets in text, buckets and schema in protobuf of the TTFT.
#[test]
fn a_setting_drops_classic_or_native_buckets() {
    let check = |histograms, classic_buckets: bool, native: bool| {
        let metrics = Metrics::new(MetricsOptions { histograms, ..MetricsOptions::default() });
        metrics.load(&testing::config(vec![testing::target("a")]));
        // On plain HTTP: no TLS phase.
        let seen = Measurement { phases: Vec::new(), ..full_measurement() };
        let (recording, outcome) = (testing::recording(), testing::outcome(seen));
        metrics.target("a").unwrap().record("chat", &recording, &outcome, PROBE_ID);
        let name = "llm_prober_time_to_first_token_seconds";
        let text = classic(&text(&metrics, Format::ClassicText));
        assert_eq!(text.value(&format!("{name}_count"), &[]), Some(1.0));
        let bounds = text.samples.keys().filter(|(n, _)| *n == format!("{name}_bucket")).count();
        assert_eq!(bounds > 1, classic_buckets, "{histograms:?}: {bounds}");
        let body = metrics.encode(Format::Protobuf).unwrap();
        let family = families(&body).into_iter().find(|f| f.name == name).unwrap();
        assert_eq!(family.metric.len(), 1);
        let histogram = family.metric[0].histogram.as_ref().unwrap();
        assert_eq!(!histogram.positive_span.is_empty(), native, "{histograms:?}");
        assert_eq!(histogram.sample_count, 1);
    };
    check(HistogramForm::Lean, true, true);
    check(HistogramForm::All, true, true);
    check(HistogramForm::Classic, true, false);
    check(HistogramForm::Native, false, true);
}
