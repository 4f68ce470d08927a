//! What was found out about comparisons: a row for each, and for each signal.

use serde_json::{Value, json};

use super::frame::drill_down;
use super::panel::{Panel, links, table};
use super::shared::{colored, columns};

/// Of one signal of one workload of a comparison.
const BY_SIGNAL: &str = "comparison, workload, signal";

pub fn panels() -> Vec<Panel> {
    let none = json!("No comparison is configured");
    [comparisons(), signals()].map(|panel| panel.default("noValue", none.clone())).into()
}

/// 3: changed, 2: regressed, 1: not worse, 0: undecided.
fn verdict(metric: &str, by: &str) -> String {
    let of = |verdict: &str| {
        format!(
            "max by ({by}) (llm_prober_comparison_{metric}{{comparison, verdict=\"{verdict}\"}})"
        )
    };
    format!("3 * {} + 2 * {} + {}", of("changed"), of("regressed"), of("not_worse"))
}

/// The evidence of all streams, the failures of all workloads together included.
pub fn evidence(more: &str) -> String {
    format!("llm_prober_comparison_verdict_evidence{{comparison{more}}}")
}

/// Without the streams that *not worse* does not ask: a single workload's failures, where those of
/// all workloads are judged together.
pub fn asked(evidence: &str) -> String {
    const FAILURES: &str = "llm_prober_comparison_verdict_evidence{comparison, signal=\"failure\"";
    format!(
        "{evidence} unless ({FAILURES}, workload!=\"\"}} and ignoring (workload) \
         {FAILURES}, workload=\"\"}})"
    )
}

fn verdict_words() -> Vec<(&'static str, Value)> {
    let mut properties = colored("text", &[]);
    let words = json!([{"type": "value", "options": {
        "0": {"text": "undecided", "color": "text", "index": 0},
        "1": {"text": "not worse", "color": "green", "index": 1},
        "2": {"text": "regressed", "color": "red", "index": 2},
        "3": {"text": "changed", "color": "orange", "index": 3},
    }}]);
    properties.push(("mappings", words));
    properties
}

/// What stands for no name in particular.
fn all_workloads() -> Value {
    let means = |found: &str| {
        json!({"type": "special", "options": {
            "match": found, "result": {"text": "all workloads", "index": 0},
        }})
    };
    json!([means("empty"), means("null")])
}

fn comparisons() -> Panel {
    let info = "max by (comparison, baseline, candidate, order, run) \
                (llm_prober_comparison_info{comparison})";
    let ago = |metric: &str| {
        format!(
            "time() - max by (comparison) \
             (llm_prober_comparison_{metric}_timestamp_seconds{{comparison}})"
        )
    };
    let counted = |metric: &str| {
        format!(
            "sum by (comparison) (increase(llm_prober_comparison_{metric}_total{{comparison}}\
             [$__range]))"
        )
    };
    let of = [
        ("is", info.to_owned(), "short"),
        ("Verdict", verdict("verdict", "comparison"), "short"),
        ("Changed since", ago("changed_since"), "s"),
        ("Run since", ago("run_began"), "s"),
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
        "The one verdict on each, in the run under way, and what became of its rounds in the time \
         shown. Not worse: by less than the tolerance, by pairs since the last alarm. Changed: an \
         alarm is on, for how long is beside it. Regressed: for certain, until another run begins.",
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
        .field("run", &[("displayName", json!("Run"))])
        .field("baseline", &side("Baseline"))
        .field("candidate", &side("Candidate"));
    panel.size(24, 5)
}

fn signals() -> Panel {
    let max = |metric: &str, more: &str| {
        format!("max by ({BY_SIGNAL}) (llm_prober_comparison_{metric}{{comparison{more}}})")
    };
    let needed = |verdict: &str| {
        let evidence = evidence(&format!(", verdict=\"{verdict}\""));
        let evidence = if verdict == "not_worse" { asked(&evidence) } else { evidence };
        format!(
            "max by ({BY_SIGNAL}) ({evidence}) / on (comparison) group_left () max by (comparison) \
             (llm_prober_comparison_verdict_evidence_threshold\
             {{comparison, verdict=\"{verdict}\"}})"
        )
    };
    let worse = |side: &str| {
        format!(
            "sum by ({BY_SIGNAL}) (increase(llm_prober_comparison_discordant_pairs_total\
             {{comparison, worse=\"{side}\"}}[$__range]))"
        )
    };
    let of = [
        ("Says", verdict("signal_verdict", BY_SIGNAL), "short"),
        ("Ratio", max("effect_ratio", ""), "short"),
        ("at least", max("effect_lower_ratio", ""), "short"),
        ("at most", max("effect_upper_ratio", ""), "short"),
        ("For regressed", needed("regressed"), "percentunit"),
        ("For not worse", needed("not_worse"), "percentunit"),
        ("Only candidate", worse("candidate"), "locale"),
        ("Only baseline", worse("baseline"), "locale"),
    ];
    let panel = table(
        "Signal by signal",
        "What each says, on the way to the one verdict; the median of candidate / baseline since \
         the run began or an alarm last went on or off, with its bounds (95 %), the evidence for \
         each verdict as a share of what it needs (on the scale of logarithms), and the pairs in \
         the time shown of which only one side failed or missed its SLO. Of several workloads, failures need be \
         not worse over all of them only.",
        "short",
    );
    let panel = columns(panel, &of, &[]).thresholds("text", &[]).default("decimals", json!(2));
    let panel = ["For regressed", "For not worse", "Only candidate", "Only baseline"]
        .iter()
        .fold(panel, |p, name| p.field(name, &[("decimals", json!(0))]));
    panel
        .field("Says", &verdict_words())
        .field("comparison", &[("displayName", json!("Comparison"))])
        .field("workload", &[("displayName", json!("Workload")), ("mappings", all_workloads())])
        .field("signal", &[("displayName", json!("Signal")), ("custom.minWidth", json!(130))])
}
