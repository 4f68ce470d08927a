use std::collections::BTreeSet;
use std::fmt::Write;

use expect_test::expect_file;

use super::super::families::{
    self, CHANGE, COMPARISON, Family, PRIMARY, PROBER, PROBES, PROCESS, SECONDARY, SLO, TARGET,
    TARGET_LABELS,
};
use super::parse::{Scrape, classic};
use super::{Format, full_metrics};

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
    let scrape = full_scrape();
    let mut contract = String::new();
    for (name, kind) in &scrape.types {
        let labels: Vec<_> = labels(&scrape, name).into_iter().collect();
        writeln!(contract, "{name} {kind} {{{}}}", labels.join(",")).unwrap();
        writeln!(contract, "  {}", scrape.help[name]).unwrap();
    }
    expect_file!["../../../tests/golden/metrics.txt"].assert_eq(&contract);
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
    check(&prefix, &rows(SECONDARY), &shared, &[]);
    check(&prefix, &rows(SLO), &shared, &[]);
    check(&prefix, &rows(TARGET), &shared, &["hardware"]);
    check(&prefix, &rows(COMPARISON), &["comparison"], &[]);
    check(&prefix, &rows(CHANGE), &shared, &[]);
    check(&prefix, &rows(PROBER), &[], &[]);
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
