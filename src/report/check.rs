//! What `llm-prober check` prints: the resolved targets, and what probing them will cost.

use std::fmt::Write;
use std::time::Duration;

use super::cost::{Daily, most_output_tokens, rounds_per_day, sweeps_per_day};
use crate::answer::slo::{Objective, ObjectiveKind, Slo};
use crate::config::Config;
use crate::config::percent::HumanPercent;
use crate::explain::shown;
use crate::regression::comparison::{Comparison, Order, Timing};
use crate::rules::too_few_probes;
use crate::sweep::ScheduledSweep;
use crate::target::Target;
use crate::target::schedule::Arrival;
use crate::text::units::HumanDuration;
use crate::workload::Workload;

/// One block per target, comparison and sweep, for people.
#[must_use]
pub fn describe(config: &Config) -> String {
    let sweeps = || config.sweeps.iter().map(|s| &**s);
    let daily = |t| Daily::of(t, config.comparisons.iter().map(|c| &**c), sweeps());
    let targets = config.targets.iter().map(|t| block(t, &daily(t)));
    let comparisons = config.comparisons.iter().map(|c| comparison(c));
    targets.chain(comparisons).chain(sweeps().map(sweep)).collect::<Vec<_>>().join("\n")
}

/// With more series in one scrape, whoever runs the Prometheus should know.
const MANY_SERIES: usize = 100_000;

/// What the metrics of all targets together cost in Prometheus, in series.
#[must_use]
pub fn series(total: usize) -> String {
    let mut text = format!(
        "metrics\n  series     {total} of all targets in Prometheus, scraped as text, once every \
         workload has succeeded\n"
    );
    if total > MANY_SERIES {
        text += "  warning    that is much for one scrape, expected at most 100000: spread the \
                 targets over several probers, let Prometheus scrape native histograms, or stay \
                 with --metrics.histograms=lean\n";
    }
    text
}

fn block(target: &Target, daily: &Daily) -> String {
    let mut text = format!("target {}\n", target.name);
    let mut row = |key: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {key:<10} {value}");
    };
    let streamed = if target.stream { "streamed" } else { "not streamed" };
    row("url", &shown(&target.url));
    row("api", &format!("{}, {streamed}", target.dialect.name()));
    row("model", target.model.as_deref().unwrap_or("as the server's model list says"));
    row("workloads", &workloads(target));
    for slo in &target.slos {
        row("slo", &describe_slo(slo));
    }
    if target.slos.is_empty() {
        row("slo", "none");
    }
    for warning in target.slos.iter().filter_map(|slo| too_few_probes(target, slo)) {
        row("warning", &warning);
    }
    for warning in target.workloads.iter().filter_map(|w| may_only_reason(target, w)) {
        row("warning", &warning);
    }
    row("probes", &probes(target, daily));
    if daily.rounds > 0.0 {
        row("rounds", &format!("{:.0} probes per day more, for comparisons", daily.rounds));
    }
    if daily.swept > 0.0 {
        row("sweeps", &format!("at most {:.0} requests per day more, for sweeps", daily.swept));
    }
    row("input", &input(target, daily));
    row("output", &format!("at most {:.0} tokens per day on average", daily.most_output_tokens));
    if let Some(dollars) = daily.most_dollars {
        row("cost", &format!("at most {dollars:.2} dollars per day on average"));
    }
    if let Some(budget) = budget(target) {
        row("budget", &budget);
    }
    text
}

fn comparison(comparison: &Comparison) -> String {
    let Comparison { name, baseline, candidate, tolerance, .. } = comparison;
    let names: Vec<_> = comparison.workloads.iter().map(|w| w.name.as_str()).collect();
    let rounds = rounds_per_day(comparison);
    let when = match &comparison.timing {
        Timing::Drawn(_) => String::new(),
        Timing::Recorded(replay) => format!(" as recorded, at speed {}", replay.speed()),
    };
    let order = match comparison.order {
        Order::Simultaneous => "at the same instant",
        Order::BackToBack => "one after the other",
    };
    format!(
        "comparison {name}\n  \
           sides      {} against {}, {order}\n  \
           workloads  {}\n  \
           tolerance  {}; {} for failures, {} for missed SLOs\n  \
           rounds     {rounds:.0} per day{when}, each with one more probe of either side\n",
        candidate.name,
        baseline.name,
        names.join(", "),
        HumanPercent(tolerance.delta()),
        HumanPercent(comparison.failure_margin),
        HumanPercent(comparison.slo_margin),
    )
}

fn sweep(sweep: &ScheduledSweep) -> String {
    let levels: Vec<_> = sweep.levels.iter().map(u32::to_string).collect();
    let timetable = &sweep.timetable;
    let (hours, minutes) = (timetable.at / 60, timetable.at % 60);
    let offset = match timetable.utc_offset {
        0 => "UTC".to_owned(),
        minutes => format!("{minutes:+} minutes from UTC"),
    };
    format!(
        "sweep {}\n  \
           target     {}\n  \
           levels     {} users, {} requests each\n  \
           when       every {}, {:.2} per day on average, counted from {hours:02}:{minutes:02} {offset}\n  \
           output     at most {:.0} tokens each time\n  \
           duration   at most {}\n  \
           knee       the largest level with {} good requests\n",
        sweep.name,
        sweep.target.name,
        levels.join(", "),
        sweep.requests_per_level,
        HumanDuration(timetable.every),
        sweeps_per_day(sweep),
        most_output_tokens(sweep),
        HumanDuration(sweep.most_duration),
        HumanPercent(sweep.attainment),
    )
}

