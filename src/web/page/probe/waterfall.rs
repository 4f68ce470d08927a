//! Phases as bars on one time axis, then reads and tokens as ticks: a table whose pictures repeat
//! what its cells say.

use std::collections::BTreeSet;
use std::fmt::Write;

use maud::{Markup, html};

use crate::answer::measure::{Phase, PhaseSpan};
use crate::answer::recording::Offset;
use crate::memory::history::Flight;
use crate::report::unfinished::unfinished;
use crate::web::page::figure;

/// Units of the pictures' width, also the most ticks that are drawn.
const WIDTH: u16 = 1000;
const HEIGHT: u16 = 16;

/// Maps instants to the width.
struct Axis {
    end: Offset,
}

impl Axis {
    fn of(flight: &Flight) -> Self {
        let probe = &flight.probe;
        let ends = probe.outcome.measurement.phases.iter().map(PhaseSpan::end);
        Self { end: ends.chain([probe.recording.ended, Offset(1)]).max().unwrap_or(Offset(1)) }
    }

    fn x(&self, at: Offset) -> u16 {
        let x = i128::from(at.0.max(0)) * i128::from(WIDTH) / i128::from(self.end.0);
        u16::try_from(x).unwrap_or(WIDTH).min(WIDTH)
    }
}

pub(super) fn section(flight: &Flight) -> Markup {
    let (recording, m) = (&flight.probe.recording, &flight.probe.outcome.measurement);
    let axis = Axis::of(flight);
    let source = recording.timestamp_source();
    let reads: Vec<_> = recording.chunks.iter().map(|c| recording.at(&c.arrival, source)).collect();
    let unfinished = unfinished(&flight.probe);
    if m.phases.is_empty() && reads.is_empty() && unfinished.is_none() {
        return html! {};
    }
    html! {
        section aria-labelledby="waterfall" {
            h2 #waterfall { "Waterfall" }
            table.waterfall role="table" {
                caption { "Phases from the start of the probe, " (figure::duration(axis.end.since(Offset::default()))) " in all" }
                thead role="rowgroup" {
                    tr role="row" {
                        th scope="col" role="columnheader" { "Phase" }
                        th.axis scope="col" role="columnheader" { span.unseen { "When" } (scale(&axis)) }
                        th.number scope="col" role="columnheader" { "Began at" }
                        th.number scope="col" role="columnheader" { "Took" }
                    }
                }
                tbody role="rowgroup" {
                    @for span in &m.phases { (row(&axis, span, true)) }
                    @if let Some(span) = &unfinished {
                        (row(&axis, span, false))
                    }
                    @if !reads.is_empty() { (ticks(&axis, "reads", "Reads", &reads)) }
                    @if !m.content_at.is_empty() { (ticks(&axis, "tokens", "Tokens", &m.content_at)) }
                }
            }
        }
    }
}

fn row(axis: &Axis, span: &PhaseSpan, finished: bool) -> Markup {
    let class = if finished { span.phase.as_str() } else { "unfinished" };
    html! {
        tr role="row" {
            th scope="row" role="rowheader" {
                (name(span.phase))
                @if !finished { " " span.badge.bad { "✕ unfinished" } }
            }
            td.picture role="cell" { (bar(axis, span, class)) }
            td.number role="cell" { (offset(span.start)) }
            td.number role="cell" { (figure::duration(span.duration)) }
        }
    }
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Resolve => "Resolve",
        Phase::Connect => "Connect",
        Phase::Tls => "TLS",
        Phase::Send => "Send",
        Phase::Processing => "Processing (until the first byte)",
        Phase::FirstToken => "First token (after the first byte)",
        Phase::Decode => "Decode",
        Phase::Tail => "Tail (after the last token)",
    }
}

fn offset(at: Offset) -> String {
    figure::duration(at.since(Offset::default()))
}

fn scale(axis: &Axis) -> Markup {
    let at = |quarter: i64| offset(Offset(axis.end.0 / 4 * quarter));
    html! {
        span.scale aria-hidden="true" {
            @for quarter in 0..4 { span { (at(quarter)) } }
        }
    }
}

fn bar(axis: &Axis, span: &PhaseSpan, class: &str) -> Markup {
    let (from, to) = (axis.x(span.start), axis.x(span.end()));
    let from = from.min(WIDTH - 3);
    html! {
        svg.bar aria-hidden="true" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" {
            // A phase too short to see is still there.
            rect.{ (class) } x=(from) y="2" width=((to.saturating_sub(from)).max(3)) height=(HEIGHT - 4) {}
        }
    }
}

/// Instants that fall on the same place are one tick.
fn ticks(axis: &Axis, class: &str, name: &str, instants: &[Offset]) -> Markup {
    let places: BTreeSet<_> = instants.iter().map(|at| axis.x(*at)).collect();
    let mut path = String::new();
    for x in places {
        let _ = write!(path, "M{x} 3v10"); // writing to a String cannot fail
    }
    let (first, last) = (instants.first(), instants.last());
    let took = first.zip(last).map(|(first, last)| last.since(*first));
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { (name) " (" (figure::count(instants.len() as u64)) ")" }
            td.picture role="cell" {
                svg.bar aria-hidden="true" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" {
                    path.{ (class) } d=(path) {}
                }
            }
            td.number role="cell" { @if let Some(first) = first { (offset(*first)) } }
            td.number role="cell" { (figure::duration_or_none(took)) }
        }
    }
}
