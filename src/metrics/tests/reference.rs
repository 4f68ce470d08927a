//! `docs/metrics.md`, written from the tables.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use expect_test::expect_file;
use prometheus::metrics::MetricType;

use super::super::families::{
    CHANGE, CHANGE_WORKLOAD, COMPARISON, DCGM, Family, GPU, GPU_DRIVER, GPU_INSTANCE, GPU_LABELS,
    INSTANCE_LABELS, ONE_PROBE, OUTAGE, PREFIX, PRIMARY, PROBER, PROBES, PROCESS, SCHEDULE_DELAY,
    SECONDARY, SERVER, SERVER_LOAD, SLO, SLO_CONSUMPTION, SWEEP, TARGET, TARGET_LABELS,
};
use super::parse::{Scrape, classic};
use super::{
    Format, Metrics, MetricsOptions, PROBE_ID, changes, full_measurement, full_view, judged, ms,
    outages,
};
use crate::answer::degenerate::Degenerate;
use crate::answer::measure::{Measurement, Phase};
use crate::answer::recording::{ConnectionPhases, Recording};
use crate::answer::timeline::ServerTiming;
use crate::config::Config;
use crate::metrics::HistogramForm;
use crate::server_metrics::TtftPart;
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
    let secondary = "`target`, `model`, an empty `workload` (that of each with another form than \
                     `lean` and without `--metrics.merge-workloads`) and your own labels";
    let prober = "none; in another form than `lean` those of the latency in detail";
    ours(&mut page, "Probes", of_target, PROBES);
    ours(&mut page, "Latency", of_target, PRIMARY);
    ours(&mut page, "Latency in detail", secondary, SECONDARY);
    ours(&mut page, "Lateness", prober, SCHEDULE_DELAY);
    ours(&mut page, "Service level objectives", of_target, SLO);
    ours(&mut page, "Objectives in detail", secondary, SLO_CONSUMPTION);
    ours(&mut page, "Targets", whole, TARGET);
    ours(&mut page, "Outages", whole, OUTAGE);
    ours(&mut page, "The inference server", whole, SERVER);
    ours(&mut page, "The load that each probe met", secondary, SERVER_LOAD);
    ours(&mut page, "Changes", of_target, CHANGE);
    ours(&mut page, "Changes, once per workload", of_target, CHANGE_WORKLOAD);
    ours(&mut page, "Comparisons", "`comparison`", COMPARISON);
    ours(&mut page, "Sweeps", whole, SWEEP);
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
    let lean = MetricsOptions::default();
    let of = |histograms| MetricsOptions { histograms, ..lean };
    let merged = |options| MetricsOptions { split_secondary: false, ..options };
    let (all, native) = (of(HistogramForm::All), of(HistogramForm::Native));
    let mut rows = "| `--metrics.histograms` | scraped as | one workload | each further workload \
                    | `server_metrics` adds |\n| --- | --- | --- | --- | --- |\n"
        .to_owned();
    let flags = [
        ("`lean`, the default", lean, Stored::Text),
        ("`lean`, the default", lean, Stored::Native),
        ("`all` or `classic`", all, Stored::Text),
        ("`all` or `classic`, with `--metrics.merge-workloads`", merged(all), Stored::Text),
        ("`all` or `native`", native, Stored::Native),
        ("`all` or `native`, with `--metrics.merge-workloads`", merged(native), Stored::Native),
    ];
    for (flags, options, stored) in flags {
        let one = series(1, "", options, stored);
        let further = series(2, "", options, stored) - one;
        let server = series(1, ", server_metrics: /metrics", options, stored) - one;
        let scraped = stored.name();
        writeln!(rows, "| {flags} | {scraped} | {one} | {further} | {server} |").unwrap();
    }
    rows
}

/// A scrape that nobody objects to.
#[test]
fn a_target_has_no_more_series_than_is_promised() {
    let count = |workloads| series(workloads, "", MetricsOptions::default(), Stored::Text);
    let (one, two) = (count(1), count(2));
    assert!(one <= 200, "{one} series of a target with one workload");
    assert!(two - one <= 105, "{} series of a further workload", two - one);
}

