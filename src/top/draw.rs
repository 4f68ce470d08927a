//! The screen.

use std::time::{Duration, UNIX_EPOCH};

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Cell, Paragraph, Table, TableState};

use super::app::{App, View};
use super::columns::{self, Column, column};
use super::spark::bars;
use crate::memory::history::State;
use crate::web::api::view::{ProbeSummary, TargetView};

/// From this width on a screen is wide.
const WIDE: u16 = 132;

/// The columns of targets, with sparklines and failures of these widths.
const fn target_columns(spark: u16, failures: u16) -> [Column; 8] {
    [
        column("TARGET", 11, 0).wide(),
        column("STATE", 10, 1),
        column("TTFT p95", 9, 3),
        column("1 h", spark, 6),
        column("ITL p95", 9, 4),
        column("1 h", spark, 7),
        column("GOOD", 8, 2),
        column("FAILURES", failures, 5),
    ]
}

const PROBES: [Column; 9] = [
    column("UTC", 12, 0),
    column("WORKLOAD", 8, 4).wide(),
    column("OUTCOME", 18, 1),
    column("TTFT", 9, 2),
    column("ITL", 9, 5),
    column("GAP", 9, 6),
    column("LATENCY", 9, 3),
    column("TOKENS", 6, 7),
    column("PROBE", 32, 8),
];

/// Puts everything on the screen.
pub fn draw(app: &App, frame: &mut Frame<'_>) {
    let [head, list, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)])
            .areas(frame.area());
    frame.render_widget(Paragraph::new(title(app)), head);
    let table = match &app.view {
        View::Targets => targets(app, list.width),
        View::Probes(_) => probes(app, list.width),
    };
    let selection = Style::new().add_modifier(Modifier::REVERSED);
    let table = table.row_highlight_style(selection);
    let mut state = TableState::new().with_selected(app.selected());
    frame.render_stateful_widget(table, list, &mut state);
    frame.render_widget(Paragraph::new(footer(app)), foot);
}

fn title(app: &App) -> Line<'static> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let rest = match (&app.view, &app.targets) {
        (View::Probes(target), _) => format!("  probes of {target}"),
        (View::Targets, None) => "  …".to_owned(),
        (View::Targets, Some(list)) => {
            let of = |state| list.targets.iter().filter(|t| t.state.0 == state).count();
            let states = State::ALL.map(|state| (of(state), state.as_str()));
            let counts = states.iter().filter(|(n, _)| *n > 0);
            let counts: Vec<_> = counts.map(|(n, state)| format!("{n} {state}")).collect();
            format!("  {} targets: {}", list.total, counts.join(", "))
        }
    };
    Line::from(vec![Span::styled(format!("llm-prober {}", app.url), bold), Span::raw(rest)])
}

fn footer(app: &App) -> Line<'static> {
    if let Some(error) = &app.error {
        return Line::styled(error.clone(), Style::new().fg(Color::Red));
    }
    Line::raw(match app.view {
        View::Targets => "↑↓ select   enter probes   q quit",
        View::Probes(_) => "↑↓ select   esc back   q quit",
    })
}

fn targets(app: &App, width: u16) -> Table<'static> {
    let (spark, failures, spacing) = if width < WIDE { (6, 14, 1) } else { (30, 24, 2) };
    let list = app.targets.as_ref().map_or(&[][..], |list| &list.targets);
    let rows = list.iter().map(|target| target_row(target, usize::from(spark)));
    columns::table(&target_columns(spark, failures), rows, width, spacing)
}

fn target_row(target: &TargetView, spark: usize) -> Vec<Cell<'static>> {
    let (hour, minutes) = (&target.hour, &target.hour.minutes);
    let good = (hour.probes > 0).then(|| f64::from(hour.good) / f64::from(hour.probes));
    vec![
        Cell::from(target.name.clone()),
        Cell::from(target.state.0.as_str()).style(colour(target.state.0)),
        number(seconds(hour.ttft.as_ref().map(|q| q.p95))),
        Cell::from(bars(&minutes.ttft_p50, spark)),
        number(seconds(hour.itl.as_ref().map(|q| q.p95))),
        Cell::from(bars(&minutes.itl_p50, spark)),
        number(good.map_or_else(dash, |share| format!("{:.1} %", 100.0 * share))),
        Cell::from(failures(target)),
    ]
}

/// The most frequent reasons first.
fn failures(target: &TargetView) -> String {
    let mut reasons: Vec<_> = target.hour.failures.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let reasons: Vec<_> = reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    reasons.join(", ")
}

fn probes(app: &App, width: u16) -> Table<'static> {
    let list = app.probes.as_ref().map_or(&[][..], |list| &list.probes);
    columns::table(&PROBES, list.iter().map(probe_row), width, 1)
}

fn probe_row(probe: &ProbeSummary) -> Vec<Cell<'static>> {
    let outcome = match (&probe.reason, &probe.odd, probe.http_status) {
        (Some(reason), _, Some(status)) if status != 200 => {
            format!("{} {status}", reason.0.as_str())
        }
        (Some(reason), _, _) => reason.0.as_str().to_owned(),
        (None, Some(odd), _) => odd.0.as_str().to_owned(),
        (None, None, _) => "success".to_owned(),
    };
    let state = match (probe.reason.is_some(), probe.good) {
        (true, _) => State::Failing,
        (false, false) => State::Degraded,
        (false, true) => State::Healthy,
    };
    vec![
        Cell::from(time(probe.started_unix_seconds)),
        Cell::from(probe.workload.clone()),
        Cell::from(outcome).style(colour(state)),
        number(seconds(probe.ttft)),
        number(seconds(probe.itl)),
        number(seconds(probe.longest_gap)),
        number(seconds(probe.request_latency)),
        number(probe.output_tokens.map_or_else(dash, |n| n.to_string())),
        Cell::from(probe.id.clone()),
    ]
}

fn colour(state: State) -> Style {
    Style::new().fg(match state {
        State::Failing => Color::Red,
        State::Degraded => Color::Yellow,
        State::NotProbed => Color::DarkGray,
        State::Healthy => Color::Green,
    })
}

fn number(text: String) -> Cell<'static> {
    Cell::from(Text::raw(text).alignment(Alignment::Right))
}

fn dash() -> String {
    "–".to_owned()
}

fn seconds(value: Option<f64>) -> String {
    match value {
        None => dash(),
        Some(s) if s < 1.0 => format!("{:.1} ms", s * 1e3),
        Some(s) => format!("{s:.2} s"),
    }
}

/// The time of day.
fn time(unix_seconds: f64) -> String {
    let since = Duration::try_from_secs_f64(unix_seconds).unwrap_or_default();
    let text = humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string();
    text.get(11..23).unwrap_or_default().to_owned()
}
