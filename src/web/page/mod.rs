//! The pages for people: all targets at `/`, one target, one probe, one comparison, the runbook.
//!
//! Written on the server and complete without a script; `page.js` only keeps them up to date and
//! makes filters instant. Nothing on them is a text of a prompt, an answer or a server. Every link
//! is relative, so that they work behind a proxy under any path.

mod assets;
mod comparison;
mod effect;
mod figure;
mod layout;
mod link;
mod moment;
mod probe;
mod problem;
mod runbook;
mod sparkline;
mod state;
mod table;
mod target;
mod targets;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use maud::Markup;

use super::site::Site;

/// Scripts, styles and pictures are files of our own, and nothing leads elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Every page and what it is made of.
pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/", get(targets::page))
        .route("/targets/", get(target::by_query))
        .route("/targets/{name}", get(target::by_path))
        .route("/probes/{id}", get(probe::page))
        .route("/comparisons/", get(comparison::by_query))
        .route("/comparisons/{name}", get(comparison::by_path))
        .route("/runbook", get(runbook::page))
        .route("/assets/{file}", get(assets::serve))
}

/// For a path that leads nowhere.
pub(super) async fn no_such_page(uri: Uri) -> Response {
    let path = uri.path();
    // Links are relative to the folder that the path is in.
    let root = match path.matches('/').count() {
        0 | 1 => "",
        2 => "../",
        3 => "../../",
        _ => return (StatusCode::NOT_FOUND, "there is no such page\n").into_response(),
    };
    let what = format!("There is no page {path}");
    problem::answer(root, StatusCode::NOT_FOUND, &what, "The links above lead to those there are.")
}

/// A part of a path that cannot be read.
fn unreadable(error: &PathRejection) -> Response {
    problem::answer("../", StatusCode::BAD_REQUEST, &error.body_text(), "")
}

/// A page as an answer.
fn answer(page: Markup) -> Response {
    let headers =
        [(header::CONTENT_SECURITY_POLICY, POLICY), (header::REFERRER_POLICY, "no-referrer")];
    (headers, Html(page.into_string())).into_response()
}
