//! Where the server itself says the time went.

use maud::{Markup, html};

use crate::memory::history::Flight;
use crate::web::page::figure;
use crate::web::page::table::{self, Column, number, text};

const COLUMNS: [Column; 2] = [text("Stage"), number("Took")];

pub(super) fn section(flight: &Flight) -> Markup {
    let timing = flight.probe.outcome.measurement.server_timing;
    let stages = [
        ("Waiting for a slot", timing.queue),
        ("Loading the model", timing.load),
        ("Reading the prompt", timing.prefill),
        ("Generating", timing.decode),
    ];
    let reported = stages.into_iter().filter_map(|(name, took)| Some((name, took?)));
    let reported: Vec<_> = reported.collect();
    if reported.is_empty() {
        return html! {};
    }
    let rows = html! {
        @for (name, took) in reported {
            (table::row(name, "", &COLUMNS, &[html! { (name) }, html! { (figure::duration(took)) }]))
        }
    };
    let caption = html! { "As the server reports them" };
    html! {
        section aria-labelledby="stages" {
            h2 #stages { "Stages of the server" }
            (table::table("narrow", &caption, &COLUMNS, None, &rows))
        }
    }
}
