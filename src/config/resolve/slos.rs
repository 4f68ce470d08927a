//! The section `slos`.

use std::sync::Arc;

use serde_yaml::Spanned;

use super::catalog::Catalog;
use super::context::MAX_SLOS;
use super::{preset, timing};
use crate::answer::deadline::Deadline;
use crate::answer::slo::{Objective, ObjectiveKind, PAGE_BURN_RATE, Slo};
use crate::config::error::Report;
use crate::config::raw::{self, DEFAULT_WINDOW, MAX_THRESHOLD, WINDOWS};
use crate::text::units::HumanDuration;
use crate::workload::Workload;

/// The file's SLOs, or the built-in one if it has none.
pub(super) fn resolve(
    section: &raw::Named<raw::Slo>,
    workloads: &Catalog<Arc<Workload>>,
    report: &mut Report<'_>,
) -> Catalog<Arc<Slo>> {
    if section.is_empty() {
        return Catalog::built_in("slo", [("interactive".to_owned(), Arc::new(built_in()))]);
    }
    Catalog::new("slo", section, MAX_SLOS, report, |name, raw, report| {
        slo(name, raw, workloads, report).map(Arc::new)
    })
}

/// What a person in front of a chat notices: half a second to the first token, then 20 tokens per
/// second without a stall of more than one second.
fn built_in() -> Slo {
    let chat = preset::of(raw::Preset::Chat);
    let bounds = chat.bounds.iter();
    Slo {
        name: "interactive".to_owned(),
        objective: chat.objective,
        window: DEFAULT_WINDOW,
        objectives: bounds.map(|(kind, bound)| Objective::new(*kind, *bound)).collect(),
        workloads: None,
    }
}

fn slo(
    name: &Spanned<String>,
    raw: &raw::Slo,
    workloads: &Catalog<Arc<Workload>>,
    report: &mut Report<'_>,
) -> Option<Slo> {
    let objective = match (&raw.objective, raw.preset) {
        (Some(objective), _) => share(objective, report),
        (None, Some(preset)) => Some(preset::of(preset).objective),
        (None, None) => {
            let why = "this SLO has no objective, expected a share of good probes, such as 0.99, or \
                       a `preset`";
            report.add(name.referenced, why)
        }
    };
    let window = timing::duration("window", raw.window.as_ref(), DEFAULT_WINDOW, &WINDOWS, report);
    let objectives = objectives(name, raw, report);
    let covered = raw.workloads.as_ref().map(|names| {
        let found = workloads.find_all(&names.value, report);
        if names.value.is_empty() {
            let why = "no workloads, expected at least one (leave the key out for all)";
            report.add::<()>(names.referenced, why);
        }
        found.iter().map(|w| w.name.clone()).collect()
    });
    Some(Slo {
        name: name.value.clone(),
        objective: objective?,
        window: window?,
        objectives: objectives?,
        workloads: covered,
    })
}

fn share(raw: &Spanned<f64>, report: &mut Report<'_>) -> Option<f64> {
    let objective = raw.value;
    if !(objective > 0.0 && objective < 1.0) {
        let why = "objective out of range, expected a share of good probes between 0 and 1, \
                   such as 0.99";
        return report.add(raw.referenced, why);
    }
    // At this burn rate every single probe would have to be bad, and more.
    if PAGE_BURN_RATE * (1.0 - objective) >= 1.0 {
        let why = format!(
            "objective {objective} is so low that its burn-rate alert can never fire \
             ({PAGE_BURN_RATE} × (1 − objective) must be below 1), expected more than 0.9306"
        );
        return report.add(raw.referenced, why);
    }
    Some(objective)
}

/// What a threshold may be, in words.
fn range(kind: ObjectiveKind) -> &'static str {
    match kind {
        ObjectiveKind::TokensPerSecond => "more than zero, at most 1000000",
        ObjectiveKind::Deadline => "`{ttft: 1s, per_token: 50ms}`",
        _ => "more than zero, at most 11d",
    }
}

fn objectives(
    name: &Spanned<String>,
    raw: &raw::Slo,
    report: &mut Report<'_>,
) -> Option<Vec<Objective>> {
    let seconds = |raw: &raw::Maybe<HumanDuration>| {
        raw.as_ref().map(|s| (s.value.0.as_secs_f64(), s.referenced))
    };
    let bounds = [
        (ObjectiveKind::Ttft, seconds(&raw.ttft)),
        (ObjectiveKind::Itl, seconds(&raw.itl)),
        (ObjectiveKind::RequestLatency, seconds(&raw.request_latency)),
        (ObjectiveKind::LongestGap, seconds(&raw.longest_gap)),
        (
            ObjectiveKind::TokensPerSecond,
            raw.tokens_per_second.as_ref().map(|s| (s.value, s.referenced)),
        ),
    ];
    let nothing = bounds.iter().all(|(_, bound)| bound.is_none());
    if nothing && raw.deadline.is_none() && raw.preset.is_none() {
        let known = ObjectiveKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>();
        let known = known.join(", ");
        let why = format!("this SLO bounds nothing, expected at least one of: {known}");
        return report.add(name.referenced, why);
    }
    let mut objectives = Vec::new();
    for (kind, bound) in bounds {
        let Some((threshold, at)) = bound else {
            let usual = raw.preset.and_then(|preset| preset::of(preset).bound(kind));
            objectives.extend(usual.map(|threshold| Objective::new(kind, threshold)));
            continue;
        };
        if !(threshold > 0.0 && threshold <= MAX_THRESHOLD) {
            let why = format!("{} out of range, expected {}", kind.as_str(), range(kind));
            report.add::<()>(at, why);
        }
        objectives.push(Objective::new(kind, threshold));
    }
    if let Some(deadline) = &raw.deadline {
        objectives.push(Objective::deadlines(self::deadline(&deadline.value, report)?));
    }
    Some(objectives)
}

fn deadline(raw: &raw::Deadline, report: &mut Report<'_>) -> Option<Deadline> {
    let mut checked = |key: &str, raw: &Spanned<HumanDuration>| {
        let HumanDuration(value) = raw.value;
        if value.is_zero() || value.as_secs_f64() > MAX_THRESHOLD {
            let why = format!("{key} out of range, expected {}", range(ObjectiveKind::Ttft));
            return report.add(raw.referenced, why);
        }
        Some(value)
    };
    let ttft = checked("ttft", &raw.ttft);
    let per_token = checked("per_token", &raw.per_token);
    Some(Deadline { ttft: ttft?, per_token: per_token? })
}
