//! A candidate beside its baseline: what was found, how sure that is, and both sides' figures; and
//! each target against its own past.

use serde_json::json;

use super::frame::{Dashboard, Section, variable};
use super::panel::{Panel, lines, stacked};
use super::shared::{dashed, dotted};
use super::{change, sides, verdicts};

const PAIRS: &str = "llm_prober_comparison_pairs_total{comparison, workload=~\"$workload\"}";

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "compare",
        title: "Compare",
        description: "Is the candidate worse than its baseline, or a target worse than it used to \
                      be? The verdicts, the evidence for them, and both sides' figures.",
        variables: vec![variable("comparison", "Comparison", "llm_prober_comparison_info{prober}")],
        sections: vec![
            Section { title: "Verdict", panels: verdicts::panels() },
            Section { title: "Both sides", panels: sides::panels() },
            Section { title: "How much, and how sure", panels: evidence() },
            Section { title: "Pairs", panels: pairs() },
            Section { title: "Alarms", panels: change::compared() },
            Section { title: "Against its own past", panels: change::past() },
        ],
    }
}

fn evidence() -> Vec<Panel> {
    let effect = |title: &str, signal: &str| {
        let of = |metric: &str| {
            format!(
                "max by (comparison, workload) (llm_prober_comparison_effect{metric}_ratio\
                 {{comparison, workload=~\"$workload\", signal=\"{signal}\"}})"
            )
        };
        let tolerance = "1 + max by (comparison) \
                         (llm_prober_comparison_tolerance_ratio{comparison})";
        let panel = lines(
            title,
            "Median of all pairs since the run began or an alarm last went on or off, within its \
             bounds (95 %, dotted); dashed the tolerance.",
            "short",
        )
        .query(&of(""), "{{comparison}} {{workload}}")
        .query(&of("_lower"), "at least {{comparison}} {{workload}}")
        .query(&of("_upper"), "at most {{comparison}} {{workload}}")
        .query(tolerance, "tolerance of {{comparison}}")
        .default("decimals", json!(2))
        .custom(&json!({"axisSoftMin": 0.8, "axisSoftMax": 1.2}));
        dashed(dotted(panel, "/^at (least|most) /"), "/^tolerance of /")
    };
    // One signal of one workload is enough for the one verdict, the other needs all.
    let towards = |title: &str, description: &str, verdict: &str, of: &str| {
        let evidence =
            verdicts::evidence(&format!(", workload=~\"$workload|\", verdict=\"{verdict}\""));
        let evidence = if verdict == "not_worse" { verdicts::asked(&evidence) } else { evidence };
        let evidence = format!("{of} by (comparison, signal) ({evidence})");
        let needed = format!(
            "max by (comparison) (llm_prober_comparison_verdict_evidence_threshold\
             {{comparison, verdict=\"{verdict}\"}})"
        );
        let panel = lines(title, description, "short")
            .query(&evidence, "{{comparison}} {{signal}}")
            .query(&needed, "needed by {{comparison}}");
        dashed(panel, "/^needed by /").size(12, 9)
    };
    vec![
        effect("TTFT: candidate / baseline", "ttft"),
        effect("ITL: candidate / baseline", "itl"),
        effect("Request latency: candidate / baseline", "request_latency"),
        towards(
            "Evidence for regressed",
            "Decimal logarithm of the highest evidence so far, of the workload that has most; dashed \
             what the verdict needs.",
            "regressed",
            "max",
        ),
        towards(
            "Evidence for not worse",
            "Decimal logarithm of the highest evidence so far, of the workload that has least, and \
             for failures of all workloads together; dashed what the verdict needs.",
            "not_worse",
            "min",
        ),
    ]
}

fn pairs() -> Vec<Panel> {
    let rate = |by: &str, metric: &str, more: &str| {
        format!(
            "60 * sum by ({by}) (rate(llm_prober_comparison_{metric}_total{{comparison{more}}}[i]))"
        )
    };
    let panels = vec![
        lines("Pairs per minute", "Rounds of which both sides were judged.", "cpm").query(
            &format!("60 * sum by (comparison, workload) (rate({PAIRS}[i]))"),
            "{{comparison}} {{workload}}",
        ),
        stacked(
            "Rounds that were not judged, per minute",
            "By reason: a side would have skipped its probe, began late, or was given up; and pairs \
             of which both sides failed.",
            "cpm",
        )
        .query(&rate("reason", "rounds_dropped", ""), "dropped: {{reason}}")
        .query(&rate("", "both_failed_pairs", ""), "both failed"),
        lines(
            "Discordant pairs per minute",
            "Only one side failed, or missed an SLO that both are held to: by which was worse.",
            "cpm",
        )
        .query(
            &rate("signal, worse", "discordant_pairs", ", workload=~\"$workload\""),
            "{{signal}}: {{worse}}",
        ),
        lines(
            "Differing answers",
            "Share of the compared pairs: ended for different reasons (finish), one is much longer \
             (length), not the same text (exact).",
            "percentunit",
        )
        .query(&differing(), "{{comparison}} {{check}}")
        .default("noValue", json!("No comparison looks at answers")),
    ];
    panels.into_iter().map(|panel| panel.size(12, 7)).collect()
}

fn differing() -> String {
    let rate = |by: &str, metric: &str| {
        format!(
            "sum by (comparison{by}) (rate(llm_prober_comparison_answers{metric}_total\
             {{comparison}}[i]))"
        )
    };
    format!(
        "{} / on (comparison) group_left () ({} > 0)",
        rate(", check", "_differing"),
        rate("", "")
    )
}
