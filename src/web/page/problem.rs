//! A page that says why there is no page.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::layout::{News, Page, home};

/// `what` is wrong; `expected` says where to go on.
pub(super) fn answer(
    root: &'static str,
    status: StatusCode,
    what: &str,
    expected: &str,
) -> Response {
    let main = html! {
        h1 { (what) }
        p { (expected) }
        p { a href=(home(root)) { "All targets" } }
    };
    let page = Page { root, title: what, here: "", news: News::None, main };
    (status, super::answer(page.render())).into_response()
}
