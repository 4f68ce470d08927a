//! The comparisons, where there are any.

use maud::{Markup, html};

use crate::daemon::Daemon;
use crate::load::comparer::Live;
use crate::web::page::comparison::verdict;
use crate::web::page::table::{self, Column, number, text};
use crate::web::page::{figure, link};

const COLUMNS: [Column; 6] = [
    text("Comparison"),
    text("Verdict"),
    text("Baseline"),
    text("Candidate"),
    number("Alarms on"),
    number("Pairs"),
];

pub(super) fn section(daemon: &Daemon) -> Markup {
    let live = daemon.metrics.comparisons();
    if live.is_empty() {
        return html! {};
    }
    let rows = html! { @for comparison in live.iter() { (row(comparison)) } };
    let caption = html! { "Candidates beside the stacks in use; the name leads to the evidence" };
    html! {
        section aria-labelledby="comparisons" {
            h2 #comparisons { "Comparisons" }
            (table::table("cards", &caption, &COLUMNS, Some("comparisons"), &rows))
        }
    }
}

fn row(live: &Live) -> Markup {
    let (spec, snapshot) = (live.spec(), live.snapshot());
    let streams = snapshot.workloads.iter().flat_map(|w| &w.streams);
    let alarms = streams.filter(|s| s.alarmed).count();
    let cells = [
        html! { a href=(link::comparison("", &spec.name)) { (spec.name) } },
        verdict::badge(snapshot.standing.verdict),
        html! { (spec.baseline.name) },
        html! { (spec.candidate.name) },
        html! { (figure::count(alarms as u64)) },
        html! { (figure::count(snapshot.pairs())) },
    ];
    table::row(&spec.name, snapshot.standing.verdict.as_str(), &COLUMNS, &cells)
}
