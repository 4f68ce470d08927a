//! Whether a target has got worse than it used to be.

use serde_json::json;

use crate::compare::columns;
use crate::frame::drill_down;
use crate::panel::{Panel, lines, links, table};
use crate::shared::{colored, dashed};

const BY: &str = "target, workload, signal";

/// The series of a metric that are about the own past, not about a comparison.
fn past(metric: &str) -> String {
    format!("llm_prober_change_{metric}{{probe, comparison=\"\"}}")
}

fn max(metric: &str) -> String {
    format!("max by ({BY}) ({})", past(metric))
}

pub fn panels() -> Vec<Panel> {
    let panels = vec![states(), evidence(), effect()];
    panels
        .into_iter()
        .map(|panel| panel.default("noValue", json!("No target is held against its past")))
        .collect()
}

fn states() -> Panel {
    let of = [
        ("Alarm", max("alarm_active"), "short"),
        ("Evidence", max("evidence"), "short"),
        ("Needed", max("evidence_threshold"), "short"),
        ("Now / past", max("effect_ratio"), "short"),
        ("at least", max("effect_lower_ratio"), "short"),
        ("at most", max("effect_upper_ratio"), "short"),
        (
            "Alarms",
            format!("sum by ({BY}) (increase({}[$__range]))", past("alarms_total")),
            "locale",
        ),
        ("Last alarm", format!("time() - {}", max("last_alarm_timestamp_seconds")), "s"),
        ("Reference", max("reference_samples"), "locale"),
        ("Reference age", format!("time() - {}", max("reference_timestamp_seconds")), "s"),
    ];
    let panel = table(
        "Changes",
        "Each figure of each target against the reference from its own past: the evidence and what \
         an alarm needs (decimal logarithms), the median ratio since the last alarm began or ended \
         with its bounds (95 %), the alarms in the time shown, and how many observations the \
         reference has and how long ago it was complete.",
        "short",
    );
    let panel = columns(panel, &of, &[]).thresholds("text", &[]).default("decimals", json!(2));
    let mut alarm = colored("text", &[]);
    alarm.push((
        "mappings",
        json!([{"type": "value", "options": {
            "0": {"text": "off", "color": "green", "index": 0},
            "1": {"text": "on", "color": "red", "index": 1},
        }}]),
    ));
    let url = drill_down("target", "${__value.raw}");
    ["Alarms", "Reference", "Last alarm", "Reference age"]
        .iter()
        .fold(panel, |p, name| p.field(name, &[("decimals", json!(0))]))
        .field("Alarm", &alarm)
        .field(
            "target",
            &[("displayName", json!("Target")), ("links", links("Show the target", &url))],
        )
        .field("workload", &[("displayName", json!("Workload"))])
        .field("signal", &[("displayName", json!("Signal"))])
}

fn evidence() -> Panel {
    let panel = lines(
        "Evidence for a change",
        "Decimal logarithm of the evidence that a figure has got worse; dashed what an alarm needs.",
        "short",
    )
    .query(&max("evidence"), "{{target}} {{workload}} {{signal}}")
    .query(&format!("max({})", past("evidence_threshold")), "needed");
    dashed(panel, "/^needed$/").size(12, 8)
}

fn effect() -> Panel {
    let panel = lines(
        "Now / past",
        "Median ratio to the median of the reference; dotted its bounds (95 %).",
        "short",
    )
    .query(&max("effect_ratio"), "{{target}} {{workload}} {{signal}}")
    .query(&max("effect_lower_ratio"), "at least {{target}} {{workload}} {{signal}}")
    .query(&max("effect_upper_ratio"), "at most {{target}} {{workload}} {{signal}}")
    .default("decimals", json!(2))
    .custom(&json!({"axisSoftMin": 0.8, "axisSoftMax": 1.2}));
    dotted(panel, "/^at (least|most) /").size(12, 8)
}

/// Draws the series whose names match dotted, and not in the legend.
pub fn dotted(mut panel: Panel, names: &str) -> Panel {
    let hidden = json!({"legend": true, "tooltip": false, "viz": false});
    panel.json["fieldConfig"]["overrides"].as_array_mut().unwrap().push(json!({
        "matcher": {"id": "byRegexp", "options": names},
        "properties": [
            {"id": "custom.lineStyle", "value": {"fill": "dot", "dash": [0, 6]}},
            {"id": "custom.hideFrom", "value": hidden},
            {"id": "color", "value": {"mode": "fixed", "fixedColor": "text"}},
        ],
    }));
    panel
}
