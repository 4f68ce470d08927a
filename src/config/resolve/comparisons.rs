//! The section `comparisons`.

use std::collections::HashSet;
use std::ops::RangeBounds;
use std::sync::Arc;

use serde_yaml::Spanned;

use super::catalog::unknown;
use super::context::limit;
use super::{rounds, timing};
use crate::config::error::Report;
use crate::config::keys::range_in_words;
use crate::config::labels::check_value;
use crate::config::percent::HumanPercent;
use crate::config::raw::{
    self, DEFAULT_FAILURE_MARGIN, DEFAULT_LENGTH_RATIO, DEFAULT_SLO_MARGIN, LENGTH_RATIOS,
    PAIR_MARGINS, PAIR_TOLERANCES, PERIODS,
};
use crate::regression::comparison::{AnswerRules, Comparison, Order};
use crate::regression::detect::{DEFAULT_PERIOD, Tolerance};
use crate::target::Target;
use crate::workload::Workload;

const MAX_COMPARISONS: usize = 1_000;

/// The comparisons of these targets.
pub(super) fn resolve(
    section: Option<&Spanned<Vec<raw::Comparison>>>,
    targets: &[Arc<Target>],
    report: &mut Report<'_>,
) -> Option<Vec<Arc<Comparison>>> {
    let Some(section) = section else { return Some(Vec::new()) };
    limit(section.value.len(), MAX_COMPARISONS, "comparisons", section.referenced, report)?;
    let mut names = HashSet::new();
    let mut comparisons = Vec::new();
    for raw in &section.value {
        if !names.insert(raw.name.value.as_str()) {
            let name = &raw.name.value;
            let why = format!("two comparisons are named `{name}`, expected unique names");
            report.add::<()>(raw.name.referenced, why);
        }
        comparisons.push(comparison(raw, targets, report).map(Arc::new));
    }
    comparisons.into_iter().collect()
}

fn comparison(
    raw: &raw::Comparison,
    targets: &[Arc<Target>],
    report: &mut Report<'_>,
) -> Option<Comparison> {
    let named = report.check(raw.name.referenced, check_value(&raw.name.value, true));
    let tolerance = tolerance(raw.tolerance.as_ref(), report);
    let failure_margin =
        margin("failure_margin", raw.failure_margin.as_ref(), DEFAULT_FAILURE_MARGIN, report);
    let slo_margin = margin("slo_margin", raw.slo_margin.as_ref(), DEFAULT_SLO_MARGIN, report);
    let period = raw.false_alarm_every.as_ref();
    let false_alarm_every =
        timing::duration("false_alarm_every", period, DEFAULT_PERIOD, &PERIODS, report);
    let rounds = rounds::wanted(raw, report);
    let baseline = side(&raw.baseline, targets, report);
    let candidate = side(&raw.candidate, targets, report);
    if raw.baseline.value == raw.candidate.value {
        let why = "baseline and candidate are the same target, expected two";
        report.add::<()>(raw.candidate.referenced, why);
    }
    let (baseline, candidate) = (baseline?, candidate?);
    let workloads = workloads(raw, &baseline, &candidate, report);
    let timing = rounds.zip(workloads.as_deref()).and_then(|(rounds, workloads)| {
        rounds::timing(&rounds, [&baseline, &candidate], workloads, report)
    });
    let answers = match &raw.agreement {
        None => Some(None),
        Some(rules) => agreement(rules, [&baseline, &candidate], report).map(Some),
    };
    named?;
    Some(Comparison {
        name: raw.name.value.clone(),
        workloads: workloads?,
        timing: timing?,
        baseline,
        candidate,
        order: match raw.order {
            None | Some(raw::Order::Simultaneous) => Order::Simultaneous,
            Some(raw::Order::BackToBack) => Order::BackToBack,
        },
        tolerance: tolerance?,
        failure_margin: failure_margin?,
        slo_margin: slo_margin?,
        false_alarm_every: false_alarm_every?,
        answers: answers?,
    })
}

