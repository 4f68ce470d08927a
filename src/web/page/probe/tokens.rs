//! When each token arrived: the waterfall's ticks as numbers.

use maud::{Markup, html};

use crate::history::Flight;
use crate::recording::Offset;
use crate::web::page::figure;

/// Rows at most: more say nothing to people, and the JSON has them all.
const SHOWN: usize = 500;

pub(super) fn section(flight: &Flight) -> Option<Markup> {
    let m = &flight.probe.outcome.measurement;
    if m.content_at.is_empty() {
        return None;
    }
    let befores = std::iter::once(None).chain(m.content_at.iter().map(Some));
    let rows = m.content_at.iter().zip(befores).enumerate().take(SHOWN);
    Some(html! {
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
                table.narrow {
                    caption { "Arrival of each event with content" }
                    thead {
                        tr {
                            th.number scope="col" { "Event" }
                            th.number scope="col" { "Arrived at" }
                            th.number scope="col" { "After the one before" }
                        }
                    }
                    tbody {
                        @for (i, (at, before)) in rows {
                            tr {
                                th.number scope="row" { (i + 1) }
                                td.number { (figure::duration(at.since(Offset::default()))) }
                                td.number { (figure::duration_or_none(before.map(|before| at.since(*before)))) }
                            }
                        }
                    }
                }
            }
        }
    })
}
