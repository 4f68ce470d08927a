//! What a failure means, in a sentence: for its kind alone, and with what the recording adds.

use super::facts::Facts;
use crate::answer::failure::FailureReason;
use crate::answer::recording::{Ending, Recording};
use crate::target::Limits;
use crate::text::units::HumanDuration;

/// What a kind of failure means. A sentence without its full stop, so that more can follow.
#[must_use]
pub fn meaning(reason: FailureReason, status: Option<u16>, limits: Limits) -> String {
    let status = status.map_or_else(String::new, |status| format!(" {status}"));
    match reason {
        FailureReason::Resolve => "The host name could not be resolved".to_owned(),
        FailureReason::Connect => "No TCP connection to the server could be made".to_owned(),
        FailureReason::Tls => "The TLS handshake failed".to_owned(),
        FailureReason::Timeout => {
            let whole = format!(
                "The whole request took longer than {}, its timeout",
                HumanDuration(limits.timeout)
            );
            limits.first_token_timeout.map(HumanDuration).map_or(whole.clone(), |first| {
                format!("{whole}, or its first token longer than {first}, the first-token timeout")
            })
        }
        FailureReason::Stalled => format!(
            "The answer began and then did not go on for longer than {}, the stall timeout: pings \
             and empty events are no progress",
            HumanDuration(limits.stall_timeout)
        ),
        FailureReason::HttpStatus => format!("The server refused the request with status{status}"),
        FailureReason::Throttled => {
            format!("The server refused the request for load or quota (status{status})")
        }
        FailureReason::ErrorEvent => {
            format!("The server reported an error inside of its answer, under status{status}")
        }
        FailureReason::Truncated => "The answer broke off: it was cut, or it ended without a \
                                     finish reason or end marker"
            .to_owned(),
        FailureReason::Empty => {
            "The answer ended as it should, but without any generated content".to_owned()
        }
        FailureReason::Malformed => "The answer does not follow the protocol".to_owned(),
        FailureReason::TooLarge => format!(
            "The answer was larger than what is read of its head, or than {} bytes of its body",
            limits.max_body_bytes
        ),
        FailureReason::Validation => {
            "The answer came whole, but a check of the workload rejected it".to_owned()
        }
        FailureReason::Cancelled => {
            "The prober gave up on purpose, for a reload or its own end".to_owned()
        }
        FailureReason::Internal => "The prober itself could not make the probe".to_owned(),
    }
}

/// The meaning with everything that this side saw: never a word of an answer.
pub(super) fn of(facts: &Facts<'_>) -> String {
    let Facts { limits, recording, failure, .. } = facts;
    let status = recording.head.as_ref().map(|head| head.status);
    let meaning = meaning(failure.reason, status, *limits);
    match (failure.reason, &recording.ending) {
        (FailureReason::Cancelled, Ending::NoDescriptor) => {
            "The prober had no file descriptor left for a connection: raise the limit of open files \
             (ulimit -n, LimitNOFILE= of systemd)"
                .to_owned()
        }
        (FailureReason::Cancelled, Ending::StoodStill(still)) => format!(
            "The prober itself stood still for {:.1} s meanwhile (its process was stopped, its machine \
             suspended, or it got no CPU), so this says nothing about the server",
            still.as_secs_f64()
        ),
        // Nothing of an answer was there; these texts are ours, the system's and TLS's.
        (
            FailureReason::Resolve
            | FailureReason::Connect
            | FailureReason::Tls
            | FailureReason::Validation
            | FailureReason::Internal,
            _,
        ) => with(&meaning, &failure.detail),
        (FailureReason::Timeout, _) => format!("{meaning}: {}", unfinished(recording)),
        (FailureReason::Truncated, Ending::CutOff(problem)) if recording.head.is_none() => {
            format!("The connection broke before an answer came: {problem}")
        }
        (FailureReason::Truncated, Ending::CutOff(problem)) => {
            format!("The answer was cut off: {problem}")
        }
        (FailureReason::Malformed, Ending::NotHttp(problem)) => {
            format!("What came is not an answer in HTTP: {problem}")
        }
        (FailureReason::TooLarge, Ending::TooLarge(problem)) => {
            format!("The answer was larger than what is read: {problem}")
        }
        (FailureReason::Malformed, _) if is_web_page(recording) => {
            format!("{meaning}: it is a web page, so this is not the address of the API")
        }
        _ => meaning,
    }
}

pub(super) fn with(meaning: &str, detail: &str) -> String {
    if detail.is_empty() { meaning.to_owned() } else { format!("{meaning}: {detail}") }
}

/// What was waited for when the time was up.
fn unfinished(recording: &Recording) -> &'static str {
    let c = &recording.connection;
    match () {
        () if recording.head.is_some() => "the answer had begun, and went on too long",
        () if recording.sent.is_some() => "the request was sent, and nothing of an answer came",
        () if recording.send.is_some() => "the server did not take the whole request",
        () if c.reused => "the request could not be sent",
        () if c.resolved.is_none() => "the host name was not resolved by then",
        () if c.connected.is_none() => "there was no TCP connection by then",
        () => "the server took the connection, but did not do its part of the TLS handshake",
    }
}

fn is_web_page(recording: &Recording) -> bool {
    let kind = recording.head.as_ref().and_then(|head| head.header("content-type"));
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
}
