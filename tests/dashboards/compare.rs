//! A candidate beside its baseline: what was found, how sure that is, and both sides' figures; and
//! each target against its own past.

use serde_json::{Value, json};

use crate::frame::{Dashboard, Section, drill_down, variable};
use crate::panel::{Panel, lines, links, stacked, table};
use crate::shared::{colored, dashed};
use crate::{change, sides};

const PAIRS: &str = "llm_prober_comparison_pairs_total{comparison, workload=~\"$workload\"}";
/// Of one signal of one workload of a comparison.
const BY_SIGNAL: &str = "comparison, workload, signal";

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "compare",
        title: "Compare",
        description: "Is the candidate worse than its baseline, or a target worse than it used to \
                      be? The verdicts, the evidence for them, and both sides' figures.",
        variables: vec![variable("comparison", "Comparison", "llm_prober_comparison_info{prober}")],
        sections: vec![
            Section { title: "Verdict", panels: vec![comparisons(), signals()] },
            Section { title: "Both sides", panels: sides::panels() },
            Section { title: "How much, and how sure", panels: evidence() },
            Section { title: "Pairs", panels: pairs() },
            Section { title: "Against its own past", panels: change::panels() },
        ],
    }
}

/// 2: regressed, 1: not worse, 0: undecided.
fn verdict(metric: &str, by: &str) -> String {
    let of = |verdict: &str| {
        format!(
            "max by ({by}) (llm_prober_comparison_{metric}{{comparison, verdict=\"{verdict}\"}})"
        )
    };
    format!("2 * {} + {}", of("regressed"), of("not_worse"))
}

fn verdict_words() -> Vec<(&'static str, Value)> {
    let mut properties = colored("text", &[]);
    let words = json!([{"type": "value", "options": {
        "0": {"text": "undecided", "color": "text", "index": 0},
        "1": {"text": "not worse", "color": "green", "index": 1},
        "2": {"text": "regressed", "color": "red", "index": 2},
    }}]);
    properties.push(("mappings", words));
    properties
}

/// A table of one row per set of labels, and a named column with a unit per expression.
pub fn columns(panel: Panel, columns: &[(&str, String, &str)], hidden: &[&str]) -> Panel {
    let value = |i: usize| format!("Value #{}", char::from(b'A' + u8::try_from(i).unwrap()));
    let hidden: serde_json::Map<_, _> =
        hidden.iter().chain(&["Time"]).map(|name| ((*name).to_owned(), json!(true))).collect();
    let names: serde_json::Map<_, _> =
        columns.iter().enumerate().map(|(i, (name, ..))| (value(i), json!(name))).collect();
    let panel = columns.iter().fold(panel, |p, (_, expression, _)| p.column(expression));
    let panel = panel
        .transform("merge", &json!({}))
        .transform("organize", &json!({"excludeByName": hidden, "renameByName": names}));
    columns.iter().fold(panel, |p, (name, _, unit)| p.field(name, &[("unit", json!(unit))]))
}

fn no_comparison(panel: Panel) -> Panel {
    panel.default("noValue", json!("No comparison is configured"))
}

fn comparisons() -> Panel {
    let info = "max by (comparison, baseline, candidate, order) \
                (llm_prober_comparison_info{comparison})";
    let counted = |metric: &str| {
        format!(
            "sum by (comparison) (increase(llm_prober_comparison_{metric}_total{{comparison}}\
             [$__range]))"
        )
    };
    let of = [
        ("is", info.to_owned(), "short"),
        ("Verdict", verdict("verdict", "comparison"), "short"),
        (
            "Tolerance",
            "max by (comparison) (llm_prober_comparison_tolerance_ratio{comparison})".into(),
            "percentunit",
        ),
        ("Pairs", counted("pairs"), "locale"),
        ("Both failed", counted("both_failed_pairs"), "locale"),
        ("Dropped", counted("rounds_dropped"), "locale"),
    ];
    let panel = table(
        "Comparisons",
        "The verdict on each since it began, and what became of its rounds in the time shown. Not \
         worse: by less than the tolerance. A verdict is never taken back.",
        "short",
    );
    let side = |name: &str| {
        let url = drill_down("target", "${__value.raw}");
        [("displayName", json!(name)), ("links", links("Show the target", &url))]
    };
    let panel = columns(panel, &of, &["Value #A"])
        .thresholds("text", &[])
        .default("decimals", json!(0))
        .field("Verdict", &verdict_words())
        .field("Tolerance", &[("decimals", json!(1))])
        .field("comparison", &[("displayName", json!("Comparison"))])
        .field("order", &[("displayName", json!("Order"))])
        .field("baseline", &side("Baseline"))
        .field("candidate", &side("Candidate"));
    no_comparison(panel).size(24, 5)
}

