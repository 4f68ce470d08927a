//! The section `sweeps`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_yaml::{Location, Spanned};
use url::Url;

use super::catalog::unknown;
use super::context::{limit, optional};
use super::occasions::{time_of_day, utc_offset};
use super::prefix::whole;
use super::timing;
use crate::config::error::Report;
use crate::config::keys::range_in_words;
use crate::config::labels::check_value;
use crate::config::percent::HumanPercent;
use crate::config::raw::{
    self, ATTAINMENTS, DEFAULT_AT, DEFAULT_EVERY, LEVELS, MAX_LEVELS, SWEEP_DURATIONS,
    SWEEP_REQUESTS, SWEEPS_EVERY,
};
use crate::sweep::{DEFAULT_ATTAINMENT, ScheduledSweep, Timetable};
use crate::target::{Budget, Target};
use crate::text::units::HumanDuration;
use crate::workload::Workload;

const MAX_SWEEPS: usize = 100;

/// Clouds where whoever asks pays: these hosts, and those below them.
const PUBLIC_CLOUDS: [&str; 22] = [
    "ai21.com",
    "aliyuncs.com",
    "amazonaws.com",
    "anthropic.com",
    "azure.com",
    "cerebras.ai",
    "cohere.ai",
    "cohere.com",
    "deepinfra.com",
    "deepseek.com",
    "fireworks.ai",
    "googleapis.com",
    "groq.com",
    "mistral.ai",
    "moonshot.ai",
    "nvidia.com",
    "openai.com",
    "openrouter.ai",
    "perplexity.ai",
    "sambanova.ai",
    "together.xyz",
    "x.ai",
];

/// The sweeps of these targets.
pub(super) fn resolve(
    section: Option<&Spanned<Vec<raw::Sweep>>>,
    targets: &[Arc<Target>],
    report: &mut Report<'_>,
) -> Option<Vec<Arc<ScheduledSweep>>> {
    let Some(section) = section else { return Some(Vec::new()) };
    limit(section.value.len(), MAX_SWEEPS, "sweeps", section.referenced, report)?;
    let mut names = HashSet::new();
    let mut sweeps = Vec::new();
    for raw in &section.value {
        if !names.insert(raw.name.value.as_str()) {
            let name = &raw.name.value;
            let why = format!("two sweeps are named `{name}`, expected unique names");
            report.add::<()>(raw.name.referenced, why);
        }
        sweeps.push(sweep(raw, targets, report).map(Arc::new));
    }
    sweeps.into_iter().collect()
}

fn sweep(
    raw: &raw::Sweep,
    targets: &[Arc<Target>],
    report: &mut Report<'_>,
) -> Option<ScheduledSweep> {
    let named = report.check(raw.name.referenced, check_value(&raw.name.value, true));
    let levels = levels(&raw.concurrency, report);
    let requests = whole("requests_per_level", &raw.requests_per_level, &SWEEP_REQUESTS, report);
    let requests = requests.zip(levels.as_ref()).and_then(|(requests, levels)| {
        for_each_user(requests, levels, raw.requests_per_level.referenced, report)
    });
    let tokens = raw.max_output_tokens.value.0;
    let tokens = if tokens == 0 {
        let why = "max_output_tokens out of range, expected more than zero";
        report.add(raw.max_output_tokens.referenced, why)
    } else {
        Some(tokens)
    };
    let (timetable, most_duration) = (timetable(raw, report), max_duration(raw, report));
    let attainment = attainment(raw.attainment.as_ref(), report);
    let known = || targets.iter().map(|t| t.name.as_str());
    let target = targets.iter().find(|t| t.name == raw.target.value).cloned();
    let target = target.ok_or_else(|| unknown("target", &raw.target.value, known()));
    let target = report.check(raw.target.referenced, target)?;
    let affordable = affordable(&target, raw, report);
    let workload = optional(raw.workload.as_ref(), |name| workload(name, &target, report));
    let read = read_to_the_end(raw, &target, report);
    let (timetable, most_duration) = (timetable?, most_duration?);
    if most_duration > timetable.every {
        let (most, every) = (HumanDuration(most_duration), HumanDuration(timetable.every));
        let why =
            format!("max_duration {most} is longer than every {every}, expected at most that");
        return report.add(raw.max_duration.referenced, why);
    }
    named?;
    affordable?;
    read?;
    Some(ScheduledSweep {
        name: raw.name.value.clone(),
        target,
        workload: workload.ok()?,
        levels: levels?,
        requests_per_level: requests?,
        most_output_tokens: tokens?,
        most_duration,
        timetable,
        attainment: attainment?,
    })
}

