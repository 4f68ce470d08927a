//! What a probe's end means, in sentences of our own: the server's words may quote the answer.

use maud::{Markup, html};

use crate::answer::failure::FailureReason;
use crate::explain::meaning;
use crate::memory::history::{Entry, Oddity};

pub(super) fn sentences(entry: &Entry) -> Markup {
    let probe = &entry.summary;
    let sentence = match (probe.reason, probe.odd) {
        (Some(reason), _) => Some(failure(reason, entry)),
        (None, Some(odd)) => Some(oddity(odd).to_owned()),
        (None, None) => None,
    };
    html! { @if let Some(sentence) = sentence { p.why { (sentence) } } }
}

/// The explanation; where it went with the recording, what the reason means.
fn failure(reason: FailureReason, entry: &Entry) -> String {
    let explained = entry.explanation();
    let probe = &entry.summary;
    let limits = probe.target.limits_of(&probe.workload);
    let meaning = || meaning(reason, probe.http_status, limits) + ".";
    explained.map_or_else(meaning, str::to_owned)
}

fn oddity(odd: Oddity) -> &'static str {
    match odd {
        Oddity::SloMissed => "The probe succeeded, but it missed an SLO.",
        Oddity::Slowest => {
            "The probe was slower to its first token than every other of the hour before it."
        }
        Oddity::Coalesced => {
            "At least half of the tokens arrived together with a later one: something on the way \
             gathers them, or the prober was busy."
        }
    }
}
