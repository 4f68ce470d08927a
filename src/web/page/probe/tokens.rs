//! When each token arrived: the waterfall's ticks as numbers.

use maud::{Markup, html};

use crate::answer::recording::Offset;
use crate::memory::history::Flight;
use crate::web::page::figure;
use crate::web::page::table::{self, Column, number};

/// Rows at most: more say nothing to people, and the JSON has them all.
const SHOWN: usize = 500;

const COLUMNS: [Column; 3] =
    [number("Event"), number("Arrived at"), number("After the one before")];

pub(super) fn section(flight: &Flight) -> Markup {
    let m = &flight.probe.outcome.measurement;
    if m.content_at.is_empty() {
        return html! {};
    }
    let befores = std::iter::once(None).chain(m.content_at.iter().map(Some));
    let rows = m.content_at.iter().zip(befores).enumerate().take(SHOWN);
    let rows = html! { @for (i, (at, before)) in rows { (row(i + 1, *at, before.copied())) } };
    let caption = html! { "Arrival of each event with content" };
    html! {
        section aria-labelledby="tokens" {
            h2 #tokens { "Tokens" }
            p.note {
                "Events with content, which need not be single tokens. "
                @if m.coalesced > 0 {
                    (figure::counted(m.coalesced, "arrived", "arrived")) " together with a later one: their instants are upper bounds. "
                }
                @if m.content_at.len() > SHOWN { "The first " (SHOWN) " are shown." }
            }
            details {
                summary { "All instants as a table" }
                (table::table("narrow", &caption, &COLUMNS, None, &rows))
            }
        }
    }
}

fn row(number: usize, at: Offset, before: Option<Offset>) -> Markup {
    let cells = [
        html! { (number) },
        html! { (figure::duration(at.since(Offset::default()))) },
        html! { (figure::duration_or_none(before.map(|before| at.since(before)))) },
    ];
    table::row(&number.to_string(), "", &COLUMNS, &cells)
}
