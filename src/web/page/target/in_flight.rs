//! How long first tokens took by how many requests were in flight, at the server and of the prober's
//! own.

use std::time::Duration;

use maud::{Markup, html};

use super::view::View;
use crate::metrics::ByInFlight;
use crate::web::page::figure;
use crate::web::page::table::{self, Column, number, text};

const COLUMNS: [Column; 3] =
    [text("Requests in flight"), number("Mean time to first token"), number("Probes")];

/// Nothing where nobody knows how many there were, and no probe began beside another one.
pub(super) fn section(view: &View<'_>) -> Markup {
    let metrics = view.daemon.metrics.target(&view.target.name);
    let Some([server, own]) = metrics.map(|metrics| metrics.ttft_by_in_flight()) else {
        return html! {};
    };
    if server.is_empty() && own.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="in-flight" data-live="in-flight" {
            h2 #in-flight { "Time to first token by load" }
            (by("By the requests in flight that the server reported, since the prober started", &server))
            (by("By this prober's own other probes of the target, since the prober started", &own))
        }
    }
}

fn by(caption: &str, classes: &[ByInFlight]) -> Markup {
    let caption = html! { (caption) };
    let rows = html! { @for class in classes { (row(class)) } };
    html! { @if !classes.is_empty() { (table::table("cards", &caption, &COLUMNS, None, &rows)) } }
}

#[allow(clippy::cast_precision_loss)] // probes are far below 2^53
fn row(class: &ByInFlight) -> Markup {
    let mean = Duration::try_from_secs_f64(class.seconds / class.probes as f64).ok();
    let cells = [
        html! { (class.in_flight) },
        html! { (figure::duration_or_none(mean)) },
        html! { (figure::count(class.probes)) },
    ];
    table::row(class.in_flight, "", &COLUMNS, &cells)
}
