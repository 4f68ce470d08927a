//! Specifications for sloth: one document per target.

use serde_json::{Value, json};

use super::adapt::quoted;
use super::duration;
use super::parts::{RulesError, percent, slos, to_yaml};
use crate::answer::slo::Slo;
use crate::config::Config;
use crate::target::Target;

pub(super) fn write(config: &Config) -> Result<String, RulesError> {
    let mut periods: Vec<_> = slos(config).values().map(|slo| slo.window).collect();
    periods.sort_unstable();
    periods.dedup();
    let periods: Vec<_> = periods.into_iter().map(duration::promql).collect();
    let held = config.targets.iter().filter(|t| !t.slos.is_empty());
    let documents: Vec<_> = held.map(|target| service(target)).collect();
    let text = to_yaml(&documents)?;
    Ok(format!(
        "# For sloth, which takes the period on its command line: sloth generate \
         --default-slo-period=…\n# Periods of these SLOs: {}.\n{text}",
        periods.join(", ")
    ))
}

fn service(target: &Target) -> Value {
    let slos: Vec<_> = target.slos.iter().map(|slo| objective(target, slo)).collect();
    json!({
        "version": "prometheus/v1",
        "service": target.name,
        "labels": target.labels,
        "slos": slos,
    })
}

fn objective(target: &Target, slo: &Slo) -> Value {
    let rate = |metric: &str| {
        let (target, slo) = (quoted(&target.name), quoted(&slo.name));
        format!("sum(rate({metric}{{target={target}, slo={slo}}}[{{{{.window}}}}]))")
    };
    let (all, good) =
        (rate("llm_prober_slo_probes_total"), rate("llm_prober_slo_good_probes_total"));
    json!({
        "name": slo.name,
        "objective": percent(slo.objective),
        "description": "Probes that succeeded and met every objective of the SLO.",
        "sli": {"events": {"error_query": format!("{all} - {good}"), "total_query": all}},
        "alerting": {
            "name": "LLMProberErrorBudgetBurn",
            "labels": {"target": target.name, "slo": slo.name},
            "annotations": {"summary": "An error budget burns faster than it may."},
            "page_alert": {"labels": {"severity": "critical"}},
            "ticket_alert": {"labels": {"severity": "warning"}},
        },
    })
}
