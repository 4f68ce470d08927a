//! The files in `alerts/`: Prometheus accepts them, every alert has its tests and its section in the
//! runbook, and names follow the conventions.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test

use crate::alerts_needed::parts;
use crate::common;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use regex::Regex;
use serde_json::Value;

use common::promtool::{promtool, test_rules};
use llm_prober::regression::outage;
use llm_prober::rules::FORMATS;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The files of a folder with this ending, sorted.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.to_string_lossy().ends_with(ending));
    files.sort();
    assert!(!files.is_empty(), "{folder}");
    files
}

fn yaml(file: &Path) -> Value {
    serde_yaml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Every rule of the shipped files.
fn rules() -> Vec<Value> {
    let files = files("alerts", ".rules.yml");
    let groups = files.iter().flat_map(|f| list(&yaml(f)["groups"]).to_vec());
    groups.flat_map(|g| list(&g["rules"]).to_vec()).collect()
}

fn alerts() -> Vec<Value> {
    rules().into_iter().filter(|r| r["alert"].is_string()).collect()
}

/// Every group of the unit tests.
fn unit_tests() -> Vec<Value> {
    let files = files("tests/alerts", ".test.yml");
    files.iter().flat_map(|f| list(&yaml(f)["tests"]).to_vec()).collect()
}

#[test]
fn prometheus_accepts_the_rules() {
    promtool(&["check", "rules", "--lint=all", "--lint-fatal"], &files("alerts", ".rules.yml"));
}

/// Each part of a file by a promtool of its own, as many at a time as there are processors.
#[test]
fn every_alert_fires_nearly_fires_and_resolves() {
    let files = files("tests/alerts", ".test.yml");
    let waiting = Mutex::new(files.iter().flat_map(|f| parts(f)).collect::<Vec<_>>());
    let next = || waiting.lock().unwrap().pop();
    let work = || {
        let folder = tempfile::tempdir().unwrap();
        let [rules, tests] = ["part.rules.yml", "part.test.yml"].map(|f| folder.path().join(f));
        while let Some((needed, mut part)) = next() {
            // JSON is YAML.
            std::fs::write(&rules, needed.to_string()).unwrap();
            part["rule_files"] = serde_json::json!([rules]);
            std::fs::write(&tests, part.to_string()).unwrap();
            test_rules(&tests);
        }
    };
    std::thread::scope(|threads| {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let workers: Vec<_> = (0..processors).map(|_| threads.spawn(work)).collect();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

/// Whether a unit test of an alert expects it: in an alert test, or as a series.
fn expects_firing(test: &Value, alert: &str) -> bool {
    let fires = |t: &Value| text(&t["alertname"]) == alert && !list(&t["exp_alerts"]).is_empty();
    let series = format!("alertname=\"{alert}\", alertstate=\"firing\"");
    let counted =
        |t: &Value| text(&t["expr"]).contains(&series) && !list(&t["exp_samples"]).is_empty();
    list(&test["alert_rule_test"]).iter().any(fires)
        || list(&test["promql_expr_test"]).iter().any(counted)
}

fn expects_silence(test: &Value, alert: &str) -> bool {
    let quiet = |t: &Value| text(&t["alertname"]) == alert && list(&t["exp_alerts"]).is_empty();
    list(&test["alert_rule_test"]).iter().any(quiet)
}

#[test]
fn every_alert_has_a_test_of_each_kind() {
    let tests = unit_tests();
    for alert in alerts() {
        let alert = text(&alert["alert"]);
        let has = |kind: &str, check: &dyn Fn(&Value) -> bool| {
            let name = format!("{alert} {kind}");
            let mut named = tests.iter().filter(|t| text(&t["name"]).starts_with(&name)).peekable();
            assert!(named.peek().is_some(), "no test named `{name}`");
            assert!(named.all(check), "a test named `{name}` does not show it");
        };
        has("fires", &|t| expects_firing(t, alert));
        has("nearly fires", &|t| expects_silence(t, alert) && !expects_firing(t, alert));
        has("resolves", &|t| expects_firing(t, alert) && expects_silence(t, alert));
    }
}

#[test]
fn alerts_follow_the_conventions() {
    let name = Regex::new("^LLMProber([A-Z][a-z]+|TTFT|ITL|GPU|XID|ECC)+$").unwrap();
    let mut seen = BTreeSet::new();
    for rule in alerts() {
        let alert = text(&rule["alert"]);
        assert!(name.is_match(alert), "{alert}");
        assert!(seen.insert(alert.to_owned()), "{alert} is there twice");
        let severity = text(&rule["labels"]["severity"]);
        // `none`: held back others, and is not for people.
        assert!(["critical", "warning", "info", "none"].contains(&severity), "{alert}: {severity}");
        let notes = &rule["annotations"];
        let summary = text(&notes["summary"]);
        let expr = text(&rule["expr"]);
        let of_prober = ["Reload", "State", "Scrape", "GPU", "Late", "OutOf"];
        let of_prober = of_prober.map(|name| format!("LLMProber{name}"));
        if of_prober.iter().any(|prefix| alert.starts_with(prefix.as_str())) {
            assert!(summary.ends_with('.') && !summary.contains("{{"), "{alert}: {summary}");
        } else {
            let about = if alert.contains("Stalled") { "comparison" } else { "target" };
            assert!(
                summary.starts_with(&format!("{{{{ $labels.{about} }}}}: ")),
                "{alert}: {summary}"
            );
            assert!(!expr.contains("without (target"), "{alert}");
        }
        assert!(text(&notes["description"]).contains("{{ "), "{alert}: no template");
        let link = format!("/runbook#{}", alert.to_lowercase());
        assert!(text(&notes["runbook_url"]).ends_with(&link), "{alert}");
        for link in ["runbook_url", "dashboard_url"] {
            assert!(
                text(&notes[link]).contains("$externalLabels.llm_prober_url"),
                "{alert}: {link}"
            );
        }
    }
}

/// Else the rules would overwrite a user's label, and no join would match.
#[test]
fn no_label_of_a_target_is_one_that_the_rules_set() {
    // In label_replace, label_join and count_values; where it is a label that is read, no harm is done.
    let made = Regex::new(r#"[,(]\s*"([a-z_]+)", "?"#).unwrap();
    let mut set: BTreeSet<_> = ["alertname", "alertstate"].map(str::to_owned).into();
    for rule in rules() {
        set.extend(rule["labels"].as_object().into_iter().flat_map(|l| l.keys().cloned()));
        for found in made.captures_iter(text(&rule["expr"])) {
            set.insert(found[1].to_owned());
        }
    }
    for known in ["reference", "reference_day", "sloth_id", "sloth_objective", "severity"] {
        assert!(set.contains(known), "{known} of {set:?}");
    }
    set.insert("slo_window".to_owned()); // set where the rules are written for a configuration
    for name in set {
        let yaml = format!(
            "{{targets: [{{name: t, url: 'http://t/v1', model: m, labels: {{{name}: x}}}}]}}"
        );
        let refused = llm_prober::config::Config::parse(&yaml, Path::new("t.yml"), Path::new(""));
        let why = refused.map(|_| ()).unwrap_err().to_string();
        assert!(why.contains(&format!("the label `{name}` is already used")), "{name}: {why}");
    }
}

/// Each source is at least as severe as what it holds back (but for the echo of an outage), both are
/// about the same target, and what must always be heard is held back by nothing.
#[test]
fn inhibition_holds_back_what_is_explained_and_nothing_else() {
    let file = yaml(&Path::new(ROOT).join("alerts/alertmanager-inhibit.yml"));
    let severities = ["none", "info", "warning", "critical"];
    let severity = |alert: &Value| {
        severities.iter().position(|s| *s == text(&alert["labels"]["severity"])).unwrap()
    };
    let named = |matchers: &Value| {
        let matchers: Vec<_> = list(matchers).iter().map(text).collect();
        assert!(matchers.contains(&"target!=\"\""), "{matchers:?}");
        let name = matchers.iter().find_map(|m| m.strip_prefix("alertname")).unwrap();
        let pattern = name.trim_start_matches("=~").trim_start_matches('=').trim_matches('"');
        let pattern = Regex::new(&format!("^(?:{pattern})$")).unwrap();
        let found = alerts().into_iter().filter(|a| pattern.is_match(text(&a["alert"])));
        let found: Vec<_> = found.collect();
        assert!(found.len() > name.matches('|').count(), "an unknown name in {name}");
        found
    };
    let mut held_back = BTreeSet::new();
    for rule in list(&file["inhibit_rules"]) {
        let equal: Vec<_> = list(&rule["equal"]).iter().map(text).collect();
        assert!(equal.starts_with(&["cluster", "namespace", "job", "target"]), "{equal:?}");
        let sources = named(&rule["source_matchers"]);
        for target in named(&rule["target_matchers"]) {
            for source in &sources {
                let echo = source["alert"] == "LLMProberTargetRecentlyDown";
                assert!(echo || severity(source) >= severity(&target), "{source} {target}");
                assert_ne!(source["alert"], target["alert"]);
            }
            held_back.insert(text(&target["alert"]).to_owned());
        }
    }
    let always =
        Regex::new("ScrapeMissing|NotProbing|Late|ReloadFailed|Certificate|GPU|TargetDown");
    let always = always.unwrap();
    assert!(held_back.len() > 10 && !held_back.iter().any(|name| always.is_match(name)));
}

/// The alert and the prober mean the same by down.
#[test]
fn the_outage_is_the_one_that_the_prober_counts() {
    let alerts = alerts();
    let down = alerts.iter().find(|a| a["alert"] == "LLMProberTargetDown").unwrap();
    let expr: String = text(&down["expr"]).split_whitespace().collect::<Vec<_>>().join(" ");
    let (failures, seconds) = (outage::DOWN_FAILURES, outage::DOWN_MILLIS / 1000);
    assert!(expr.contains(&format!(") >= {failures} and time() - ( ")), "{expr}");
    assert!(expr.ends_with(&format!(" ) > {seconds}")), "{expr}");
}

#[test]
fn every_alert_has_its_section_in_the_runbook() {
    let runbook = std::fs::read_to_string(Path::new(ROOT).join("alerts/runbook.md")).unwrap();
    let sections: Vec<_> = runbook.split("\n## ").skip(1).collect();
    let named = |name: &str| sections.iter().find(|s| s.lines().next() == Some(name));
    for rule in alerts() {
        let alert = text(&rule["alert"]);
        let section = named(alert).unwrap_or_else(|| panic!("no section {alert}"));
        for part in ["Meaning", "Impact", "Diagnosis", "Mitigation"] {
            assert!(section.contains(&format!("\n**{part}.**")), "{alert}: no {part}");
        }
        assert!(section.contains("\n    "), "{alert}: no query");
    }
    let known: BTreeSet<_> = alerts().iter().map(|r| text(&r["alert"]).to_owned()).collect();
    for section in sections {
        let title = section.lines().next().unwrap();
        assert!(!title.starts_with("LLMProber") || known.contains(title), "no alert {title}");
    }
}

#[test]
fn records_are_named_by_level_metric_and_operation() {
    let name = Regex::new("^[a-z_]+:[a-z_]+:[a-z_]+[0-9]*[smhdw]?$").unwrap();
    for rule in rules() {
        let record = text(&rule["record"]);
        let sloth = record == "sloth_slo_info"; // sloth's dashboards look for this one
        assert!(record.is_empty() || sloth || name.is_match(record), "{record}");
    }
}

/// Exact for every configuration: whole counters, sums and counts of metrics that exist.
#[test]
fn expressions_read_no_bucket_and_only_metrics_that_exist() {
    let golden = std::fs::read_to_string(Path::new(ROOT).join("tests/golden/metrics.txt")).unwrap();
    let metrics: BTreeSet<_> = golden.lines().filter_map(|l| l.split(' ').next()).collect();
    let metric = Regex::new(r"(?:^|[^:a-z_])(llm_prober_[a-z_]+)").unwrap();
    for rule in rules() {
        let expr = text(&rule["expr"]);
        assert!(!expr.contains("_bucket") && !expr.contains("histogram_quantile"), "{expr}");
        for found in metric.captures_iter(expr) {
            let name = &found[1];
            let stem = name.strip_suffix("_sum").or(name.strip_suffix("_count"));
            assert!(metrics.contains(name) || stem.is_some_and(|s| metrics.contains(s)), "{name}");
        }
    }
}

/// Whatever the periods are, Prometheus accepts what is written for them.
#[test]
fn prometheus_accepts_the_rules_that_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let formats = ["prometheus", "operator", "pyrra"];
    let mut written = Vec::new();
    for (i, window) in ["45m", "1d", "7d", "30d", "90d"].into_iter().enumerate() {
        let config = common::config(&format!(
            "{{slos: {{a: {{objective: 0.99, window: {window}, ttft: 1s}}, 'b\"\\': {{objective: \
             0.999, itl: 1s}}}}, targets: [{{name: t, url: 'http://localhost/v1', model: m}}]}}"
        ));
        for name in formats {
            let format = FORMATS.iter().find(|f| f.name == name).unwrap();
            let text = format.write(&config).unwrap();
            let first = text.split("\n---\n").next().unwrap();
            let object: Value = serde_yaml::from_str(first).unwrap();
            let rules = if object["spec"].is_null() { &object } else { &object["spec"] };
            let file = folder.path().join(format!("{i}-{name}.yml"));
            // JSON is YAML.
            std::fs::write(&file, rules.to_string()).unwrap();
            written.push(file);
        }
    }
    promtool(&["check", "rules", "--lint=all", "--lint-fatal"], &written);
}
