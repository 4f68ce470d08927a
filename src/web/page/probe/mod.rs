//! `/probes/{id}`: one probe as a waterfall. Each section is a file and a line in [`SECTIONS`].

mod explain;
mod figures;
mod stages;
mod tokens;
mod verdicts;
mod waterfall;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::layout::{News, Page};
use super::{link, moment, problem, state};
use crate::daemon::Daemon;
use crate::history::{Entry, Flight};

const ROOT: &str = "../";

/// A section about a whole probe; nothing where there is nothing to show.
type Section = fn(&Flight) -> Option<Markup>;

/// Every section, from the top.
const SECTIONS: [Section; 5] =
    [waterfall::section, verdicts::section, figures::section, stages::section, tokens::section];

pub(super) async fn page(State(daemon): State<Arc<Daemon>>, Path(id): Path<String>) -> Response {
    match daemon.history.find(&id) {
        Some(entry) => super::answer(render(&entry)),
        None => {
            let expected =
                "Only the newest probes of each target are remembered, failures longest.";
            problem::answer(ROOT, StatusCode::NOT_FOUND, "This probe is not remembered", expected)
        }
    }
}

fn render(entry: &Entry) -> Markup {
    let probe = &entry.summary;
    let name = &probe.target.name;
    let main = html! {
        nav.crumbs aria-label="Target" { a href=(link::target(ROOT, name)) { (name) } }
        h1 { "Probe " span.id { (probe.id.as_str()) } }
        p.summary { (state::of_probe(probe)) " " span.note { (probe.workload.name) ", " (moment::exact(probe.started_unix_nanos)) } }
        (explain::sentences(entry))
        p.links { a href=(link::api(ROOT, &["probes", probe.id.as_str()])) { "JSON" } }
        @match &entry.flight {
            Some(flight) => @for section in SECTIONS { @if let Some(section) = section(flight) { (section) } },
            None => p {
                "Its recording had to make room for newer ones; what is left of it is in the row of "
                a href=(link::target(ROOT, name)) { "its target" } "."
            },
        }
    };
    let title = format!("Probe of {name} · llm-prober");
    Page { root: ROOT, title: &title, here: "", news: News::None, main }.render()
}
