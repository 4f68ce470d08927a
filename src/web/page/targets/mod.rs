//! `/`: all targets, worst first, and the newest failures.

mod comparisons;
mod failures;
mod filter;
mod gpus;
mod row;

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Extract};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::layout::{News, Page};
use super::{figure, problem, state, table};
use crate::daemon::Daemon;
use crate::memory::history::State;
use crate::target::Target;
use crate::web::site::now;
use filter::{Filter, Query as Asked};

/// Targets on one page: each has its whole hour in two pictures.
const PER_PAGE: usize = 50;

/// Those that a filter leaves, worst first.
struct Listing {
    /// All that match, each with its state.
    matching: Vec<(Arc<Target>, State)>,
    /// How many targets there are.
    all: usize,
    /// How many of all are in each state, worst first.
    counts: [(State, usize); State::ALL.len()],
    now: i64,
}

pub(super) async fn page(
    Extract(daemon): Extract<Arc<Daemon>>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let filter = query.map_err(|e| e.body_text());
    let filter = filter.and_then(|Query(asked)| Filter::of(asked).map_err(|e| e.to_string()));
    let filter = match filter {
        Ok(filter) => filter,
        Err(why) => {
            let expected = "Expected a filter as the form on the first page makes it.";
            return problem::answer("", StatusCode::BAD_REQUEST, &why, expected);
        }
    };
    let gpus = gpus::section(&daemon, now()).await;
    let listing = Listing::of(&daemon, &filter);
    let sections = [
        ("comparisons", "Comparisons", comparisons::section(&daemon)),
        ("failures", "Last failures", failures::section(&daemon.history, listing.now)),
        ("gpus", "GPUs", gpus),
    ];
    let sections = sections.iter().filter(|(.., section)| !section.0.is_empty());
    let main = html! {
        h1 { "Targets" }
        (summary(&listing, &filter))
        p.links { @for (id, word, _) in sections.clone() { a href={ "#" (id) } { (word) } " " } }
        (filter.form(&daemon.config()))
        (targets(&daemon, &listing, &filter))
        @for (.., section) in sections { (section) }
    };
    let page = Page { root: "", title: "llm-prober", here: "Targets", news: News::All, main };
    super::answer(page.render())
}

impl Listing {
    fn of(daemon: &Daemon, filter: &Filter) -> Self {
        let (config, now) = (daemon.config(), now());
        let mut counts = State::ALL.map(|state| (state, 0));
        let mut matching = Vec::new();
        for target in &config.targets {
            let state = daemon.history.state(target, now);
            counts.iter_mut().filter(|(s, _)| *s == state).for_each(|(_, n)| *n += 1);
            if filter.takes(target, state) {
                matching.push((Arc::clone(target), state));
            }
        }
        let rank = |state: State| State::ALL.iter().position(|s| *s == state);
        matching.sort_by_key(|(_, state)| rank(*state)); // stable: else as configured
        Self { matching, all: config.targets.len(), counts, now }
    }

    /// The last page that there is, counted from 1.
    fn pages(&self) -> usize {
        self.matching.len().div_ceil(PER_PAGE).max(1)
    }
}

/// How many are in which state: links to them, and one sentence that is read out when it changes.
fn summary(listing: &Listing, filter: &Filter) -> Markup {
    let (shown, all) = (listing.matching.len(), listing.all);
    let targets = figure::counted(all as u64, "target", "targets");
    html! {
        ul.states data-live="states" aria-label="Targets by state" {
            @for (state, n) in listing.counts {
                @let (sign, class) = state::sign(state);
                li {
                    a.badge.{ (class) } href=(filter.with_state(state)) aria-current=[(filter.state == Some(state)).then_some("true")] {
                        span aria-hidden="true" { (sign) } " " (figure::count(n as u64)) " " (state::word(state))
                    }
                }
            }
        }
        p.summary role="status" data-live="summary" {
            @if shown == all { (targets) } @else { (figure::count(shown as u64)) " of " (targets) }
            " shown"
            @for (state, n) in listing.counts.into_iter().take(2).filter(|(_, n)| *n > 0) {
                ", " (figure::count(n as u64)) " " (state::word(state))
            }
            "."
        }
    }
}

fn targets(daemon: &Daemon, listing: &Listing, filter: &Filter) -> Markup {
    let page = filter.page.min(listing.pages());
    let shown = listing.matching.iter().skip((page - 1) * PER_PAGE).take(PER_PAGE);
    let rows = html! {
        @for (target, _) in shown { (row::of(daemon, target, listing.now)) }
        @if listing.matching.is_empty() {
            (table::nothing(&row::COLUMNS, "No target matches the filter."))
        }
    };
    let caption = html! { "Targets, failing ones first; figures of the last hour, and small beside them of the last minutes (now), of 24 hours and of 30 days" };
    html! {
        (table::table("cards", &caption, &row::COLUMNS, Some("targets"), &rows))
        (pages(listing, filter, page))
    }
}

fn pages(listing: &Listing, filter: &Filter, page: usize) -> Markup {
    let last = listing.pages();
    html! {
        nav.pages aria-label="Pages" data-live="pages" {
            @if last > 1 {
                @if page > 1 { a rel="prev" href=(filter.with_page(page - 1)) { "← Previous" } }
                span { "Page " (page) " of " (last) }
                @if page < last { a rel="next" href=(filter.with_page(page + 1)) { "Next →" } }
            }
        }
    }
}
