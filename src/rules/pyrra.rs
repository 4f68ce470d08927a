//! Objects for Pyrra: one per SLO, grouped by target, and the record that they need.

use serde_json::{Value, json};

use super::adapt::quoted;
use super::duration;
use super::parts::{RulesError, percent, slos, to_yaml};
use crate::answer::slo::Slo;
use crate::config::Config;

/// Pyrra counts errors, the prober counts good probes. Not aggregated, so that a restart is a
/// reset of this series as it is of both counters.
const BAD_PROBES: &str = "workload_slo:llm_prober_slo_bad_probes:total";

pub(super) fn write(config: &Config) -> Result<String, RulesError> {
    let mut documents = vec![bad_probes()];
    documents.extend(slos(config).values().map(|slo| objective(slo)));
    to_yaml(&documents)
}

fn bad_probes() -> Value {
    json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": "llm-prober-bad-probes",
            "labels": {"app.kubernetes.io/name": "llm-prober"},
        },
        "spec": {"groups": [{"name": "llm-prober-bad-probes", "rules": [{
            "record": BAD_PROBES,
            "expr": "llm_prober_slo_probes_total - llm_prober_slo_good_probes_total",
        }]}]},
    })
}

fn objective(slo: &Slo) -> Value {
    let select = |metric: &str| format!("{metric}{{slo={}}}", quoted(&slo.name));
    json!({
        "apiVersion": "pyrra.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {
            "name": format!("llm-prober-{}", object_name(&slo.name)),
            "labels": {"app.kubernetes.io/name": "llm-prober"},
        },
        "spec": {
            "target": percent(slo.objective).to_string(),
            "window": duration::promql(slo.window),
            "description": "Probes that succeeded and met every objective of the SLO.",
            "indicator": {"ratio": {
                "errors": {"metric": select(BAD_PROBES)},
                "total": {"metric": select("llm_prober_slo_probes_total")},
                "grouping": ["target"],
            }},
        },
    })
}

/// What Kubernetes takes as part of a name: small letters, digits and hyphens.
fn object_name(text: &str) -> String {
    let part = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    text.chars().map(part).collect::<String>().trim_matches('-').to_owned()
}