/// Models that reason before they answer may spend a small limit on that alone.
fn may_only_reason(target: &Target, workload: &Workload) -> Option<String> {
    /// With less, an answer is a matter of luck.
    const ENOUGH: u32 = 1_000;
    const REASONING: [&str; 6] = ["gpt-5", "o1", "o3", "o4", "gpt-oss", "deepseek-r1"];
    const EFFORT: [&str; 3] = ["reasoning_effort", "reasoning", "thinking"];
    let model = target.model.as_deref()?;
    let name = model.rsplit('/').next().unwrap_or(model);
    let is_one = |family: &&str| {
        let rest = name.strip_prefix(*family);
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    let reasons = REASONING.iter().any(is_one);
    let set = |keys: &serde_json::Map<_, _>| EFFORT.iter().any(|key| keys.contains_key(*key));
    let told = set(&target.extra_body) || set(&workload.extra_body);
    let captured = workload.prompts.iter().any(|prompt| prompt.captured.is_some());
    let limit = workload.max_output_tokens;
    (reasons && !told && !captured && limit < ENOUGH).then(|| {
        format!(
            "model {name} reasons before it answers: workload {}'s max_output_tokens {limit} may \
             be spent on that, and the answer is empty; expected at least {ENOUGH}, or \
             reasoning_effort in extra_body",
            workload.name
        )
    })
}

fn workloads(target: &Target) -> String {
    let total: f64 = target.workloads.iter().map(|w| w.weight).sum();
    let share = |w: &std::sync::Arc<Workload>| {
        let count = w.prompts.len();
        let prompts = if count == 1 { "prompt" } else { "prompts" };
        let more = made(w).into_iter().chain(unusable(w)).map(|more| format!(", {more}"));
        let more: String = more.collect();
        format!("{} {:.1} % ({count} {prompts}{more})", w.name, 100.0 * w.weight / total)
    };
    target.workloads.iter().map(share).collect::<Vec<_>>().join(", ")
}

/// Who counts the tokens of texts that are made.
fn made(workload: &Workload) -> Option<String> {
    let lexicon = workload.lexicon.as_ref()?;
    Some(match lexicon.tokenizer() {
        Some(tokenizer) => format!("texts made by the tokenizer {tokenizer}"),
        None => {
            "texts made by an estimate: one token per word, for want of a `tokenizer`".to_owned()
        }
    })
}

/// What of a data set is left out.
fn unusable(workload: &Workload) -> Option<String> {
    let unusable = workload.rows.map(|rows| rows.unusable).filter(|unusable| *unusable > 0)?;
    Some(format!("{unusable} rows not usable"))
}

fn describe_slo(slo: &Slo) -> String {
    let bounds: Vec<_> = slo.objectives.iter().map(bound).collect();
    let window = HumanDuration(slo.window);
    let percent = (slo.objective * 1e8).round() / 1e6;
    let only = match &slo.workloads {
        Some(names) => format!(", workloads {} only", names.join(", ")),
        None => String::new(),
    };
    format!("{}: {percent} % in {window} with {}{only}", slo.name, bounds.join(", "))
}

fn bound(objective: &Objective) -> String {
    let kind = objective.kind.as_str();
    if objective.kind == ObjectiveKind::TokensPerSecond {
        return format!("{kind} ≥ {}", objective.threshold);
    }
    if let Some(deadline) = objective.deadline {
        let (ttft, each) = (HumanDuration(deadline.ttft), HumanDuration(deadline.per_token));
        let least = HumanPercent(objective.threshold);
        return format!("{least} of tokens in time: first in {ttft}, then one per {each}");
    }
    format!("{kind} ≤ {}", HumanDuration(Duration::from_secs_f64(objective.threshold)))
}

fn probes(target: &Target, daily: &Daily) -> String {
    let arrival = match target.schedule.arrival {
        Arrival::Constant => "constant".to_owned(),
        Arrival::Poisson => "poisson".to_owned(),
        Arrival::Gamma { shape } => format!("gamma with shape {shape}"),
        Arrival::Recorded { speed } => format!("as recorded, {speed} times as fast"),
    };
    format!(
        "{:.0} per day: one per {} on average ({arrival}), at most {} at a time",
        daily.probes,
        HumanDuration(target.schedule.interval),
        target.max_in_flight
    )
}

fn input(target: &Target, daily: &Daily) -> String {
    let how = match &target.tokenizer {
        Some(tokenizer) => format!("by the tokenizer {}", tokenizer.name()),
        None => "by the length of the prompts".to_owned(),
    };
    format!("about {:.0} tokens per day on average, {how}", daily.input_tokens)
}

fn budget(target: &Target) -> Option<String> {
    let budget = &target.budget;
    let tokens = |n: Option<u64>, per: &str| n.map(|n| format!("{n} output tokens per {per}"));
    let dollars = |n: Option<f64>, per: &str| n.map(|n| format!("{n} dollars per {per}"));
    let parts = [
        tokens(budget.output_tokens_per_hour, "hour"),
        tokens(budget.output_tokens_per_day, "day"),
        dollars(budget.dollars_per_hour, "hour"),
        dollars(budget.dollars_per_day, "day"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_series_are_warned_of() {
        assert!(series(100_000).starts_with("metrics\n  series     100000 of all targets"));
        assert!(!series(100_000).contains("warning"));
        assert!(series(100_001).contains("\n  warning    that is much for one scrape"));
    }
}
