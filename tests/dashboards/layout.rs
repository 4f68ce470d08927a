//! Grafana shows them as they are meant: unique identifiers, nothing overlaps or sticks out, links
//! lead to dashboards that exist.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::files::committed;

/// All panels and headlines, those in collapsed rows included.
pub fn panels(dashboard: &Value) -> Vec<&Value> {
    let list = dashboard["panels"].as_array().expect("panels");
    list.iter()
        .flat_map(|p| std::iter::once(p).chain(p["panels"].as_array().into_iter().flatten()))
        .collect()
}

#[test]
fn identifiers_are_unique() {
    let mut uids = BTreeSet::new();
    for (file, dashboard) in committed() {
        let uid = dashboard["uid"].as_str().unwrap();
        assert!(uid.len() <= 40, "{file}: Grafana allows 40 characters");
        assert_eq!(file, format!("{uid}.json"));
        assert!(uids.insert(uid.to_owned()), "{uid} twice");
        let mut ids = BTreeSet::new();
        let mut titles = BTreeSet::new();
        for panel in panels(&dashboard) {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{file}: {panel}");
            assert!(titles.insert(panel["title"].as_str().unwrap()), "{file}: {}", panel["title"]);
            let targets = panel["targets"].as_array().into_iter().flatten();
            let references: Vec<_> = targets.map(|t| t["refId"].as_str().unwrap()).collect();
            let unique: BTreeSet<_> = references.iter().collect();
            assert_eq!(unique.len(), references.len(), "{file}: {panel}");
        }
    }
}

#[test]
fn no_panel_overlaps_another_or_sticks_out() {
    for (file, dashboard) in committed() {
        let mut taken = BTreeSet::new();
        for panel in panels(&dashboard) {
            let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
            assert!(
                side("w") > 0 && side("h") > 0 && side("x") + side("w") <= 24,
                "{file}: {panel}"
            );
            for x in side("x")..side("x") + side("w") {
                for y in side("y")..side("y") + side("h") {
                    assert!(taken.insert((x, y)), "{file}: {} overlaps another", panel["title"]);
                }
            }
        }
    }
}

#[test]
fn links_lead_to_dashboards_that_exist() {
    let uids: BTreeSet<_> =
        committed().iter().map(|(_, d)| d["uid"].as_str().unwrap().to_owned()).collect();
    let link = regex::Regex::new("\"/d/([a-z-]+)\\?").unwrap();
    let mut led_to = BTreeSet::new();
    for (file, dashboard) in committed() {
        for found in link.captures_iter(&dashboard.to_string()) {
            assert!(uids.contains(&found[1]), "{file}: no {}", &found[1]);
            led_to.insert(found[1].to_owned());
        }
    }
    assert!(led_to.contains("llm-prober-target"), "{led_to:?}");
}
