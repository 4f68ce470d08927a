//! `/targets/{name}`: one target. Each section is a file and a line in [`SECTIONS`].

mod change;
pub(super) mod facts;
mod hour;
mod in_flight;
mod levels;
mod marks;
mod probes;
mod server;
mod view;
pub(super) mod windows;

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use self::view::{Filter, ROOT, View};
use super::layout::{News, Page};
use super::{link, problem, state, unreadable};
use crate::daemon::Daemon;
use crate::web::site::now;

/// A section of the page; empty where there is nothing to show for the target.
type Section = fn(&View<'_>) -> Markup;

/// Every section, from the top.
const SECTIONS: [Section; 9] = [
    windows::section,
    hour::section,
    marks::section,
    change::section,
    server::section,
    in_flight::section,
    levels::section,
    probes::section,
    facts::section,
];

/// What stands in the address behind the name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    name: String,
    show: String,
    workload: String,
}

type Question = Result<Query<Asked>, QueryRejection>;

pub(super) async fn by_path(
    State(daemon): State<Arc<Daemon>>,
    name: Result<Path<String>, PathRejection>,
    query: Question,
) -> Response {
    match name {
        Ok(Path(name)) => page(&daemon, Some(&name), query),
        Err(error) => unreadable(&error),
    }
}

/// For names that do not travel well in a path.
pub(super) async fn by_query(State(daemon): State<Arc<Daemon>>, query: Question) -> Response {
    page(&daemon, None, query)
}

fn page(daemon: &Daemon, name: Option<&str>, query: Question) -> Response {
    let refuse = |status, what: &str, expected: &str| problem::answer(ROOT, status, what, expected);
    let asked = match query {
        Ok(Query(asked)) => asked,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.body_text(), ""),
    };
    let name = name.unwrap_or(&asked.name);
    let config = daemon.config();
    let Some(target) = config.targets.iter().find(|t| t.name == name) else {
        let expected = "Perhaps the configuration was changed and reloaded.";
        return refuse(StatusCode::NOT_FOUND, &format!("There is no target “{name}”"), expected);
    };
    let filter = match Filter::of(&asked.show, &asked.workload) {
        Ok(filter) => filter,
        Err(why) => {
            let expected = "Expected what the form makes.";
            return refuse(StatusCode::BAD_REQUEST, &why.to_string(), expected);
        }
    };
    let now = now();
    let overview = daemon.history.overview(target, now);
    let view = View { daemon, target, overview, filter, now };
    super::answer(render(&view))
}

fn render(view: &View<'_>) -> Markup {
    let name = &view.target.name;
    let main = html! {
        h1 { (name) }
        p.summary role="status" data-live="state" { (state::of_target(view.overview.state)) }
        p.links {
            a href="#probes" { "Recent probes" } " "
            a href="#facts" { "Facts" } " "
            a href=(link::api(ROOT, &["targets", name])) { "JSON" }
        }
        @for section in SECTIONS { (section(view)) }
    };
    let title = format!("{name} · llm-prober");
    Page { root: ROOT, title: &title, here: "", news: News::Of(name), main }.render()
}
