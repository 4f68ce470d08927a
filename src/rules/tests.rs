use std::path::Path;
use std::time::Duration;

use super::document::RuleFile;
use super::duration::{Scale, promql};
use super::shipped::{OTHER_RULES, SLO_RULES, rule_file};
use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn config(slos: &str, defaults: &str) -> Config {
    let text = format!(
        "{{defaults: {{{defaults}}}, slos: {{{slos}}}, workloads: {{a: {{weight: 3, prompts: \
         {{inline: [x]}}}}, b: {{prompts: {{inline: [x]}}}}}}, targets: [{{name: t, url: \
         'http://localhost/v1', model: m}}]}}"
    );
    Config::parse(&text, Path::new("test.yml"), Path::new("")).unwrap()
}

#[test]
fn windows_follow_the_period() {
    let check = |period, text: &str, expect: &str| {
        assert_eq!(Scale::to(period).text(text), expect, "{period:?}");
    };
    let month = 30 * DAY;
    check(month, "x:y:increase1h[5m] offset 1d", "x:y:increase1h[5m] offset 1d");
    check(7 * DAY, "rate(x[5m])", "rate(x[2m])"); // 70 s are too short for most scrape intervals
    check(7 * DAY, "x:y:increase1h + rate(x[3d])", "x:y:increase14m + rate(x[16h48m])");
    check(7 * DAY, "x:y:ratio_rate30d[30d]", "x:y:ratio_rate7d[7d]");
    check(7 * DAY, "in the last 6h missed", "in the last 1h24m missed");
    check(7 * DAY, "x offset 1d", "x offset 1d");
    let rehearsal = Duration::from_secs(45 * 60);
    check(rehearsal, "x[1h] offset 1d", "x[3s750ms] offset 1m30s");
    check(rehearsal, "x[5m]", "x[2s]");
    check(month, "missed in the last hour", "missed in the last hour");
    check(7 * DAY, "missed in the last hour", "missed in the last 14m");
    check(month, "time() - (x) > 90", "time() - (x) > 90");
    check(7 * DAY, "time() - (x) > 90", "time() - (x) > 90");
    check(rehearsal, "time() - (x or\ny[10m]) > 90", "time() - (x or\ny[2s]) > 2");
    check(rehearsal, "up > 0.5 and time_5m", "up > 0.5 and time_5m");
}

#[test]
fn waits_and_intervals_shrink_in_a_rehearsal_only() {
    let check = |period, wait: &str, interval: &str| {
        let scale = Scale::to(period);
        assert_eq!((scale.wait("5m").as_str(), scale.interval("1m").as_str()), (wait, interval));
    };
    check(30 * DAY, "5m", "1m");
    check(7 * DAY, "5m", "1m");
    check(DAY, "5m", "1m");
    check(Duration::from_secs(45 * 60), "312ms", "250ms");
}

#[test]
fn durations_are_written_as_prometheus_reads_them() {
    let check = |ms: u64, expect: &str| {
        assert_eq!(promql(Duration::from_millis(ms)), expect);
    };
    check(0, "0s");
    check(70_000, "1m10s");
    check(3_750, "3s750ms");
    check(30 * 86_400_000, "30d");
}

/// For the usual period nothing but the selector differs from the shipped files.
#[test]
fn the_logic_is_that_of_the_shipped_rules() {
    let config = config("'o\"n': {objective: 0.99, ttft: 1s}", "");
    let shipped = RuleFile::parse(SLO_RULES).unwrap().groups;
    let shipped = shipped.iter().flat_map(|g| &g.rules);
    let written = rule_file(&config, &Links::default()).unwrap().groups;
    let mut written = written.iter().flat_map(|g| &g.rules);
    for rule in shipped {
        let found = written.next().unwrap();
        assert_eq!(found.expr, rule.expr.replace("slo!=\"\"", "slo=\"o\\\"n\""));
        assert_eq!((&found.record, &found.alert), (&rule.record, &rule.alert));
        assert_eq!(found.labels["slo"], "o\"n");
    }
    for text in OTHER_RULES {
        for rule in RuleFile::parse(text).unwrap().groups.iter().flat_map(|g| &g.rules) {
            assert_eq!(written.next(), Some(rule));
        }
    }
    assert_eq!(written.next(), None);
}

