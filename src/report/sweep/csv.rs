//! A sweep as comma-separated values: one row per level (RFC 4180). Seconds are numbers; what was not
//! observed is empty.

use crate::sweep::{Figure, Level, Report};

/// The head and the rows.
#[must_use]
pub fn csv(report: &Report) -> String {
    let counts =
        ["concurrency", "loop", "rate", "requests", "sent", "completed", "cancelled", "errors"];
    let more =
        ["window", "itl_source", "input_tokens", "output_tokens", "valid", "invalid_reasons"];
    let figures = Figure::all().map(Figure::name);
    let head = counts.map(str::to_owned).into_iter().chain(figures).chain(more.map(str::to_owned));
    let mut text = line(head);
    for level in &report.levels {
        text.push_str(&line(row(level)));
    }
    text
}

fn row(level: &Level) -> impl Iterator<Item = String> {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let count = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    let errors: Vec<_> = level.errors.iter().map(|(reason, n)| format!("{reason}={n}")).collect();
    let reasons: Vec<_> = level.invalid_reasons.iter().map(ToString::to_string).collect();
    let counts = [
        level.concurrency.to_string(),
        level.loop_name.to_owned(),
        number(level.rate),
        level.requests.to_string(),
        level.sent.to_string(),
        level.completed.to_string(),
        level.cancelled.to_string(),
        errors.join(" "),
    ];
    let figures: Vec<_> = Figure::all().map(|figure| number(figure.of(level))).collect();
    let more = [
        number(level.window),
        level.itl_source.unwrap_or_default().to_owned(),
        count(level.input_tokens),
        count(level.output_tokens),
        level.valid.to_string(),
        reasons.join(" "),
    ];
    counts.into_iter().chain(figures).chain(more)
}

/// No value of ours holds a comma, a quote or a line end: they are numbers and names of closed sets.
fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<_> = cells.collect();
    format!("{}\r\n", cells.join(","))
}