fn side(
    name: &Spanned<String>,
    targets: &[Arc<Target>],
    report: &mut Report<'_>,
) -> Option<Arc<Target>> {
    let found = targets.iter().find(|t| t.name == name.value).cloned();
    let known = || targets.iter().map(|t| t.name.as_str());
    let found = found.ok_or_else(|| unknown("target", &name.value, known()));
    report.check(name.referenced, found)
}

/// Those that both have, where none are named.
fn workloads(
    raw: &raw::Comparison,
    baseline: &Target,
    candidate: &Target,
    report: &mut Report<'_>,
) -> Option<Vec<Arc<Workload>>> {
    // Where readers stop there is nothing to compare.
    let common = baseline.workloads.iter().filter(|w| w.cancel.is_none());
    let common = common.filter(|w| candidate.workloads.contains(w));
    let common: Vec<_> = common.cloned().collect();
    if baseline.workloads.is_empty() || candidate.workloads.is_empty() {
        return None; // what is wrong with them has been told
    }
    let Some(names) = &raw.workloads else {
        if common.is_empty() {
            let why = "baseline and candidate have no workload in common that is read to its end, expected at \
                       least one";
            return report.add(raw.name.referenced, why);
        }
        return Some(common);
    };
    if names.value.is_empty() {
        let why = "no workloads, expected at least one (leave the key out for all common ones)";
        return report.add(names.referenced, why);
    }
    let mut found = Vec::new();
    for (i, name) in names.value.iter().enumerate() {
        if names.value[..i].iter().any(|earlier| earlier.value == name.value) {
            let why = "this workload is named twice, expected once";
            report.add::<()>(name.referenced, why);
            continue;
        }
        let workload = common.iter().find(|w| w.name == name.value).cloned();
        let known = common.iter().map(|w| w.name.as_str());
        let missing = || unknown("common workload", &name.value, known);
        found.push(report.check(name.referenced, workload.ok_or_else(missing)));
    }
    found.into_iter().collect()
}

fn tolerance(raw: Option<&Spanned<HumanPercent>>, report: &mut Report<'_>) -> Option<Tolerance> {
    let Some(raw) = raw else { return Some(Tolerance::PAIRS) };
    let found = Tolerance::new(raw.value.0).filter(|_| PAIR_TOLERANCES.contains(&raw.value));
    let why = || format!("tolerance out of range, expected {}", range_in_words(&PAIR_TOLERANCES));
    report.check(raw.referenced, found.ok_or_else(why))
}

fn margin(
    key: &str,
    raw: Option<&Spanned<HumanPercent>>,
    default: HumanPercent,
    report: &mut Report<'_>,
) -> Option<f64> {
    let share = raw.map_or(default, |raw| raw.value);
    if let Some(raw) = raw.filter(|_| !PAIR_MARGINS.contains(&share)) {
        let why = format!("{key} out of range, expected more than 0% and at most 50%");
        return report.add(raw.referenced, why);
    }
    Some(share.0)
}

fn agreement(
    raw: &raw::Agreement,
    sides: [&Arc<Target>; 2],
    report: &mut Report<'_>,
) -> Option<AnswerRules> {
    let mut length_ratio = Some(DEFAULT_LENGTH_RATIO);
    if let Some(ratio) = &raw.length_ratio {
        length_ratio = Some(ratio.value).filter(|r| LENGTH_RATIOS.contains(r));
        if length_ratio.is_none() {
            let why = "length_ratio out of range, expected a number from 1 to 100";
            report.add::<()>(ratio.referenced, why);
        }
    }
    let exact = raw.exact.as_ref().is_some_and(|e| e.value);
    if let Some(key) = raw.exact.as_ref().filter(|e| e.value) {
        // Above 0 a model does not repeat even itself.
        let is_zero = |t: &&Arc<Target>| {
            t.extra_body.get("temperature").and_then(serde_json::Value::as_f64) == Some(0.0)
        };
        if let Some(other) = sides.iter().find(|t| !is_zero(t)) {
            let why = format!(
                "exact answers need temperature 0, expected `extra_body: {{temperature: 0}}` at \
                 target `{}`",
                other.name
            );
            return report.add(key.referenced, why);
        }
    }
    Some(AnswerRules { length_ratio: length_ratio?, exact })
}
