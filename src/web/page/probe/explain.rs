//! What a probe's end means, in sentences of our own: the server's words may quote the answer.

use maud::{Markup, html};

use crate::failure::FailureReason;
use crate::history::{Entry, Flight, Oddity, Summary};
use crate::web::page::figure;

pub(super) fn sentences(entry: &Entry) -> Markup {
    let probe = &entry.summary;
    let sentence = match (probe.reason, probe.odd) {
        (Some(reason), _) => Some(failure(reason, probe)),
        (None, Some(odd)) => Some(oddity(odd).to_owned()),
        (None, None) => None,
    };
    html! {
        @if let Some(sentence) = sentence { p.why { (sentence) } }
        @if let Some(flight) = &entry.flight {
            @if let Some(more) = circumstances(flight) { p { (more) } }
        }
    }
}

fn failure(reason: FailureReason, probe: &Summary) -> String {
    let limits = probe.target.limits;
    let status = probe.http_status.map_or_else(String::new, |status| format!(" {status}"));
    match reason {
        FailureReason::Resolve => "The host name could not be resolved.".to_owned(),
        FailureReason::Connect => "No TCP connection to the server could be made.".to_owned(),
        FailureReason::Tls => "The TLS handshake failed: the server's certificate or its protocol \
                               versions are not acceptable."
            .to_owned(),
        FailureReason::Timeout => {
            let whole = format!(
                "The whole request took longer than {}, its timeout",
                figure::setting(limits.timeout)
            );
            match limits.first_token_timeout.map(figure::setting) {
                None => format!("{whole}."),
                Some(first) => format!(
                    "{whole}, or its first token longer than {first}, the first-token timeout."
                ),
            }
        }
        FailureReason::Stalled => format!(
            "The answer began and then did not go on for longer than {}, the stall timeout. Pings \
             and empty events are no progress.",
            figure::setting(probe.workload.stall_timeout.unwrap_or(limits.stall_timeout))
        ),
        FailureReason::HttpStatus => format!("The server refused the request with status{status}."),
        FailureReason::Throttled => {
            format!("The server refused the request for load or quota (status{status}).")
        }
        FailureReason::ErrorEvent => {
            format!("The server reported an error inside of its answer, under status{status}.")
        }
        FailureReason::Truncated => "The answer broke off: it was cut, or it ended without a \
                                     finish reason or end marker."
            .to_owned(),
        FailureReason::Empty => {
            "The answer ended as it should, but without any generated content.".to_owned()
        }
        FailureReason::Malformed => "The answer does not follow the protocol.".to_owned(),
        FailureReason::TooLarge => format!(
            "The answer was larger than {} bytes, the most that is read.",
            figure::count(limits.max_body_bytes as u64)
        ),
        FailureReason::Validation => {
            "The answer came whole, but a check of the workload rejected it.".to_owned()
        }
        FailureReason::Cancelled => {
            "The prober gave up on purpose, for a reload or its own end.".to_owned()
        }
        FailureReason::Internal => "A defect of the prober itself; its log says more.".to_owned(),
    }
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

/// What the recording tells beside the reason.
fn circumstances(flight: &Flight) -> Option<String> {
    let (recording, outcome) = (&flight.probe.recording, &flight.probe.outcome);
    let before_connecting = matches!(
        outcome.reason(),
        Some(FailureReason::Resolve | FailureReason::Connect | FailureReason::Tls)
    );
    if !outcome.rejected_by.is_empty() {
        Some(format!("Rejected by: {}.", outcome.rejected_by.join(", ")))
    } else if recording.send.is_none() && outcome.reason().is_some() && !before_connecting {
        Some("Nothing was sent: the request could not be put together.".to_owned())
    } else {
        None
    }
}