#[test]
fn each_slo_has_its_own_period() {
    let slos = "a: {objective: 0.99, ttft: 1s}, b: {objective: 0.95, window: 7d, ttft: 1s}";
    let text = FORMATS[0].write(&config(slos, "")).unwrap();
    for expected in ["{slo=\"a\"} * 0 + 30\n", "{slo=\"b\"} * 0 + 7\n", "slo_window: 7d"] {
        assert!(text.contains(expected), "{expected}");
    }
    assert!(!text.contains("slo!="));
}

#[test]
fn every_format_names_every_slo() {
    let slos = "first: {objective: 0.99, ttft: 1s}, second: {objective: 0.95, itl: 1s}";
    let config = config(slos, "");
    for format in &FORMATS {
        let text = format.write(&config).unwrap();
        for slo in ["first", "second"] {
            assert!(text.contains(slo), "{}: no {slo}", format.name);
        }
        let known = !matches!(format.name, "sloth" | "pyrra");
        assert_eq!(text.contains("LLMProberTargetDown"), known, "{}", format.name);
    }
}

/// Every alert, and nothing else of it.
#[test]
fn links_lead_where_they_are_told_to() {
    let config = config("a: {objective: 0.99, ttft: 1s}", "");
    let links = Links {
        runbook: Some("https://wiki.test/runbook".to_owned()),
        dashboard: Some("https://grafana.test/d/x?var-target={{ $labels.target }}".to_owned()),
    };
    let own = rule_file(&config, &Links::default()).unwrap();
    let mut linked = rule_file(&config, &links).unwrap();
    let pairs = own.groups.iter().zip(&mut linked.groups);
    let rules = pairs.flat_map(|(a, b)| a.rules.iter().zip(&mut b.rules));
    let mut alerts = 0;
    for (own, linked) in rules {
        let Some(alert) = &own.alert else {
            assert_eq!(own, linked);
            continue;
        };
        alerts += 1;
        let runbook = format!("https://wiki.test/runbook#{}", alert.to_lowercase());
        assert_eq!(linked.annotations["runbook_url"], runbook);
        assert_eq!(Some(&linked.annotations["dashboard_url"]), links.dashboard.as_ref());
        for link in ["runbook_url", "dashboard_url"] {
            let found = own.annotations[link].clone();
            assert!(found.contains("$externalLabels.llm_prober_url"), "{alert}: {found}");
            linked.annotations.insert(link.to_owned(), found);
        }
        assert_eq!(own, linked);
    }
    assert!(alerts > 30, "{alerts}");
}

#[test]
fn too_few_probes_are_told_with_how_many_are_enough() {
    let check = |slo: &str, interval: &str, expect: Option<&str>| {
        let config = config(&format!("s: {{{slo}, ttft: 1s}}"), &format!("interval: {interval}"));
        let target = &config.targets[0];
        let warning = too_few_probes(target, &target.slos[0]);
        let enough = warning.as_deref().and_then(|w| w.split("; one per ").nth(1));
        assert_eq!(enough.map(|w| w.trim_end_matches(" is enough")), expect, "{warning:?}");
    };
    check("objective: 0.99", "15s", None);
    check("objective: 0.99", "100s", None);
    check("objective: 0.99", "101s", Some("1m 40s")); // three probes in five minutes
    check("objective: 0.999", "10s", None);
    check("objective: 0.999", "15s", Some("10s")); // 5 bad ones of 14.4 × 0.1 % in an hour
    check("objective: 0.999, workloads: [b]", "10s", Some("2s")); // a quarter of the probes
    check("objective: 0.99, window: 7d", "45s", Some("24s"));
}
