//! The newest failures of all targets, one line for each kind.

use maud::{Markup, html};

use crate::memory::history::{Entry, FailureKind, History};
use crate::web::page::table::{self, Column, number, text};
use crate::web::page::{figure, link, moment, state};

/// So many are shown.
const SHOWN: usize = 10;

const COLUMNS: [Column; 5] =
    [text("Newest"), text("Target"), text("Reason"), text("Workload"), number("Of this kind")];

pub(super) fn section(history: &History, now: i64) -> Markup {
    let failures = history.failures(SHOWN);
    let rows = html! {
        @for kind in &failures { (row(history, kind, now)) }
        @if failures.is_empty() { (table::nothing(&COLUMNS, "None that is remembered.")) }
    };
    let caption = html! { "The newest of each target and reason, and how many are remembered" };
    html! {
        section aria-labelledby="failures" {
            h2 #failures { "Last failures" }
            (table::table("cards", &caption, &COLUMNS, Some("failures"), &rows))
        }
    }
}

fn row(history: &History, kind: &FailureKind, now: i64) -> Markup {
    let (probe, id) = (&kind.newest, kind.newest.id.as_str());
    let name = &probe.target.name;
    // Gone where its recording had to make room.
    let entry = history.find_of(name, id);
    let why = entry.as_ref().and_then(Entry::explanation);
    let reason = html! {
        (state::of_probe(probe))
        @if let Some(status) = probe.http_status { " " span.note { "status " (status) } }
        @if let Some(why) = why { div.note { (why) } }
    };
    let cells = [
        html! { a href=(link::probe("", id)) { (moment::time(probe.started_unix_nanos, now)) } },
        html! { a href=(link::target("", name)) { (name) } },
        reason,
        html! { (probe.workload.name) },
        html! { (figure::count(kind.remembered as u64)) },
    ];
    table::row(&format!("{name} {:?}", probe.reason), id, &COLUMNS, &cells)
}
