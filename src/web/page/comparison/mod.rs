//! `/comparisons/{name}`: one comparison. Each section is a file and a line in [`SECTIONS`].

mod rounds;
mod sides;
mod signals;
pub(super) mod verdict;
mod view;

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use self::view::{ROOT, View};
use super::layout::{News, Page, home};
use super::{link, moment, problem, unreadable};
use crate::daemon::Daemon;
use crate::load::comparer::Live;
use crate::web::site::now;

/// A section of the page.
type Section = fn(&View<'_>) -> Markup;

/// Every section, from the top.
const SECTIONS: [Section; 3] = [signals::section, sides::section, rounds::section];

/// What stands in the address behind the name.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    name: String,
}

pub(super) async fn by_path(
    State(daemon): State<Arc<Daemon>>,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    match name {
        Ok(Path(name)) => page(&daemon, &name),
        Err(error) => unreadable(&error),
    }
}

/// For names that do not travel well in a path.
pub(super) async fn by_query(
    State(daemon): State<Arc<Daemon>>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response {
    match query {
        Ok(Query(asked)) => page(&daemon, &asked.name),
        Err(error) => problem::answer(ROOT, StatusCode::BAD_REQUEST, &error.body_text(), ""),
    }
}

fn page(daemon: &Daemon, name: &str) -> Response {
    let comparisons = daemon.metrics.comparisons();
    let Some(live) = comparisons.iter().find(|live| live.spec().name == name) else {
        let (what, status) = (format!("There is no comparison “{name}”"), StatusCode::NOT_FOUND);
        let expected = "Perhaps the configuration was changed and reloaded.";
        return problem::answer(ROOT, status, &what, expected);
    };
    super::answer(render(daemon, live))
}

fn render(daemon: &Daemon, live: &Live) -> Markup {
    let view = View { daemon, spec: live.spec(), snapshot: live.snapshot(), now: now() };
    let (name, standing) = (&view.spec.name, &view.snapshot.standing);
    let began = moment::of_millis(standing.run.began_unix_millis);
    let main = html! {
        nav.crumbs aria-label="Comparisons" { a href={ (home(ROOT)) "#comparisons" } { "Comparisons" } }
        h1 { (name) }
        p.summary role="status" data-live="state" {
            (verdict::badge(standing.verdict)) " " (verdict::sentence(standing, view.now))
        }
        p.note data-live="run" {
            "Run " code { (standing.run.id) } ", since " (moment::time(began, view.now))
            " (" (standing.run.cause) "). All figures are of this run."
        }
        p.links { a href=(link::api(ROOT, &["comparisons"])) { "JSON" } }
        @for section in SECTIONS { (section(&view)) }
    };
    let title = format!("{name} · llm-prober");
    Page { root: ROOT, title: &title, here: "", news: News::All, main }.render()
}
