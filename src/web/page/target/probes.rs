//! The probes of a target that are remembered.

use std::time::Duration;

use maud::{Markup, html};

use super::view::{ROOT, Show, View};
use crate::memory::history::{FAILED, ODD, ORDINARY, Summary};
use crate::web::page::table::{self, Column, number, text};
use crate::web::page::{figure, link, moment, state};

pub(super) fn section(view: &View<'_>) -> Markup {
    let all = view.daemon.history.probes(&view.target.name);
    let shown: Vec<_> = all.iter().map(|e| &*e.summary).filter(|p| view.filter.takes(p)).collect();
    html! {
        section aria-labelledby="probes" {
            h2 #probes { "Recent probes" }
            (form(view))
            p.note {
                "Remembered are the last " (ORDINARY) " ordinary ones, the last " (ODD)
                " that were slow or odd, and the last " (FAILED) " failures."
            }
            (table(&shown, view.now))
        }
    }
}

fn form(view: &View<'_>) -> Markup {
    let filter = &view.filter;
    html! {
        form.filter role="search" aria-label="Probes" method="get" data-instant="" {
            // Where the name travels in the query it must stay there; else it does no harm.
            input type="hidden" name="name" value=(view.target.name);
            div {
                label for="show" { "Show" }
                select #show name="show" {
                    @for (show, name, word) in Show::ALL {
                        option value=(name) selected[show == filter.show] { (word) }
                    }
                }
            }
            div {
                label for="workload" { "Workload" }
                select #workload name="workload" {
                    option value="" { "any" }
                    @for workload in &view.target.workloads {
                        option value=(workload.name) selected[workload.name == filter.workload] { (workload.name) }
                    }
                }
            }
            button { "Apply" }
        }
    }
}

const COLUMNS: [Column; 8] = [
    text("Started"),
    text("Result"),
    text("Workload"),
    number("TTFT"),
    number("ITL"),
    number("Longest gap"),
    number("Latency"),
    number("Tokens"),
];

fn table(probes: &[&Summary], now: i64) -> Markup {
    let rows = html! {
        @for probe in probes { (row(probe, now)) }
        @if probes.is_empty() { (table::nothing(&COLUMNS, "None that is remembered.")) }
    };
    let caption = html! { "Newest first; the time leads to the waterfall" };
    table::table("cards dense", &caption, &COLUMNS, Some("probes"), &rows)
}

fn row(probe: &Summary, now: i64) -> Markup {
    let id = probe.id.as_str();
    let duration = |d: Option<Duration>| html! { (figure::duration_or_none(d)) };
    let cells = [
        html! { a href=(link::probe(ROOT, id)) { (moment::time(probe.started_unix_nanos, now)) } },
        state::of_probe(probe),
        html! { (probe.workload.name) },
        duration(probe.ttft),
        duration(probe.itl),
        duration(probe.longest_gap),
        duration(probe.request_latency),
        html! { @match probe.output_tokens { Some(n) => (figure::count(n)), None => (figure::NONE) } },
    ];
    table::row(id, "", &COLUMNS, &cells)
}
