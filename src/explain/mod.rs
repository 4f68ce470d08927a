//! Why a probe failed, in words for people: what was asked, what came of it, and what helps.
//!
//! Everybody may read them: log, page, API and terminal say the same. So nothing in them is from
//! an answer, and no secret: what this side did and saw, the texts of the system and of TLS about
//! connections, and the names of models that the server lists.

mod address;
mod facts;
mod models;
mod sentence;
mod status;
#[cfg(test)]
mod tests;
pub mod tls;

use std::sync::Arc;

pub use address::shown;
pub use facts::{Facts, Findings, Question, Spoken};
pub use models::Listed;
pub use sentence::meaning;

use crate::answer::failure::{Failure, FailureReason};
use crate::answer::recording::{Ending, Recording};
use crate::target::Target;

/// The longest explanation, in characters.
const MAX_CHARS: usize = 1200;

/// The question to ask after a failure, if one would help.
#[must_use]
pub fn question(target: &Target, recording: &Recording) -> Option<Question> {
    let no_answer = matches!(&recording.ending, Ending::CutOff(_) | Ending::NotHttp(_));
    if status::may_be_about_the_model(recording) && target.model.is_some() {
        Some(Question::Models)
    } else if target.url.scheme() == "http"
        && recording.head.is_none()
        && !recording.connection.reused
        && no_answer
    {
        Some(Question::Spoken)
    } else {
        None
    }
}

/// The explanation of a failed probe: `POST <address>: <what came of it>. <What helps>.`
#[must_use]
pub fn explain(facts: &Facts<'_>) -> Arc<str> {
    text(&format!("POST {}", shown(facts.asked)), &sentence::of(facts), hint(facts).as_deref())
}

fn hint(facts: &Facts<'_>) -> Option<String> {
    match facts.failure.reason {
        FailureReason::HttpStatus => status::hint(facts),
        _ if facts.findings.spoken == Some(Spoken::Tls) => Some(tls::not_plain(&facts.target.url)),
        _ => None,
    }
}

/// The explanation of a failure to get the list of models, from which the name of the model was to
/// come. `status` is that of the answer, if there was one.
#[must_use]
pub fn explain_no_list(target: &Target, failure: &Failure, status: Option<u16>) -> Arc<str> {
    let place = target.dialect.models();
    let what = match failure.reason {
        FailureReason::HttpStatus | FailureReason::Throttled => {
            meaning(failure.reason, status, target.limits)
        }
        FailureReason::Resolve
        | FailureReason::Connect
        | FailureReason::Tls
        | FailureReason::Internal => {
            sentence::with(&meaning(failure.reason, status, target.limits), &failure.detail)
        }
        _ => sentence_case(&failure.detail),
    };
    let fault = status.filter(|s| *s == 404).and_then(|_| address::fault(&target.url, place));
    let hint = fault.unwrap_or_else(|| "it was asked because no model is configured".to_owned());
    text(&format!("GET {}", shown(&target.below(place))), &what, Some(&hint))
}

/// In one line, within limits.
fn text(asked: &str, what: &str, hint: Option<&str>) -> Arc<str> {
    let what = what.trim_end_matches('.');
    let whole = match hint.map(sentence_case) {
        Some(hint) => format!("{asked}: {what}. {hint}."),
        None => format!("{asked}: {what}."),
    };
    let mut whole: String =
        whole.chars().take(MAX_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if whole.chars().count() == MAX_CHARS {
        whole.push('…');
    }
    whole.into()
}

fn sentence_case(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(rest).collect()
}
