//! A verdict by sign and word and only then by colour.

use maud::{Markup, html};

use crate::memory::history::State;
use crate::regression::comparison::Standing;
use crate::regression::detect::Verdict;
use crate::web::page::{moment, state};

/// A sign with a word.
pub(in crate::web::page) fn badge(verdict: Verdict) -> Markup {
    match verdict {
        Verdict::Undecided => state::badge(State::NotProbed, "undecided"),
        Verdict::NotWorse => state::badge(State::Healthy, "not worse"),
        Verdict::Changed => state::badge(State::Degraded, "changed"),
        Verdict::Regressed => state::badge(State::Failing, "regressed"),
    }
}

/// What it means for the candidate.
pub(super) fn sentence(standing: &Standing, now: i64) -> Markup {
    let since = standing.changed_since_unix_millis.map(moment::of_millis);
    match standing.verdict {
        Verdict::Undecided => html! {
            "Not worse cannot be said yet"
            @if let Some(waits) = &standing.waits { ": " (waits) }
            "."
        },
        Verdict::NotWorse => html! {
            "The candidate is within what is tolerated, by every signal that decides."
        },
        Verdict::Changed => html! {
            "The candidate is worse since "
            @if let Some(since) = since { (moment::time(since, now)) } @else { "its alarm went on" }
            ". While that lasts it should not be promoted; what spoke for it before does not count."
        },
        Verdict::Regressed => html! {
            "The candidate is worse than is tolerated, by at least one signal. That stands until \
             another run begins."
        },
    }
}
