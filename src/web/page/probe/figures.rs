//! Every figure of a probe.

use maud::{Markup, html};

use crate::answer::rate_limit::RateLimit;
use crate::answer::recording::TimestampSource;
use crate::memory::history::Flight;
use crate::web::page::figure;

pub(super) fn section(flight: &Flight) -> Markup {
    let facts = figures(flight);
    html! {
        section aria-labelledby="figures" {
            h2 #figures { "Figures" }
            dl.facts {
                @for (name, fact) in facts { @if let Some(fact) = fact { div { dt { (name) } dd { (fact) } } } }
            }
            p.note { "A figure that could not be observed is left out." }
        }
    }
}

/// Name and value; absent where it could not be observed.
fn figures(flight: &Flight) -> Vec<(&'static str, Option<String>)> {
    let (recording, outcome) = (&flight.probe.recording, &flight.probe.outcome);
    let m = &outcome.measurement;
    let duration = |d: Option<std::time::Duration>| d.map(figure::duration);
    let tokens =
        m.output_tokens.map(|t| format!("{} by {}", figure::count(t.tokens), t.source.as_str()));
    let clock = outcome.timestamp_source.map(|source| match source {
        TimestampSource::Kernel => "the kernel's receive stamps".to_owned(),
        TimestampSource::Task => "the prober's own clock".to_owned(),
    });
    let connection = recording
        .send
        .map(|_| if recording.connection.reused { "reused" } else { "new" }.to_owned());
    vec![
        ("Status", outcome.http_status.map(|status| status.to_string())),
        ("Time to first byte", duration(m.ttfb)),
        ("Time to first token", duration(m.ttft)),
        ("… with connecting", duration(m.ttft_with_connect)),
        ("Time to first output token", duration(m.ttfo)),
        ("Time to second token", duration(m.ttst)),
        ("Inter-token latency", duration(m.itl)),
        ("Longest gap", duration(m.longest_gap)),
        ("Request latency", duration(m.request_latency)),
        ("Output tokens per second", outcome.tokens_per_second().map(figure::rate)),
        ("Input tokens", m.input_tokens.map(|t| figure::count(t.tokens))),
        ("… from the prefix cache", m.cached_input_tokens.map(figure::count)),
        ("Output tokens", tokens),
        ("… for reasoning", m.reasoning_tokens.map(figure::count)),
        ("Finish reason", m.finish.map(|f| f.as_str().to_owned())),
        ("Started late by", Some(figure::duration(recording.schedule_delay))),
        ("Connection", connection),
        ("Clock of arrivals", clock),
        ("Requests left", limit(outcome.request_limit)),
        ("Tokens left", limit(outcome.token_limit)),
    ]
}

fn limit(limit: RateLimit) -> Option<String> {
    let of = limit.limit.map_or_else(String::new, |n| format!(" of {}", figure::count(n)));
    limit.remaining.map(|left| format!("{}{of}", figure::count(left)))
}
