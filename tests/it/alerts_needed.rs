//! A unit test of alerts together with those rules alone that it can depend on. Of the shipped rules most
//! have nothing to do with a single test, and take most of the time. The tests of a file that have most
//! series have all rules that find any.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;
use serde_json::{Value, json};

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Every word of an expression: names of series among them.
fn words(expr: &str) -> BTreeSet<String> {
    let word = Regex::new("[a-zA-Z_:][a-zA-Z0-9_:]*").unwrap();
    word.find_iter(expr).map(|found| found.as_str().to_owned()).collect()
}

/// The alerts that an expression names.
fn alerts_of(expr: &str) -> Vec<String> {
    let name = Regex::new("alertname=\"([A-Za-z]+)\"").unwrap();
    name.captures_iter(expr).map(|found| found[1].to_owned()).collect()
}

/// What a rule makes: the series, or the alert.
fn made(rule: &Value) -> &str {
    text(if rule["alert"].is_string() { &rule["alert"] } else { &rule["record"] })
}

/// What these rules make of the series of a test. A rule over nothing makes nothing.
fn fed(test: &Value, rules: &[&Value]) -> BTreeSet<String> {
    let series = list(&test["input_series"]).iter().map(|s| text(&s["series"]));
    let mut there: BTreeSet<String> =
        series.filter_map(|s| s.split('{').next()).map(|s| s.trim().to_owned()).collect();
    let of_nothing = ["absent", "absent_over_time", "vector", "ALERTS"].map(str::to_owned);
    there.extend(of_nothing);
    loop {
        let before = there.len();
        for rule in rules {
            if !words(text(&rule["expr"])).is_disjoint(&there) {
                there.insert(made(rule).to_owned());
            }
        }
        if there.len() == before {
            return there;
        }
    }
}

/// What a test looks at, and what that is made of.
fn looked_at(test: &Value, rules: &[&Value]) -> BTreeSet<String> {
    let named = list(&test["alert_rule_test"]).iter().map(|t| text(&t["alertname"]).to_owned());
    let mut wanted: BTreeSet<String> = named.collect();
    for query in list(&test["promql_expr_test"]) {
        let (expr, alerts) = (text(&query["expr"]), alerts_of(text(&query["expr"])));
        if alerts.is_empty() {
            // Of all alerts, or of anything else.
            return rules.iter().map(|rule| made(rule).to_owned()).collect();
        }
        wanted.extend(words(expr));
        wanted.extend(alerts);
    }
    loop {
        let before = wanted.len();
        for rule in rules.iter().filter(|rule| wanted.contains(made(rule))).collect::<Vec<_>>() {
            wanted.extend(words(text(&rule["expr"])));
            wanted.extend(alerts_of(text(&rule["expr"])));
        }
        if wanted.len() == before {
            return wanted;
        }
    }
}

/// A file of unit tests as several, each with the rules that its tests need.
pub fn parts(file: &Path) -> Vec<(Value, Value)> {
    let read = |file: &Path| -> Value {
        serde_yaml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    };
    let whole = read(file);
    let folder = file.parent().unwrap();
    let shipped = list(&whole["rule_files"]).iter().map(|f| read(&folder.join(text(f))));
    let groups: Vec<Value> = shipped.flat_map(|f| list(&f["groups"]).to_vec()).collect();
    let rules: Vec<&Value> = groups.iter().flat_map(|g| list(&g["rules"])).collect();
    let mut parts: Vec<(BTreeSet<String>, Vec<Value>)> = Vec::new();
    let series = |test: &Value| list(&test["input_series"]).len();
    let most = list(&whole["tests"]).iter().map(series).max();
    for test in list(&whole["tests"]) {
        let fed = fed(test, &rules);
        // Rules that nothing looks at must be possible to evaluate all the same.
        let looked_at =
            if most == Some(series(test)) { fed.clone() } else { looked_at(test, &rules) };
        let needed: BTreeSet<String> = rules
            .iter()
            .map(|rule| made(rule))
            .filter(|name| fed.contains(*name) && looked_at.contains(*name))
            .map(str::to_owned)
            .collect();
        match parts.iter_mut().find(|(known, _)| *known == needed) {
            Some((_, tests)) => tests.push(test.clone()),
            None => parts.push((needed, vec![test.clone()])),
        }
    }
    let part = |(needed, tests): (BTreeSet<String>, Vec<Value>)| {
        let kept = groups.iter().map(|group| {
            let mut group = group.clone();
            group["rules"].as_array_mut().unwrap().retain(|rule| needed.contains(made(rule)));
            group
        });
        let kept: Vec<Value> = kept.filter(|group| !list(&group["rules"]).is_empty()).collect();
        let names: BTreeSet<&str> = kept.iter().map(|group| text(&group["name"])).collect();
        let mut part = whole.clone();
        if let Some(order) = part["group_eval_order"].as_array_mut() {
            order.retain(|name| names.contains(text(name)));
        }
        part["tests"] = tests.into();
        (json!({"groups": kept}), part)
    };
    parts.into_iter().map(part).collect()
}
