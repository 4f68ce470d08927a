//! What the keys say of themselves holds.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::form::Key;
use super::*;
use crate::config::{Config, ConfigError};
use crate::text::units::parse_duration;

#[test]
fn keys_are_found_by_their_path() {
    let show = |path: &[&str]| find(path).map(|(_, show)| show);
    assert_eq!(show(&["seed"]), Some(Show::Shown));
    assert_eq!(show(&["targets", "url"]), Some(Show::Address));
    assert_eq!(show(&["targets", "server_metrics", "url"]), Some(Show::Address));
    assert_eq!(show(&["targets", "labels", "mine"]), Some(Show::Shown));
    assert_eq!(show(&["targets", "headers", "mine"]), Some(Show::Masked));
    assert_eq!(show(&["targets", "auth", "bearer_token_env"]), Some(Show::Place));
    assert_eq!(show(&["workloads", "mine", "expect", "in"]), Some(Show::Shown));
    assert_eq!(show(&["workloads", "mine", "prompts", "inline"]), Some(Show::Private));
    assert_eq!(show(&["defaults", "arrival", "gamma", "shape"]), Some(Show::Shown));
    for unknown in [
        &["weight"][..],
        &["targets", "weight"],
        &["targets", "name", "name"],
        &["targets", "extra_body", "user"],
        &["targets", "labels", "a", "b"],
    ] {
        assert_eq!(show(unknown), None, "{unknown:?}");
    }
    assert!(is_known("shape") && !is_known("shapes"));
}

/// Of a mapping it is the keys inside that speak; of a secret nothing is shown.
#[test]
fn every_key_is_shown_as_befits_its_form() {
    root().visit(&mut |section| {
        for key in &section.keys {
            let name = format!("{}.{}", section.name, key.name);
            assert!(!key.help.is_empty(), "{name}");
            assert!(key.default.is_none() || key.otherwise.is_none(), "{name}");
            assert!(!key.required || key.default.is_none(), "{name}");
            // Whoever puts a secret in the place of its variable's name must not see it shown.
            assert_eq!(key.name.ends_with("_env"), key.show == Show::Place, "{name}");
            match key.show {
                Show::Masked => assert!(matches!(key.form, Form::Named(_)), "{name}"),
                Show::Settings => assert!(matches!(key.form, Form::Object), "{name}"),
                Show::Inside => {
                    assert!(matches!(key.form.entries(), Form::Section(_) | Form::Named(_)));
                }
                _ => {}
            }
        }
    });
}

/// With every mapping that may be written, and in each what it needs and no more.
fn full() -> Value {
    let target = |name: &str| {
        json!({
            "name": name, "url": "https://h/v1", "model": "m", "extra_body": {"temperature": 0},
            "price": {"input_per_million": 1, "output_per_million": 1}, "tls": {},
            "budget": {"output_tokens_per_day": "1M"},
            "labels": {}, "version": {}, "headers": {}, "gpus": [0],
            "server_metrics": {"url": "/metrics", "labels": {}},
            "active_hours": [{}], "prefix_cache_check": {},
        })
    };
    json!({
        "defaults": {"active_hours": [{}], "prefix_cache_check": {}},
        "workloads": {
            "w": {
                "prompts": {"inline": ["hi"]}, "expect": {"contains": "x"},
                "conversation": {"turns": 2}, "cancel": {"after": "1s"},
            },
            // Is read to its end, as comparisons and sweeps want it.
            "x": {"prompts": {"inline": ["ho"]}},
        },
        "slos": {"s": {
            "objective": 0.99, "ttft": "1s", "deadline": {"ttft": "1s", "per_token": "1s"},
        }},
        "gpu": {},
        "budget": {},
        "targets": [target("a"), target("b")],
        "comparisons": [{"name": "c", "baseline": "a", "candidate": "b", "agreement": {}}],
        "sweeps": [{
            "name": "s", "target": "a", "workload": "x", "concurrency": [1], "requests_per_level": 10,
            "max_output_tokens": "1k", "max_duration": "1s",
        }],
        "change_detection": {"tolerance": {}},
    })
}