fn signals() -> Panel {
    let max = |metric: &str, more: &str| {
        format!("max by ({BY_SIGNAL}) (llm_prober_comparison_{metric}{{comparison{more}}})")
    };
    let needed = |verdict: &str| {
        format!(
            "{} / on (comparison) group_left () max by (comparison) \
             (llm_prober_comparison_verdict_evidence_threshold\
             {{comparison, verdict=\"{verdict}\"}})",
            max("verdict_evidence", &format!(", verdict=\"{verdict}\""))
        )
    };
    let worse = |side: &str| {
        format!(
            "sum by ({BY_SIGNAL}) (increase(llm_prober_comparison_discordant_pairs_total\
             {{comparison, worse=\"{side}\"}}[$__range]))"
        )
    };
    let of = [
        ("Verdict", verdict("signal_verdict", BY_SIGNAL), "short"),
        ("Candidate / baseline", max("effect_ratio", ""), "short"),
        ("at least", max("effect_lower_ratio", ""), "short"),
        ("at most", max("effect_upper_ratio", ""), "short"),
        ("For regressed", needed("regressed"), "percentunit"),
        ("For not worse", needed("not_worse"), "percentunit"),
        ("Only candidate bad", worse("candidate"), "locale"),
        ("Only baseline bad", worse("baseline"), "locale"),
    ];
    let panel = table(
        "Signal by signal",
        "The median of candidate / baseline with its bounds (95 %), the evidence for each verdict \
         as a share of what it needs (on the scale of logarithms), and the pairs in the time shown \
         of which only one side failed or missed its SLO.",
        "short",
    );
    let panel = columns(panel, &of, &[]).thresholds("text", &[]).default("decimals", json!(2));
    let panel = ["For regressed", "For not worse", "Only candidate bad", "Only baseline bad"]
        .iter()
        .fold(panel, |p, name| p.field(name, &[("decimals", json!(0))]));
    let panel = panel
        .field("Verdict", &verdict_words())
        .field("comparison", &[("displayName", json!("Comparison"))])
        .field("workload", &[("displayName", json!("Workload"))])
        .field("signal", &[("displayName", json!("Signal"))]);
    no_comparison(panel)
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
            "Median of all pairs so far, within its bounds (95 %, dotted); dashed the tolerance.",
            "short",
        )
        .query(&of(""), "{{comparison}} {{workload}}")
        .query(&of("_lower"), "at least {{comparison}} {{workload}}")
        .query(&of("_upper"), "at most {{comparison}} {{workload}}")
        .query(tolerance, "tolerance of {{comparison}}")
        .default("decimals", json!(2))
        .custom(&json!({"axisSoftMin": 0.8, "axisSoftMax": 1.2}));
        dashed(change::dotted(panel, "/^at (least|most) /"), "/^tolerance of /")
    };
    let towards = |title: &str, description: &str, verdict: &str| {
        let of = |by: &str, metric: &str, more: &str| {
            format!(
                "max by ({by}) (llm_prober_comparison_verdict_evidence{metric}\
                 {{comparison{more}, verdict=\"{verdict}\"}})"
            )
        };
        let panel = lines(title, description, "short")
            .query(
                &of(BY_SIGNAL, "", ", workload=~\"$workload\""),
                "{{comparison}} {{workload}} {{signal}}",
            )
            .query(&of("comparison", "_threshold", ""), "needed by {{comparison}}");
        dashed(panel, "/^needed by /").size(12, 8)
    };
    vec![
        effect("TTFT: candidate / baseline", "ttft"),
        effect("ITL: candidate / baseline", "itl"),
        effect("Request latency: candidate / baseline", "request_latency"),
        towards(
            "Evidence for regressed",
            "Decimal logarithm of the highest evidence so far; dashed what the verdict needs.",
            "regressed",
        ),
        towards(
            "Evidence for not worse",
            "Decimal logarithm of the highest evidence so far; dashed what the verdict needs.",
            "not_worse",
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
        .query(&rate("comparison", "both_failed_pairs", ""), "both failed"),
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
    panels.into_iter().map(|panel| panel.size(6, 8)).collect()
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
