//! Whether a target has got worse than it used to be, or a candidate after its verdict.

use serde_json::json;

use super::frame::drill_down;
use super::panel::{Panel, lines, links, table};
use super::shared::{colored, columns, dashed, dotted};

const PAST: &str = "{probe, comparison=\"\"}";
const COMPARED: &str = "{side, comparison=~\"$comparison\", comparison!=\"\"}";
/// What the signals of a workload have in common.
const OF_PAST: &str = "target, workload";
const OF_COMPARISON: &str = "comparison, workload";

/// A column of a table: name, expression, unit.
type Column = (&'static str, String, &'static str);

/// Targets against their own past.
pub fn past() -> Vec<Panel> {
    let evidence = evidence(
        "Evidence against the past",
        "Decimal logarithm of the evidence that a figure has got worse than it used to be; dashed \
         what an alarm needs.",
        PAST,
    );
    let panels = [changes(), references(), evidence.size(12, 9), effect().size(12, 9)];
    panels.map(|p| p.default("noValue", json!("No target is held against its past"))).into()
}

/// Alarms of candidates against their baselines.
pub fn compared() -> Vec<Panel> {
    let panel = table(
        "Changes of candidates",
        "Whether a candidate has got worse, which takes *not worse* back: the evidence and what an alarm needs (decimal logarithms), the median ratio to the baseline \
         since the alarm last went on or off with its bounds (95 %), the alarms in the time shown, \
         and how long ago the last one was.",
        "short",
    );
    let evidence = evidence(
        "Evidence against the baseline",
        "Decimal logarithm of the evidence that a candidate has got worse than its baseline; dashed \
         what an alarm needs. While one is on, the verdict is changed, unless it is regressed.",
        COMPARED,
    );
    let changes = rows(panel, &state(OF_COMPARISON, COMPARED)).size(24, 8);
    let panels = [changes, evidence.size(24, 8)];
    panels.map(|p| p.default("noValue", json!("No comparison is configured"))).into()
}

fn changes() -> Panel {
    let panel = table(
        "Changes",
        "Each figure of each target against the reference from its own past: the evidence and what \
         an alarm needs (decimal logarithms), the median ratio since the alarm last went on or off \
         with its bounds (95 %), the alarms in the time shown, and how long ago the last one was. \
         Empty while the reference is being collected.",
        "short",
    );
    rows(panel, &state(OF_PAST, PAST)).size(24, 9)
}

fn references() -> Panel {
    let panel = table(
        "References",
        "How many observations the reference of each workload has, of the signal that has least of \
         them, and how long ago it was complete.",
        "short",
    );
    let of = [
        ("Reference", max(OF_PAST, "reference_samples", PAST), "locale"),
        ("Its age", ago(OF_PAST, "reference_timestamp_seconds", PAST), "s"),
    ];
    rows(panel, &of).size(24, 6)
}

fn max(by: &str, metric: &str, series: &str) -> String {
    format!("max by ({by}) (llm_prober_change_{metric}{series})")
}

fn ago(by: &str, metric: &str, series: &str) -> String {
    format!("time() - {}", max(by, metric, series))
}

/// Of each signal; `by` are the labels of what its workload has once.
fn state(by: &str, series: &str) -> Vec<Column> {
    let signal = format!("{by}, signal");
    let max = |metric: &str| max(&signal, metric, series);
    let threshold = self::max(by, "evidence_threshold", series);
    let needed = format!("0 * {} + on ({by}) group_left () {threshold}", max("alarm_active"));
    // The counter begins with its first alarm, which an increase would miss.
    let last = format!("llm_prober_change_last_alarm_timestamp_seconds{series}[$__range]");
    let alarms = format!(
        "sum by ({signal}) (changes({last}) \
         + (min_over_time({last}) > bool (time() - $__range_s))) or 0 * {}",
        max("alarm_active")
    );
    vec![
        ("Alarm", max("alarm_active"), "short"),
        ("Evidence", max("evidence"), "short"),
        ("Needed", needed, "short"),
        ("Ratio", max("effect_ratio"), "short"),
        ("at least", max("effect_lower_ratio"), "short"),
        ("at most", max("effect_upper_ratio"), "short"),
        ("Alarms", alarms, "locale"),
        ("Last alarm", ago(&signal, "last_alarm_timestamp_seconds", series), "s"),
    ]
}

fn rows(panel: Panel, of: &[Column]) -> Panel {
    let panel = columns(panel, of, &[]).thresholds("text", &[]).default("decimals", json!(2));
    let mut alarm = colored("text", &[]);
    alarm.push((
        "mappings",
        json!([{"type": "value", "options": {
            "0": {"text": "off", "color": "green", "index": 0},
            "1": {"text": "on", "color": "red", "index": 1},
        }}]),
    ));
    let url = drill_down("target", "${__value.raw}");
    let target = [("displayName", json!("Target")), ("links", links("Show the target", &url))];
    ["Alarms", "Reference", "Last alarm", "Its age"]
        .iter()
        .fold(panel, |p, name| p.field(name, &[("decimals", json!(0))]))
        .field("Alarm", &alarm)
        .field("target", &target)
        .field("comparison", &[("displayName", json!("Comparison"))])
        .field("workload", &[("displayName", json!("Workload"))])
        .field("signal", &[("displayName", json!("Signal")), ("custom.minWidth", json!(130))])
}

/// Of the workload that has most.
fn evidence(title: &str, description: &str, series: &str) -> Panel {
    let most = format!("max by (target, signal) (llm_prober_change_evidence{series})");
    let needed = format!("max(llm_prober_change_evidence_threshold{series})");
    let panel = lines(title, description, "short")
        .query(&most, "{{target}} {{signal}}")
        .query(&needed, "needed");
    dashed(panel, "/^needed$/")
}

fn effect() -> Panel {
    let of = |of: &str, bound: &str| {
        format!("{of} by (target, signal) (llm_prober_change_effect{bound}_ratio{PAST})")
    };
    let panel = lines(
        "Now / past",
        "Median ratio to the median of the reference, of the workload with the largest; dotted its \
         bounds (95 %).",
        "short",
    )
    .query(&of("max", ""), "{{target}} {{signal}}")
    .query(&of("max", "_lower"), "at least {{target}} {{signal}}")
    .query(&of("max", "_upper"), "at most {{target}} {{signal}}")
    .default("decimals", json!(2))
    .custom(&json!({"axisSoftMin": 0.8, "axisSoftMax": 1.2}));
    dotted(panel, "/^at (least|most) /")
}
