//! A sweep as tables of Markdown.

use std::fmt::Write;

use super::words::{errors, knee, number, percent, seconds};
use crate::sweep::{Figure, Latency, Level, Report, Statistic};

/// What is looked at first, each level in a row; then every latency in full; then the knee.
#[must_use]
pub fn markdown(report: &Report, threshold: f64) -> String {
    let mut text =
        "| load | sent | TTFT p50 | TTFT p99 | ITL avg | requests/s | output tokens/s | \
                    goodput/s | attainment | errors |\n\
                    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n"
            .to_owned();
    for level in &report.levels {
        text.push_str(&overview(level));
    }
    text.push_str("\n| load | figure | avg | min | max | p50 | p90 | p95 | p99 | std |\n");
    text.push_str("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    let figures = [
        ("TTFT", Latency::Ttft),
        ("TTST", Latency::Ttst),
        ("ITL", Latency::Itl),
        ("request latency", Latency::RequestLatency),
    ];
    for level in &report.levels {
        for (name, latency) in figures {
            let Some(s) = latency.of(level) else { continue };
            let values = [s.avg, s.min, s.max, s.p50, s.p90, s.p95, s.p99, s.std];
            let values = values.map(|value| seconds(Some(value))).join(" | ");
            // Writing to a String cannot fail.
            let _ = writeln!(text, "| {} | {name} | {values} |", level.load());
        }
    }
    let _ = writeln!(text, "\n{}", knee(report, threshold).replace('\n', "; "));
    text
}

fn overview(level: &Level) -> String {
    let of = |latency, statistic| seconds(Figure::Sampled(latency, statistic).of(level));
    let invalid = if level.valid { "" } else { " (invalid)" };
    format!(
        "| {}{invalid} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        level.load(),
        level.sent,
        of(Latency::Ttft, Statistic::P50),
        of(Latency::Ttft, Statistic::P99),
        of(Latency::Itl, Statistic::Avg),
        number(level.request_rate),
        number(level.output_tokens_per_second),
        number(level.goodput),
        percent(level.attainment),
        errors(level),
    )
}
