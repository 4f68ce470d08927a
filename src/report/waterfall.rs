//! One probe as a waterfall in a terminal: phases as bars, tokens as ticks, then the figures.

use std::fmt::Write;
use std::time::Duration;

use super::unfinished::unfinished;
use crate::answer::failure::Failure;
use crate::answer::measure::{Measurement, PhaseSpan};
use crate::answer::recording::Offset;
use crate::answer::slo::ObjectiveKind;
use crate::probe::Probe;

/// Columns of the time axis.
const WIDTH: usize = 60;

/// Draws a probe.
#[must_use]
pub fn draw(target: &str, probe: &Probe) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail, here and below.
    let (target, workload) = (harmless(target), harmless(&probe.workload.name));
    let _ = writeln!(out, "{target} / {workload}  probe {}", probe.id.as_str());
    let m = &probe.outcome.measurement;
    let axis = Axis::of(m, probe.recording.ended);
    for span in &m.phases {
        let _ = writeln!(out, "{}", bar(span, '█', &axis));
    }
    if let Some(span) = unfinished(probe) {
        let _ = writeln!(out, "{}  unfinished", bar(&span, '░', &axis));
    }
    if !m.content_at.is_empty() {
        let _ = writeln!(out, "  {:<12} {}", "tokens", ticks(&m.content_at, &axis));
    }
    out.push_str(&verdict(probe));
    out.push_str(&figures(m));
    out
}

/// Maps an instant to a column.
struct Axis {
    end: i64,
}

impl Axis {
    fn of(m: &Measurement, ended: Offset) -> Self {
        let spans = m.phases.iter().map(|s| s.end().0);
        Self { end: spans.chain([ended.0]).max().unwrap_or(1).max(1) }
    }

    fn column(&self, at: i64) -> usize {
        let column = i128::from(at.max(0)) * WIDTH as i128 / i128::from(self.end);
        usize::try_from(column).unwrap_or(0).min(WIDTH - 1)
    }
}

fn bar(span: &PhaseSpan, fill: char, axis: &Axis) -> String {
    let first = axis.column(span.start.0);
    let last = axis.column(span.end().0);
    let fill = fill.to_string().repeat(last - first + 1);
    let bar = format!("{}{fill}", " ".repeat(first));
    let padding = " ".repeat(WIDTH - last - 1);
    format!("  {:<12} {bar}{padding} {:>12}", span.phase.as_str(), show(span.duration))
}

fn ticks(content: &[Offset], axis: &Axis) -> String {
    let mut columns = [' '; WIDTH];
    for at in content {
        columns[axis.column(at.0)] = '·';
    }
    columns.iter().collect()
}

fn verdict(probe: &Probe) -> String {
    let outcome = &probe.outcome;
    let status = outcome.http_status.map_or_else(String::new, |s| format!(" (status {s})"));
    let mut out = match &outcome.result {
        Ok(()) => format!("  success{status}\n"),
        Err(failure) => format!("  FAILED: {}{status}{}\n", failure.reason, detail(failure)),
    };
    for verdict in &outcome.verdicts {
        let missed: Vec<_> = verdict.missed().map(ObjectiveKind::as_str).collect();
        let judged = if verdict.good {
            "good".to_owned()
        } else if missed.is_empty() {
            "MISSED: the probe failed".to_owned()
        } else {
            format!("MISSED: {}", missed.join(", "))
        };
        let _ = writeln!(out, "  slo {}: {judged}", verdict.slo);
    }
    out
}

/// In one line, and without control codes for the terminal: a file of somebody else's may hold any.
fn harmless(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// The server's words, and on a line of its own what we say.
fn detail(failure: &Failure) -> String {
    let explanation = failure.explanation.as_deref().unwrap_or_default();
    let (said, why) = (harmless(&failure.detail), harmless(explanation));
    let said = match () {
        () if said.is_empty() || why.contains(&said) => String::new(),
        () => format!(": {said}"),
    };
    if why.is_empty() { said } else { format!("{said}\n  {why}") }
}

fn figures(m: &Measurement) -> String {
    let durations = [
        ("time to first byte", m.ttfb),
        ("time to first token", m.ttft),
        ("  with connect", m.ttft_with_connect),
        ("time to first output token", m.ttfo),
        ("time to second token", m.ttst),
        ("inter-token latency", m.itl),
        ("longest gap", m.longest_gap),
        ("request latency", m.request_latency),
    ];
    let mut out = String::new();
    for (name, duration) in durations {
        let shown = duration.map_or_else(|| "–".to_owned(), show);
        let _ = writeln!(out, "  {name:<28} {shown:>12}");
    }
    let count = |n: Option<u64>| n.map_or_else(|| "–".to_owned(), |n| n.to_string());
    let _ =
        writeln!(out, "  {:<28} {:>12}", "input tokens", count(m.input_tokens.map(|t| t.tokens)));
    let source = m.output_tokens.map_or_else(String::new, |t| format!(" {}", t.source.as_str()));
    let output = count(m.output_tokens.map(|t| t.tokens));
    let _ = writeln!(out, "  {:<28} {output:>12}{source}", "output tokens");
    out
}

fn show(duration: Duration) -> String {
    format!("{:.3} ms", duration.as_secs_f64() * 1e3)
}
