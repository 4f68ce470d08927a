//! A sweep for a terminal.

use std::fmt::Write;

use super::plot::plot;
use super::words::{errors, knee, load, number, percent, seconds};
use crate::sweep::{
    Figure, Latency, Level, LevelConfidence, Report, Single, Statistic, Statistics,
};

const COLUMNS: [&str; 8] = ["avg", "min", "max", "p50", "p90", "p95", "p99", "std"];

/// Everything: a block for each level, the plot, the knee.
#[must_use]
pub fn table(report: &Report, threshold: f64) -> String {
    let subject = &report.subject;
    let model = subject.model.as_deref().unwrap_or("model unknown");
    let mut text = format!(
        "{} ({model}), {}, workload {}, seed {}\n",
        subject.target, subject.dialect, subject.workload, subject.seed
    );
    for (index, level) in report.levels.iter().enumerate() {
        block(&mut text, level, report.confidence.get(index));
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n{}", plot(report));
    if let Some(adaptive) = &report.adaptive {
        let end = if adaptive.complete { "" } else { ", and the search did not come to its end" };
        let _ =
            writeln!(text, "{} requests sent, in flight at a stop included{end}", adaptive.sent);
    }
    let _ = writeln!(text, "{}", knee(report, threshold));
    text
}

fn block(text: &mut String, level: &Level, confidence: Option<&LevelConfidence>) {
    let cancelled = match level.cancelled {
        0 => String::new(),
        n => format!(", {n} cancelled"),
    };
    let errors = match errors(level) {
        none if none.is_empty() => none,
        some => format!(", {some}"),
    };
    let _ = writeln!(
        text,
        "\n{}: {} sent, {} completed{cancelled}{errors}, window {}",
        load(level),
        level.sent,
        level.completed,
        seconds(level.window),
    );
    let mut head = String::new();
    for column in COLUMNS {
        let _ = write!(head, "{column:>11}");
    }
    let _ = writeln!(text, "  {:<15}{head}", "");
    let rows = [
        ("TTFT", Latency::Ttft),
        ("TTST", Latency::Ttst),
        ("ITL", Latency::Itl),
        ("request latency", Latency::RequestLatency),
    ];
    for (name, latency) in rows {
        let mut cells = String::new();
        for value in values(latency.of(level)) {
            let _ = write!(cells, "{:>11}", seconds(value));
        }
        let _ = writeln!(text, "  {name:<15}{cells}");
    }
    let _ = writeln!(
        text,
        "  {} requests/s, {} output tokens/s, {} per user; goodput {} requests/s, attainment {}",
        number(level.request_rate),
        number(level.output_tokens_per_second),
        number(level.output_tokens_per_second_per_user),
        number(level.goodput),
        percent(level.attainment),
    );
    let _ = writeln!(
        text,
        "  the prober itself: schedule delay p99 {}, {} of tokens coalesced",
        seconds(level.schedule_delay_p99),
        percent(level.coalesced_ratio),
    );
    if let Some(confidence) = confidence {
        intervals(text, confidence);
    }
    for reason in &level.invalid_reasons {
        let _ = writeln!(text, "  INVALID: {reason}: {}", reason.in_words());
    }
}

fn values(sample: Option<&Statistics>) -> [Option<f64>; 8] {
    let Some(s) = sample else { return [None; 8] };
    [s.avg, s.min, s.max, s.p50, s.p90, s.p95, s.p99, s.std].map(Some)
}

/// Of the figures that are looked at first.
fn intervals(text: &mut String, confidence: &LevelConfidence) {
    let figures = [
        ("TTFT p50", Figure::Sampled(Latency::Ttft, Statistic::P50)),
        ("ITL avg", Figure::Sampled(Latency::Itl, Statistic::Avg)),
        ("requests/s", Figure::Single(Single::RequestRate)),
        ("attainment", Figure::Single(Single::Attainment)),
    ];
    let shown = figures.iter().filter_map(|(name, figure)| {
        let interval = confidence.figures.get(&figure.name())?;
        let (low, high) = match figure {
            Figure::Sampled(..) => (seconds(Some(interval.low)), seconds(Some(interval.high))),
            Figure::Single(Single::Attainment) => {
                let within = |share: f64| percent(Some(share.clamp(0.0, 1.0)));
                (within(interval.low), within(interval.high))
            }
            Figure::Single(_) => (number(Some(interval.low)), number(Some(interval.high))),
        };
        Some(format!("{name} {low} to {high}"))
    });
    let shown: Vec<_> = shown.collect();
    if !shown.is_empty() {
        let _ = writeln!(text, "  95 % confidence over the runs: {}", shown.join(", "));
    }
}

/// The columns of [`row`].
#[must_use]
pub fn title() -> String {
    format!(
        "{:>14}  {:>6}  {:>10}  {:>10}  {:>10}  {:>8}  {:>10}",
        "load", "sent", "TTFT p50", "TTFT p99", "ITL p50", "req/s", "attainment"
    )
}

/// A level in a line, while a sweep is under way.
#[must_use]
pub fn row(level: &Level) -> String {
    let invalid = if level.valid { "" } else { "  INVALID" };
    let of = |latency, statistic| Figure::Sampled(latency, statistic).of(level);
    format!(
        "{:>14}  {:>6}  {:>10}  {:>10}  {:>10}  {:>8}  {:>10}{invalid}",
        level.load().to_string(),
        level.sent,
        seconds(of(Latency::Ttft, Statistic::P50)),
        seconds(of(Latency::Ttft, Statistic::P99)),
        seconds(of(Latency::Itl, Statistic::P50)),
        number(level.request_rate),
        percent(level.attainment),
    )
}