/// As [`full`], with what one key needs beside it.
fn full_for(key: &str) -> Value {
    let mut file = full();
    if ["sample", "speed"].contains(&key) {
        let requests = "tests/config/files/requests_chat.jsonl";
        file["workloads"]["w"] = json!({"prompts": {"requests": requests}});
    }
    let lengths = match key {
        "p50" | "p90" | "p99" => Some(json!({"p50": 100, "p90": 100, "p99": 100})),
        "mean" | "stddev" | "count" => Some(json!({"mean": 100})),
        _ => None,
    };
    if let Some(lengths) = lengths {
        file["workloads"]["w"]["prompts"] = json!({"synthetic": {"input_tokens": lengths}});
    }
    if key == "prefix_tokens" {
        file["workloads"]["w"]["prefix"] = json!({"tiles": 2});
    }
    if key == "speed" {
        file["comparisons"][0]["arrivals"] = json!("recorded");
        file["comparisons"][0]["workloads"] = json!(["w"]);
    }
    file
}

/// Every key below `form`, and the mapping that it belongs to as a JSON pointer into [`full`].
fn keys_below(form: &'static Form, at: &str, found: &mut Vec<(String, &'static Key)>) {
    match form {
        Form::List(entry) => keys_below(entry, &format!("{at}/0"), found),
        Form::Named(value) => {
            let name = if at == "/slos" { "s" } else { "w" };
            keys_below(value, &format!("{at}/{name}"), found);
        }
        Form::OneOf(forms) => forms.iter().for_each(|form| keys_below(form, at, found)),
        Form::Section(section) => {
            for key in &section.keys {
                found.push((at.to_owned(), key));
                keys_below(&key.form, &format!("{at}/{}", key.name), found);
            }
        }
        _ => {}
    }
}

fn keys_with_places() -> Vec<(String, &'static Key)> {
    let mut found = Vec::new();
    keys_below(root(), "", &mut found);
    found
}

fn with(mut file: Value, at: &str, key: &str, value: &Value) -> Value {
    let mapping = file.pointer_mut(at).and_then(Value::as_object_mut);
    mapping.unwrap_or_else(|| panic!("no {at} for {key}")).insert(key.to_owned(), value.clone());
    file
}

fn schema() -> &'static jsonschema::Validator {
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let schema: Value = serde_json::from_str(&json_schema()).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    })
}

