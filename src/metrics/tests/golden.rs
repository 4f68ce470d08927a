use std::collections::BTreeSet;
use std::fmt::Write;

use expect_test::expect_file;

use super::super::families::{
    self, CHANGE, CHANGE_WORKLOAD, COMPARISON, DCGM, Family, GPU, GPU_DRIVER, GPU_INSTANCE,
    GPU_LABELS, INSTANCE_LABELS, OUTAGE, PRIMARY, PROBER, PROBES, PROCESS, SCHEDULE_DELAY,
    SECONDARY, SERVER, SERVER_LOAD, SLO, SLO_CONSUMPTION, SWEEP, TARGET, TARGET_LABELS,
};
use super::parse::{Scrape, classic};
use super::{Format, MetricsOptions, full_metrics, full_metrics_with};
use crate::metrics::HistogramForm;

fn full_scrape() -> Scrape {
    let text = full_metrics().encode(Format::ClassicText).unwrap();
    classic(std::str::from_utf8(&text).unwrap())
}

/// The labels that the samples really have, of a histogram without `le`.
fn labels<'s>(scrape: &'s Scrape, name: &str) -> BTreeSet<&'s str> {
    let counted = format!("{name}_count");
    let sample = if scrape.types[name] == "histogram" { &counted } else { name };
    scrape.label_names(sample)
}

/// A change of this file is a change of what users' dashboards and alerts are built on.
#[test]
fn every_name_type_help_and_label_is_the_contract() {
    expect_file!["../../../tests/golden/metrics.txt"].assert_eq(&contract(&full_scrape(), ""));
}

/// Whatever the form of the histograms, there are the same families.
#[test]
fn every_form_has_every_family() {
    let lean = full_scrape();
    for histograms in [HistogramForm::All, HistogramForm::Classic, HistogramForm::Native] {
        let options = MetricsOptions { histograms, ..MetricsOptions::default() };
        let text = full_metrics_with(options).encode(Format::ClassicText).unwrap();
        let scrape = classic(std::str::from_utf8(&text).unwrap());
        assert_eq!(scrape.types, lean.types, "{histograms:?}");
        for (name, kind) in &scrape.types {
            let of_prober = name == "llm_prober_schedule_delay_seconds";
            if !of_prober && (kind == "histogram" || kind == "counter") {
                assert_eq!(labels(&scrape, name), labels(&lean, name), "{histograms:?} {name}");
            }
        }
    }
}

/// What dashboards made for dcgm-exporter are built on.
#[test]
fn every_name_of_the_other_exporter_is_the_contract() {
    let metrics = full_metrics_with(MetricsOptions { dcgm: true, ..MetricsOptions::default() });
    let text = metrics.encode(Format::ClassicText).unwrap();
    let scrape = classic(std::str::from_utf8(&text).unwrap());
    expect_file!["../../../tests/golden/dcgm.txt"].assert_eq(&contract(&scrape, "DCGM_"));
    let names: BTreeSet<_> = DCGM.iter().map(|family| family.name).collect();
    let exposed = scrape.types.keys().map(String::as_str).filter(|name| name.starts_with("DCGM"));
    assert_eq!(names, exposed.collect());
}

fn contract(scrape: &Scrape, prefix: &str) -> String {
    let mut contract = String::new();
    for (name, kind) in scrape.types.iter().filter(|(name, _)| name.starts_with(prefix)) {
        let labels: Vec<_> = labels(scrape, name).into_iter().collect();
        writeln!(contract, "{name} {kind} {{{}}}", labels.join(",")).unwrap();
        writeln!(contract, "  {}", scrape.help[name]).unwrap();
    }
    contract
}

/// The tables say what is exposed: same names, same labels, and each family has a sample.
#[test]
fn tables_and_exposition_agree() {
    let scrape = full_scrape();
    let mut announced = BTreeSet::new();
    let mut check = |prefix: &str, own: &[(&str, &[&str])], shared: &[&str], facts: &[&str]| {
        for (name, own) in own {
            let name = format!("{prefix}{name}");
            let mut expect: BTreeSet<_> = own.iter().chain(shared).copied().collect();
            if name.ends_with("target_info") {
                expect.extend(facts);
            }
            assert_eq!(labels(&scrape, &name), expect, "{name}");
            assert!(announced.insert(name));
        }
    };
    let shared: Vec<_> = TARGET_LABELS.into_iter().chain(["stack"]).collect();
    let prefix = format!("{}_", families::PREFIX);
    check(&prefix, &rows(PROBES), &shared, &[]);
    check(&prefix, &rows(PRIMARY), &shared, &[]);
    check(&prefix, &rows(SCHEDULE_DELAY), &[], &[]);
    check(&prefix, &rows(SECONDARY), &shared, &[]);
    check(&prefix, &rows(SLO), &shared, &[]);
    check(&prefix, &rows(SLO_CONSUMPTION), &shared, &[]);
    check(&prefix, &rows(TARGET), &shared, &["hardware"]);
    check(&prefix, &rows(OUTAGE), &shared, &[]);
    check(&prefix, &rows(SERVER), &shared, &[]);
    check(&prefix, &rows(SERVER_LOAD), &shared, &[]);
    check(&prefix, &rows(COMPARISON), &["comparison"], &[]);
    check(&prefix, &rows(SWEEP), &shared, &[]);
    check(&prefix, &rows(CHANGE), &shared, &[]);
    check(&prefix, &rows(CHANGE_WORKLOAD), &shared, &[]);
    check(&prefix, &rows(PROBER), &[], &[]);
    check(&prefix, &rows(GPU_DRIVER), &[], &[]);
    check(&prefix, &rows(GPU), &GPU_LABELS, &[]);
    check(&prefix, &rows(GPU_INSTANCE), &INSTANCE_LABELS, &[]);
    check("", &rows(PROCESS), &[], &[]);
    assert_eq!(announced, scrape.types.keys().cloned().collect());
}

fn rows<T>(table: &'static [Family<T>]) -> Vec<(&'static str, &'static [&'static str])> {
    table.iter().map(|f| (f.name, f.labels)).collect()
}

#[test]
fn no_credentials_in_target_info() {
    let scrape = full_scrape();
    let url = [("url", "https://llm.test/v1")];
    assert_eq!(scrape.value("llm_prober_target_info", &url), Some(1.0));
}