/// What `llm-prober check` says is what is there.
#[test]
fn the_series_are_known_before_anything_is_probed() {
    let lean = MetricsOptions::default();
    let all = MetricsOptions { histograms: HistogramForm::All, ..lean };
    for options in [lean, all, MetricsOptions { split_secondary: false, ..all }] {
        for workloads in [1, 3] {
            for more in ["", ", server_metrics: /metrics", ", stream: false"] {
                let config = config(workloads, more);
                let told = Metrics::series_of_targets(&config, options).unwrap();
                let found = series(workloads, more, options, Stored::Text);
                assert_eq!(told, found, "{options:?} {workloads}{more}");
            }
        }
    }
    // Each target counts, those of the same kind as well.
    let config = config(2, "");
    let two = Config { targets: vec![Arc::clone(&config.targets[0]); 2], ..config.clone() };
    let [one, two] = [&config, &two].map(|c| Metrics::series_of_targets(c, lean).unwrap());
    assert_eq!(two, 2 * one);
}

/// What Prometheus makes of a histogram.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// A series per bucket, and those of sum and count.
    Text,
    /// One series.
    Native,
}

impl Stored {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text, classic histograms",
            Self::Native => "protobuf, native histograms",
        }
    }
}

/// A target with so many workloads and an SLO of three objectives.
fn config(workloads: usize, more: &str) -> Config {
    let inline = (0..workloads).map(|i| format!("w{i}: {{prompts: {{inline: [Hello]}}}}"));
    let inline = inline.collect::<Vec<_>>().join(", ");
    let yaml = format!(
        "workloads: {{{inline}}}\n\
         slos: {{interactive: {{objective: 0.99, ttft: 1s, itl: 50ms, tokens_per_second: 10}}}}\n\
         targets: [{{name: prod, url: 'http://llm.test/v1', model: m{more}}}]"
    );
    Config::parse(&yaml, Path::new("test.yml"), Path::new(".")).unwrap()
}

/// How many series Prometheus has of it, after a success of each workload on a new and on a used
/// connection, and with a reference of the past.
fn series(workloads: usize, more: &str, options: MetricsOptions, stored: Stored) -> usize {
    let config = config(workloads, more);
    let metrics = Metrics::new(options);
    metrics.load(&config);
    let (target, values) = (Arc::clone(&config.targets[0]), metrics.target("prod").unwrap());
    // What an ordinary server has: no TLS, no times of its own, no reasoning, no second count.
    let mut figures = Measurement {
        server_timing: ServerTiming::default(),
        reasoning_tokens: None,
        token_disagreement: None,
        degenerate: Degenerate::No,
        ..full_measurement()
    };
    figures.phases.retain(|span| span.phase != Phase::Tls);
    let success = judged(&target, testing::outcome(figures));
    let fresh = testing::recording();
    let reused = ConnectionPhases { reused: true, ..ConnectionPhases::default() };
    let reused = Recording { connection: reused, ..testing::recording() };
    for workload in &target.workloads {
        for recording in [&fresh, &reused] {
            values.record(&workload.name, recording, &success, PROBE_ID);
        }
        if more.contains("server_metrics") {
            let mut view = full_view();
            // Those that come together.
            let known = [TtftPart::Queue, TtftPart::Prefill, TtftPart::Network];
            view.ttft_parts.retain(|(part, _)| known.contains(part));
            values.record_server(&workload.name, &view, Some(ms(200)));
        }
    }
    metrics.set_watches(changes::of(&config));
    metrics.set_outages(vec![outages::failing()]);
    let text = metrics.encode(Format::ClassicText).unwrap();
    count(&classic(std::str::from_utf8(&text).unwrap()), stored)
}

/// Of a target: without the prober's own and the process's. A native histogram is one series.
fn count(scrape: &Scrape, stored: Stored) -> usize {
    let mut by_name = BTreeMap::<&str, usize>::new();
    let targets = scrape.samples.keys().filter(|(_, labels)| labels.contains_key("target"));
    targets.for_each(|(name, _)| *by_name.entry(name).or_default() += 1);
    let is_part = |name: &str| {
        ["_bucket", "_sum"].iter().any(|end| {
            let family = name.strip_suffix(end);
            family.is_some_and(|f| scrape.types.get(f).is_some_and(|kind| kind == "histogram"))
        })
    };
    let parts = |name: &&str| stored == Stored::Native && is_part(name);
    by_name.iter().filter(|(name, _)| !parts(name)).map(|(_, n)| n).sum()
}
