//! Every metric and label in the dashboards is one that the daemon or a recording rule has.

use std::collections::{BTreeMap, BTreeSet};

use crate::expressions::{other_expressions, queries};
use crate::files::committed;
use crate::selectors::selectors;

/// What Prometheus itself knows.
const PROMETHEUS: [&str; 2] = ["up", "ALERTS"];

/// The metrics of the golden list, each with its labels; histograms also by their parts.
fn golden() -> BTreeMap<String, BTreeSet<String>> {
    let mut known = BTreeMap::new();
    for line in include_str!("../golden/metrics.txt").lines().filter(|l| !l.starts_with(' ')) {
        let [name, kind, labels] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let labels = labels.trim_matches(['{', '}']).split(',').map(str::to_owned);
        let labels: BTreeSet<String> = labels.collect();
        if kind == "histogram" {
            for part in ["bucket", "sum", "count"] {
                known.insert(format!("{name}_{part}"), labels.clone());
            }
        }
        known.insert(name.to_owned(), labels);
    }
    known
}

fn records() -> BTreeSet<String> {
    let rules = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/alerts")).unwrap();
    let record = regex::Regex::new(r"record: (\S+)").unwrap();
    let mut found = BTreeSet::new();
    for file in rules.map(|f| f.unwrap().path()) {
        let text = std::fs::read_to_string(file).unwrap();
        found.extend(record.captures_iter(&text).map(|c| c[1].to_owned()));
    }
    found
}

#[test]
fn every_metric_and_label_exists() {
    let (golden, records) = (golden(), records());
    for (file, dashboard) in committed() {
        let of_panels = queries(&dashboard).into_iter().map(|q| q.expression.to_owned());
        for expression in of_panels.chain(other_expressions(&dashboard)) {
            let found =
                selectors(&expression).unwrap_or_else(|e| panic!("{file}: {expression}: {e}"));
            for selector in found {
                let name = selector.name.as_str();
                if let Some(labels) = golden.get(name) {
                    for (label, ..) in &selector.matchers {
                        let label = label.as_str();
                        let known = ["job", "instance"].contains(&label) || labels.contains(label);
                        assert!(known, "{file}: {name} has no label {label}");
                    }
                } else {
                    let known = records.contains(name) || PROMETHEUS.contains(&name);
                    assert!(known, "{file}: no metric {name}");
                }
            }
        }
    }
}
