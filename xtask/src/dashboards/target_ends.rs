//! How the probes of a target end, what they cost and what limits them: the last section of its
//! dashboard.

use serde_json::json;

use super::panel::{Panel, lines, stacked};
use super::shared::{cost_per_hour, failed_by_reason};

pub fn panels() -> Vec<Panel> {
    let limit = "llm_prober_ratelimit_remaining{probe} / llm_prober_ratelimit_limit{probe}";
    vec![
        failed_by_reason().size(6, 8),
        shares(
            "Finish reasons",
            "Why the server says that generation ended; length means that the answer was cut at \
             max_output_tokens, as is usual here.",
            "sum by (finish) (rate(llm_prober_finish_total{probe}[i])) \
             / ignoring (finish) group_left () sum(rate(llm_prober_finish_total{probe}[i])) > 0",
            "{{finish}}",
        ),
        shares(
            "Connections",
            "Share of probes on a new connection and on one that was used before.",
            "sum by (kind) (rate(llm_prober_connections_total{probe}[i])) \
             / ignoring (kind) group_left () sum(rate(llm_prober_connections_total{probe}[i])) > 0",
            "{{kind}}",
        ),
        lines(
            "Rejected answers by validator",
            "How many answers per minute a check of the configuration rejected.",
            "cpm",
        )
        .query(
            "60 * sum by (validator) (rate(llm_prober_validation_failures_total{probe}[i]))",
            "{{validator}}",
        )
        .default("noValue", json!("No workload has checks"))
        .size(6, 8),
        lines(
            "Tokens per minute",
            "Tokens of all probes; cached ones are part of the input, reasoning is part of the \
             output.",
            "short",
        )
        .query("60 * sum(rate(llm_prober_input_tokens_total{probe}[i]))", "input")
        .query("60 * sum(rate(llm_prober_cached_input_tokens_total{probe}[i]))", "cached input")
        .query("60 * sum(rate(llm_prober_output_tokens_total{probe}[i]))", "output")
        .query("60 * sum(rate(llm_prober_reasoning_tokens_total{probe}[i]))", "reasoning")
        .size(6, 8),
        lines(
            "Rate limits left",
            "Share of what the server allows, from its response headers.",
            "percentunit",
        )
        .query(&format!("min by (unit) ({limit})"), "{{unit}}")
        .thresholds("red", &[(0.1, "green")])
        .default("max", json!(1))
        .default("noValue", json!("The server names no limits"))
        .size(6, 8),
        lines(
            "TLS certificate expires in",
            "Time until the certificate of the last connection expires.",
            "s",
        )
        .query(
            "min by (target) (llm_prober_tls_certificate_expiry_timestamp_seconds{probe}) - time()",
            "{{target}}",
        )
        .thresholds("red", &[(7.0 * 86400.0, "green")])
        .default("noValue", json!("Not probed over TLS"))
        .size(6, 8),
        cost_per_hour().size(6, 8),
    ]
}

fn shares(title: &str, description: &str, expression: &str, legend: &str) -> Panel {
    stacked(title, description, "percentunit")
        .query(expression, legend)
        .default("max", json!(1))
        .size(6, 8)
}
