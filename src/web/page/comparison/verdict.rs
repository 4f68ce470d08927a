//! A verdict by sign and word and only then by colour.

use maud::Markup;

use crate::detect::Verdict;
use crate::history::State;
use crate::web::page::state;

/// A sign with a word.
pub(in crate::web::page) fn badge(verdict: Verdict) -> Markup {
    match verdict {
        Verdict::Undecided => state::badge(State::NotProbed, "undecided"),
        Verdict::NotWorse => state::badge(State::Healthy, "not worse"),
        Verdict::Regressed => state::badge(State::Failing, "worse"),
    }
}

/// What it means for the candidate.
pub(super) fn sentence(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Undecided => "More rounds are needed.",
        Verdict::NotWorse => {
            "The candidate is within what is tolerated, by every signal that decides."
        }
        Verdict::Regressed => "The candidate is worse than is tolerated, by at least one signal.",
    }
}
