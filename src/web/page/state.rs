//! How a target or a probe does, by shape and word and only then by colour.

use maud::{Markup, html};

use crate::memory::history::{Oddity, State, Summary};

/// A state in words.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::Failing => "failing",
        State::Degraded => "SLO missed",
        State::NotProbed => "no data yet",
        State::Healthy => "ok",
    }
}

/// Its sign and its class in the style sheet.
pub(super) fn sign(state: State) -> (&'static str, &'static str) {
    match state {
        State::Failing => ("✕", "bad"),
        State::Degraded => ("▲", "warn"),
        State::NotProbed => ("○", "none"),
        State::Healthy => ("●", "ok"),
    }
}

/// A sign with a word.
pub(super) fn badge(state: State, word: &str) -> Markup {
    let (sign, class) = sign(state);
    html! { span class={ "badge " (class) } { span aria-hidden="true" { (sign) } " " (word) } }
}

/// A target's state.
pub(super) fn of_target(state: State) -> Markup {
    badge(state, word(state))
}

/// A probe's end.
pub(super) fn of_probe(probe: &Summary) -> Markup {
    match (probe.reason, probe.odd) {
        (Some(reason), _) => badge(State::Failing, reason.as_str()),
        (None, _) if !probe.good() => badge(State::Degraded, word(State::Degraded)),
        (None, odd) => html! {
            (badge(State::Healthy, word(State::Healthy)))
            @if let Some(odd) = odd { " " span.note { (remark(odd)) } }
        },
    }
}

/// What is remarkable about a success.
pub(super) fn remark(odd: Oddity) -> &'static str {
    match odd {
        Oddity::SloMissed => "SLO missed",
        Oddity::Slowest => "slowest of its hour",
        Oddity::Coalesced => "tokens arrived together",
    }
}
