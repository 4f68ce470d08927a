//! A target now, beside its last hour, day and thirty days.

use std::time::Duration;

use maud::{Markup, html};

use super::view::View;
use crate::memory::history::{Mark, Occasion, Overview, Quantiles, SloHour, Window};
use crate::web::page::table::{self, Column, number, text};
use crate::web::page::{figure, moment};

/// A row of the table.
struct Row<'a> {
    name: String,
    minutes: u32,
    probes: u32,
    failed: u32,
    ttft: Option<Quantiles>,
    itl: Option<Quantiles>,
    slos: &'a [SloHour],
}

const COLUMNS: [Column; 8] = [
    text("Last"),
    number("Probes"),
    number("Failed"),
    number("TTFT p50"),
    number("TTFT p95"),
    number("ITL p50"),
    number("ITL p95"),
    text("SLO attainment"),
];

pub(super) fn section(view: &View<'_>) -> Markup {
    let caption = html! {
        "TTFT: time to first token. ITL: inter-token latency. 24 hours and 30 days count whole hours \
         and include the current one; 30 days may reach up to 7 hours further back."
    };
    let rows = html! { @for row in rows(&view.overview) { (line(&row, view)) } };
    html! {
        section aria-labelledby="windows" data-live="windows" {
            h2 #windows { "Now, hour, day, month" }
            (table::table("cards", &caption, &COLUMNS, None, &rows))
        }
    }
}

fn rows(overview: &Overview) -> [Row<'_>; 4] {
    let Overview { now, hour, day, month, .. } = overview;
    let hour = Row {
        name: "hour".to_owned(),
        minutes: 60,
        probes: hour.probes,
        failed: hour.failures.values().sum(),
        ttft: hour.ttft,
        itl: hour.itl,
        slos: &hour.slos,
    };
    let now_name = format!("{} min (now)", now.minutes);
    [of(now_name, now), hour, of("24 hours".to_owned(), day), of("30 days".to_owned(), month)]
}

fn of(name: String, window: &Window) -> Row<'_> {
    Row {
        name,
        minutes: window.minutes,
        probes: window.probes,
        failed: window.failed(),
        ttft: window.ttft,
        itl: window.itl,
        slos: &window.slos,
    }
}

/// When it last became another server or model, if that was within the window: figures from before
/// are of the other one.
fn moved(minutes: u32, view: &View<'_>) -> Option<i64> {
    let moved = |mark: &&Mark| matches!(mark.what, Occasion::Moved(_));
    let newest = view.overview.marks.iter().find(moved)?.unix_nanos;
    let reaches_back = view.now - i64::from(minutes) * 60_000_000_000;
    (newest > reaches_back).then_some(newest)
}

fn line(row: &Row<'_>, view: &View<'_>) -> Markup {
    let quantile = |of: Option<Quantiles>, which: fn(Quantiles) -> Duration| {
        html! { (figure::duration_or_none(of.map(which))) }
    };
    let cells = [
        html! {
            (row.name)
            @if let Some(moved) = moved(row.minutes, view) {
                " " span.note { "another server or model since " (moment::time(moved, view.now)) }
            }
        },
        html! { (figure::count(row.probes.into())) },
        html! { (figure::count(row.failed.into())) },
        quantile(row.ttft, |q| q.p50),
        quantile(row.ttft, |q| q.p95),
        quantile(row.itl, |q| q.p50),
        quantile(row.itl, |q| q.p95),
        html! {
            @if row.slos.is_empty() { (figure::NONE) }
            @for slo in row.slos {
                div { span.note { (slo.slo.name) } " " (attainment(slo)) }
            }
        },
    ];
    table::row(&row.name, "", &COLUMNS, &cells)
}

/// In words and colour where it is missed.
pub(in crate::web::page) fn attainment(slo: &SloHour) -> Markup {
    html! {
        @match slo.attainment() {
            Some(share) if share < slo.slo.objective => b.badge.warn {
                span aria-hidden="true" { "▲ " } (figure::share(share))
                span.unseen { " missed" }
            },
            Some(share) => (figure::share(share)),
            None => (figure::NONE),
        }
    }
}
