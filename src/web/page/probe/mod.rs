//! `/probes/{id}`: one probe as a waterfall. Each section is a file and a line in [`SECTIONS`].

mod explain;
mod figures;
mod stages;
mod tokens;
mod verdicts;
mod waterfall;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::layout::{News, Page};
use super::{link, moment, problem, state, unreadable};
use crate::memory::flight::FlightRecord;
use crate::memory::history::{Entry, Flight};
use crate::web::site::{Site, WebOptions};

const ROOT: &str = "../";

/// A section about a whole probe; empty where there is nothing to show.
type Section = fn(&Flight) -> Markup;

/// Every section, from the top.
const SECTIONS: [Section; 5] =
    [waterfall::section, verdicts::section, figures::section, stages::section, tokens::section];

pub(super) async fn page(
    State(site): State<Site>,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let id = match id {
        Ok(Path(id)) => id,
        Err(error) => return unreadable(&error),
    };
    let Some(entry) = site.daemon.history.find(&id) else {
        let expected = "Only the newest probes of each target are remembered, failures longest.";
        let what = "This probe is not remembered";
        return problem::answer(ROOT, StatusCode::NOT_FOUND, what, expected);
    };
    super::answer(render(&entry, site.options))
}

fn render(entry: &Entry, options: WebOptions) -> Markup {
    let (probe, flight) = (&entry.summary, entry.flight());
    let name = &probe.target.name;
    let main = html! {
        nav.crumbs aria-label="Target" { a href=(link::target(ROOT, name)) { (name) } }
        h1 { "Probe " span.id { (probe.id.as_str()) } }
        p.summary { (state::of_probe(probe)) " " span.note { (probe.workload.name) ", " (moment::exact(probe.started_unix_nanos)) } }
        (explain::sentences(entry))
        p.links {
            @let id = probe.id.as_str();
            a href=(link::api(ROOT, &["probes", id])) { "JSON" }
            @if options.recordings && flight.as_ref().and_then(FlightRecord::of).is_some() {
                a href=(link::api(ROOT, &["probes", id, "recording"])) download { "Recording" }
            }
            a href={ (ROOT) "runbook" } { "Runbook" }
        }
        @match &flight {
            Some(flight) => @for section in SECTIONS { (section(flight)) },
            None => p {
                "Its recording is not held: it had to make room for newer ones, or it was too large "
                "(--history.memory). What is left of it is in the row of "
                a href=(link::target(ROOT, name)) { "its target" } "."
            },
        }
    };
    let title = format!("Probe of {name} · llm-prober");
    Page { root: ROOT, title: &title, here: "", news: News::None, main }.render()
}
