//! From the rules for every configuration to those for this one.

use super::document::{Group, Rule, RuleFile};
use super::duration::{self, Scale, is_rehearsal};
use crate::answer::slo::Slo;
use crate::config::Config;

/// How the files select the series of all SLOs.
const EVERY_SLO: &str = r#"slo!="""#;

/// The groups for one SLO.
pub(super) fn for_slo(file: &RuleFile, slo: &Slo) -> Vec<Group> {
    let scale = Scale::to(slo.window);
    let mut groups: Vec<_> = file.groups.iter().map(|g| scaled(g, scale)).collect();
    for group in &mut groups {
        group.name = format!("{}-{}", group.name, slo.name);
        for rule in &mut group.rules {
            one_slo(rule, slo);
        }
        // Of short periods several windows are the shortest one.
        let all = std::mem::take(&mut group.rules);
        for rule in all {
            if !group.rules.contains(&rule) {
                group.rules.push(rule);
            }
        }
    }
    groups
}

fn one_slo(rule: &mut Rule, slo: &Slo) {
    rule.expr = rule.expr.replace(EVERY_SLO, &format!("slo={}", quoted(&slo.name)));
    if rule.record.as_deref() == Some("slo:time_period:days") {
        rule.expr = rule.expr.replace("+ 30", &format!("+ {}", duration::days(slo.window)));
    }
    // The series have this label already; here it tells the rules of two SLOs apart.
    rule.labels.insert("slo".to_owned(), slo.name.clone());
    if rule.alert.is_some() {
        rule.labels.insert("slo_window".to_owned(), duration::promql(slo.window));
    }
}

/// The groups that are about no SLO: as they are, except in a rehearsal.
pub(super) fn for_all(file: &RuleFile, config: &Config) -> Vec<Group> {
    let windows = config.targets.iter().flat_map(|t| t.slos.iter().map(|slo| slo.window));
    let shortest = windows.min().filter(|window| is_rehearsal(*window));
    let scale = shortest.map_or(Scale::ONE, Scale::to);
    file.groups.iter().map(|g| scaled(g, scale)).collect()
}

fn scaled(group: &Group, scale: Scale) -> Group {
    let mut group = group.clone();
    group.interval = scale.interval(&group.interval);
    for rule in &mut group.rules {
        rule.expr = scale.text(&rule.expr);
        rule.record = rule.record.as_deref().map(|name| scale.text(name));
        rule.wait = rule.wait.as_deref().map(|wait| scale.wait(wait));
        for value in rule.labels.values_mut() {
            *value = scale.label(value);
        }
        for text in rule.annotations.values_mut() {
            *text = scale.text(text);
        }
    }
    group
}

/// A string literal of `PromQL`.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
