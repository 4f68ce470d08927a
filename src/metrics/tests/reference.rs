//! `docs/metrics.md`, written from the tables.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use expect_test::expect_file;
use prometheus::metrics::MetricType;

use super::super::families::{
    CHANGE, COMPARISON, DCGM, Family, GPU, GPU_DRIVER, GPU_INSTANCE, GPU_LABELS, INSTANCE_LABELS,
    ONE_PROBE, OUTAGE, PREFIX, PRIMARY, PROBER, PROBES, PROCESS, SECONDARY, SERVER, SERVER_LOAD,
    SLO, TARGET, TARGET_LABELS,
};
use super::parse::{Scrape, classic};
use super::{
    Format, Metrics, MetricsOptions, PROBE_ID, changes, full_measurement, full_view, judged, ms,
    outages,
};
use crate::answer::measure::{Measurement, Phase};
use crate::answer::timeline::ServerTiming;
use crate::config::Config;
use crate::metrics::HistogramForm;
use crate::testing;

/// What stands above the tables.
const INTRODUCTION: &str = include_str!("reference.md");

#[test]
fn the_reference_page_is_written_from_the_tables() {
    let mut page = INTRODUCTION
        .replace("{counts}\n", &counts())
        .replace("{labels}", &TARGET_LABELS.map(|label| format!("`{label}`")).join(", "));
    let of_target = "`target`, `model`, `workload` and your own labels";
    let whole = "`target`, `model`, an empty `workload` and your own labels";
    let secondary = "`target`, `model`, `workload` (empty with `--metrics.merge-workloads`) and \
                     your own labels";
    ours(&mut page, "Probes", of_target, PROBES);
    ours(&mut page, "Latency", of_target, PRIMARY);
    ours(&mut page, "Latency in detail", secondary, SECONDARY);
    ours(&mut page, "Service level objectives", of_target, SLO);
    ours(&mut page, "Targets", whole, TARGET);
    ours(&mut page, "Outages", whole, OUTAGE);
    ours(&mut page, "The inference server", whole, SERVER);
    ours(&mut page, "The load that each probe met", secondary, SERVER_LOAD);
    ours(&mut page, "Changes", of_target, CHANGE);
    ours(&mut page, "Comparisons", "`comparison`", COMPARISON);
    ours(&mut page, "The prober", "none", PROBER);
    ours(&mut page, "The GPU driver", "none", GPU_DRIVER);
    ours(&mut page, "GPUs", &names(&GPU_LABELS), GPU);
    ours(&mut page, "GPU instances", &names(&INSTANCE_LABELS), GPU_INSTANCE);
    section(&mut page, "One probe on demand", "none; on `/probe` only", "", ONE_PROBE);
    section(&mut page, "The process", "none", "", PROCESS);
    let dcgm = "those of dcgm-exporter; with `--gpu.compat=dcgm` only";
    section(&mut page, "Names of dcgm-exporter", dcgm, "", DCGM);
    expect_file!["../../../docs/metrics.md"].assert_eq(&page);
}

fn names(labels: &[&str]) -> String {
    labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ")
}

/// Families with our prefix.
fn ours<T>(page: &mut String, title: &str, shared: &str, table: &[Family<T>]) {
    section(page, title, shared, &format!("{PREFIX}_"), table);
}

fn section<T>(page: &mut String, title: &str, shared: &str, prefix: &str, table: &[Family<T>]) {
    writeln!(page, "\n## {title}\n\nLabels of all of them: {shared}.\n").unwrap();
    writeln!(page, "| metric | type | labels of its own | meaning |").unwrap();
    writeln!(page, "| --- | --- | --- | --- |").unwrap();
    for family in table {
        let own = names(family.labels);
        let (name, kind) = (family.name, kind(family.kind));
        let help = family.help.replace('|', "\\|");
        writeln!(page, "| `{prefix}{name}` | {kind} | {own} | {help} |").unwrap();
    }
}

fn kind(kind: MetricType) -> &'static str {
    match kind {
        MetricType::Counter => "counter",
        MetricType::Gauge => "gauge",
        MetricType::Histogram => "histogram",
        MetricType::Info => "info",
        MetricType::Unknown => panic!("a type without a word"),
    }
}

/// Series of one target, by option.
fn counts() -> String {
    let usual = MetricsOptions::default();
    let merged = MetricsOptions { split_secondary: false, ..usual };
    let native = MetricsOptions { histograms: HistogramForm::Native, ..usual };
    let both = MetricsOptions { split_secondary: false, ..native };
    let mut rows = "| flags | two workloads | each further workload | with `server_metrics` |\n\
                    | --- | --- | --- | --- |\n"
        .to_owned();
    let flags = [
        ("none", usual),
        ("`--metrics.merge-workloads`", merged),
        ("`--metrics.histograms=native`", native),
        ("both", both),
    ];
    for (flags, options) in flags {
        let two = series(2, "", options);
        let further = series(3, "", options) - two;
        let server = series(2, ", server_metrics: /metrics", options);
        writeln!(rows, "| {flags} | {two} | {further} | {server} |").unwrap();
    }
    rows
}

/// How many series Prometheus has of a target with so many workloads and the usual SLO, after a
/// success of each and with a reference of the past.
fn series(workloads: usize, more: &str, options: MetricsOptions) -> usize {
    let inline = (0..workloads).map(|i| format!("w{i}: {{prompts: {{inline: [Hello]}}}}"));
    let inline = inline.collect::<Vec<_>>().join(", ");
    let yaml = format!(
        "workloads: {{{inline}}}\ntargets: [{{name: prod, url: 'http://llm.test/v1', model: m{more}}}]"
    );
    let config = Config::parse(&yaml, Path::new("test.yml"), Path::new(".")).unwrap();
    let metrics = Metrics::new(options);
    metrics.load(&config);
    let (target, values) = (Arc::clone(&config.targets[0]), metrics.target("prod").unwrap());
    // No TLS and no times of the server's own: what an ordinary server has.
    let mut figures = Measurement { server_timing: ServerTiming::default(), ..full_measurement() };
    figures.phases.retain(|span| span.phase != Phase::Tls);
    let success = judged(&target, testing::outcome(figures));
    for workload in &target.workloads {
        values.record(&workload.name, &testing::recording(), &success, PROBE_ID);
        if !more.is_empty() {
            values.record_server(&workload.name, &full_view(), Some(ms(200)));
        }
    }
    metrics.set_watches(changes::of(&config));
    metrics.set_outages(vec![outages::failing()]);
    let text = metrics.encode(Format::ClassicText).unwrap();
    stored(&classic(std::str::from_utf8(&text).unwrap()), options.histograms)
}

/// Of a target: without the prober's own and the process's. A native histogram is one series.
fn stored(scrape: &Scrape, form: HistogramForm) -> usize {
    let mut by_name = BTreeMap::<&str, usize>::new();
    let targets = scrape.samples.keys().filter(|(_, labels)| labels.contains_key("target"));
    targets.for_each(|(name, _)| *by_name.entry(name).or_default() += 1);
    let is_part = |name: &str| {
        ["_bucket", "_sum"].iter().any(|end| {
            let family = name.strip_suffix(end);
            family.is_some_and(|f| scrape.types.get(f).is_some_and(|kind| kind == "histogram"))
        })
    };
    let parts = |name: &&str| form == HistogramForm::Native && is_part(name);
    by_name.iter().filter(|(name, _)| !parts(name)).map(|(_, n)| n).sum()
}