/// What the program makes of a file; the schema refuses nothing that it takes.
fn parse(file: &Value) -> Result<Config, ConfigError> {
    let config = Config::parse(&file.to_string(), Path::new("f.yml"), Path::new(""));
    if config.is_ok() {
        let wrong: Vec<_> = schema().iter_errors(file).map(|e| format!("{e}: {file}")).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
    config
}

#[test]
fn a_default_that_is_written_out_changes_nothing() {
    let mut checked = 0;
    for (at, key) in keys_with_places() {
        let Some(default) = &key.default else { continue };
        if at.contains("/arrival/") {
            continue;
        }
        let without = full_for(key.name);
        let written = with(without.clone(), &at, key.name, default);
        let [without, written] = [without, written].map(|file| match parse(&file) {
            Ok(config) => config,
            Err(error) => panic!("{at} {}: {error}", key.name),
        });
        assert!(without == written, "{at} {}", key.name);
        checked += 1;
    }
    assert!(checked > 50, "{checked}");
}

/// Just inside a range no value is refused for being out of it, and just outside every one is.
#[test]
fn a_range_that_is_told_is_the_one_that_holds() {
    let mut checked = 0;
    for (at, key) in keys_with_places() {
        let Some(range) = &key.range else { continue };
        if at.ends_with("/arrival/recorded") {
            continue; // it needs requests with times
        }
        let at = at.replace("/arrival/gamma", "/arrival");
        let refused = |value: &Value| {
            let value = if key.name == "shape" { json!({"shape": value}) } else { value.clone() };
            let name = if key.name == "shape" { "gamma" } else { key.name };
            let mut file = full_for(key.name);
            if key.name == "shape" {
                let owner = at.trim_end_matches("/arrival");
                file = with(file, owner, "arrival", &json!({}));
            }
            let error = parse(&with(file, &at, name, &value)).err();
            error.is_some_and(|e| {
                ["out of range", "is so low"].iter().any(|w| e.to_string().contains(w))
            })
        };
        for (bound, inwards) in [(&range.least, 1), (&range.most, -1)] {
            let name = format!("{at} {} {bound:?}", key.name);
            match bound {
                std::ops::Bound::Included(value) => {
                    assert!(!refused(value), "{name}");
                    let Some(outside) = moved(value, -inwards) else { continue };
                    assert!(refused(&outside), "{name}: {outside}");
                }
                std::ops::Bound::Excluded(value) => {
                    // A share of which one more digit is told would be a riddle.
                    let outside =
                        if *value == json!(0.9306) { json!(0.9305) } else { value.clone() };
                    assert!(refused(&outside), "{name}");
                    if let Some(inside) = moved(value, inwards) {
                        assert!(!refused(&inside), "{name}: {inside}");
                    }
                }
                std::ops::Bound::Unbounded => continue,
            }
            checked += 1;
        }
    }
    assert!(checked > 80, "{checked}");
}

/// A little more or less, as it is written; `None` where that cannot be written.
fn moved(value: &Value, by: i32) -> Option<Value> {
    if let Some(whole) = value.as_u64() {
        return whole.checked_add_signed(by.into()).map(|n| json!(n));
    }
    if let Some(number) = value.as_f64() {
        return Some(json!(number + 1e-4 * f64::from(by)));
    }
    let text = value.as_str()?;
    if let Some(percent) = text.strip_suffix('%') {
        let moved = percent.parse::<f64>().ok()? + 0.1 * f64::from(by);
        return (moved >= 0.0).then(|| json!(format!("{moved}%")));
    }
    let count =
        text.strip_suffix('M').and_then(|millions| Some(millions.parse::<u64>().ok()? * 1_000_000));
    if let Some(count) = count.or_else(|| text.parse().ok()) {
        return count.checked_add_signed(by.into()).map(|n| json!(n.to_string()));
    }
    if let Ok(duration) = parse_duration(text) {
        let millis = i128::try_from(duration.as_millis()).ok()? + i128::from(by);
        return (millis >= 0).then(|| json!(format!("{millis}ms")));
    }
    if let Ok(bytes) = crate::config::parse_size(text) {
        return bytes.checked_add_signed(by.into()).map(|n| json!(format!("{n}B")));
    }
    panic!("{text} is of no known form")
}

/// A typing mistake shows in an editor, wherever it is.
#[test]
fn the_schema_refuses_an_unknown_key_in_every_mapping() {
    let file = full();
    assert!(parse(&file).is_ok());
    let mut checked = 0;
    let mut places: Vec<_> = keys_with_places().into_iter().map(|(at, _)| at).collect();
    places.dedup();
    for at in places {
        let mut wrong = file.clone();
        let Some(mapping) = wrong.pointer_mut(&at).and_then(Value::as_object_mut) else { continue };
        mapping.insert("typo".to_owned(), json!(1));
        assert!(!schema().is_valid(&wrong), "{at}");
        checked += 1;
    }
    assert!(checked >= 15, "{checked}");
}

/// Names of the user's choice stay the user's.
#[test]
fn the_schema_takes_any_name_where_one_is_chosen() {
    let mut file = full();
    file["targets"][0]["labels"] = json!({"mine": "x"});
    file["workloads"]["another name"] = file["workloads"]["w"].clone();
    let config = parse(&file).unwrap();
    assert_eq!(config.targets[0].workloads.len(), 3);
}

#[test]
fn a_name_stands_for_one_mapping() {
    let mut known: Map<String, Value> = Map::new();
    root().visit(&mut |section| {
        let keys = json!(section.keys.iter().map(|key| key.name).collect::<Vec<_>>());
        let before = known.insert(section.name.clone(), keys.clone());
        assert!(before.is_none_or(|before| before == keys), "{}", section.name);
    });
    assert!(known.len() > 15);
}