/// Fewest users first.
fn levels(raw: &Spanned<Vec<Spanned<u64>>>, report: &mut Report<'_>) -> Option<Vec<u32>> {
    if raw.value.is_empty() {
        return report.add(raw.referenced, "no levels, expected at least one, such as [1, 8, 50]");
    }
    limit(raw.value.len(), MAX_LEVELS, "levels", raw.referenced, report)?;
    let mut levels = Vec::new();
    for users in &raw.value {
        let within = Some(users.value).filter(|users| LEVELS.contains(users));
        let Some(level) = within.and_then(|users| u32::try_from(users).ok()) else {
            let why = format!("concurrency out of range, expected {}", range_in_words(&LEVELS));
            return report.add(users.referenced, why);
        };
        if levels.contains(&level) {
            let why = format!("{level} users twice, expected each level once");
            return report.add(users.referenced, why);
        }
        levels.push(level);
    }
    levels.sort_unstable();
    Some(levels)
}

fn for_each_user(
    requests: u32,
    levels: &[u32],
    at: Location,
    report: &mut Report<'_>,
) -> Option<u32> {
    let most = levels.last().copied().unwrap_or_default();
    if requests < most {
        let why = format!(
            "requests_per_level {requests} is less than one for each of {most} users, expected at \
             least {most}"
        );
        return report.add(at, why);
    }
    Some(requests)
}

fn timetable(raw: &raw::Sweep, report: &mut Report<'_>) -> Option<Timetable> {
    let every = timing::duration("every", raw.every.as_ref(), DEFAULT_EVERY, &SWEEPS_EVERY, report);
    let at = time_of_day(raw.at.as_ref(), DEFAULT_AT, report);
    let utc_offset = utc_offset(raw.utc_offset.as_ref(), report);
    Some(Timetable { every: every?, at: at?, utc_offset: utc_offset? })
}

fn max_duration(raw: &raw::Sweep, report: &mut Report<'_>) -> Option<Duration> {
    let written = Some(&raw.max_duration);
    timing::duration("max_duration", written, DEFAULT_EVERY, &SWEEP_DURATIONS, report)
}

fn attainment(raw: Option<&Spanned<HumanPercent>>, report: &mut Report<'_>) -> Option<f64> {
    let Some(raw) = raw else { return Some(DEFAULT_ATTAINMENT) };
    if !ATTAINMENTS.contains(&raw.value) {
        let why = format!("attainment out of range, expected {}", range_in_words(&ATTAINMENTS));
        return report.add(raw.referenced, why);
    }
    Some(raw.value.0)
}

fn workload(
    name: &Spanned<String>,
    target: &Target,
    report: &mut Report<'_>,
) -> Option<Arc<Workload>> {
    let found = target.workloads.iter().find(|w| w.name == name.value).cloned();
    let known = target.workloads.iter().map(|w| w.name.as_str());
    let found = found.ok_or_else(|| unknown("workload of the target", &name.value, known));
    report.check(name.referenced, found)
}

/// Readers who stop, or are slow, say nothing about what a server can take.
fn read_to_the_end(raw: &raw::Sweep, target: &Target, report: &mut Report<'_>) -> Option<()> {
    let named = raw.workload.as_ref();
    let mut asked =
        target.workloads.iter().filter(|w| named.is_none_or(|name| name.value == w.name));
    let Some(workload) = asked.find(|w| w.cancel.is_some()) else { return Some(()) };
    let why = format!(
        "workload `{}` stops reading, or reads slowly (`cancel`), so that no request of it completes: \
         expected `workload` with another one",
        workload.name
    );
    report.add(named.map_or(raw.name.referenced, |name| name.referenced), why)
}

/// Whoever pays for a sweep says how much.
fn affordable(target: &Target, raw: &raw::Sweep, report: &mut Report<'_>) -> Option<()> {
    let why = match (target.price, public_cloud(&target.url)) {
        _ if target.budget != Budget::default() => return Some(()),
        (Some(_), _) => "has a `price`".to_owned(),
        (None, Some(cloud)) => format!("is at a public cloud ({cloud})"),
        (None, None) => return Some(()),
    };
    let name = &target.name;
    let why = format!(
        "target `{name}` {why}: a sweep of it needs a limit of what it may cost, expected `budget` at \
         the target, such as `budget: {{output_tokens_per_day: 500k}}`"
    );
    report.add(raw.target.referenced, why)
}

/// The cloud that a URL leads to, if it is one of those that are known.
fn public_cloud(url: &Url) -> Option<&'static str> {
    let host = url.host_str()?.trim_end_matches('.');
    let is_in = |cloud: &&str| {
        host.strip_suffix(*cloud).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    PUBLIC_CLOUDS.into_iter().find(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_public_clouds() {
        let cloud = |url: &str| public_cloud(&url.parse().unwrap());
        assert_eq!(cloud("https://api.openai.com/v1"), Some("openai.com"));
        assert_eq!(cloud("https://API.OpenAI.com./v1"), Some("openai.com"));
        assert_eq!(cloud("https://mine.openai.azure.com/openai/v1"), Some("azure.com"));
        assert_eq!(cloud("https://bedrock-runtime.eu-west-1.amazonaws.com"), Some("amazonaws.com"));
        assert_eq!(cloud("https://x.ai/v1"), Some("x.ai"));
        assert_eq!(cloud("https://vertex.ai.internal/v1"), None);
        assert_eq!(cloud("https://notx.ai/v1"), None);
        assert_eq!(cloud("http://10.0.0.1:8000/v1"), None);
    }
}
