//! What `/probe?…&debug=true` shows: the log, the waterfall, the metrics and the configuration.

use std::fmt::Write;

use axum::response::{IntoResponse, Response};

use crate::answer::recording::{Ending, Offset};
use crate::config::Config;
use crate::metrics::{Format, Metrics};
use crate::probe::Probe;
use crate::report::{headers, waterfall};
use crate::target::Target;

/// `texts` says whether the server's words may be shown.
pub(super) fn page(
    target: &Target,
    mut probe: Probe,
    metrics: &Metrics,
    config: &Config,
    texts: bool,
) -> Response {
    if !texts && let Err(failure) = &mut probe.outcome.result {
        failure.detail.clear();
    }
    let metrics = metrics.encode(Format::ClassicText).unwrap_or_default();
    let parts = [
        ("Log", log(&probe)),
        ("Waterfall", waterfall::draw(&target.name, &probe)),
        ("Metrics that would have been returned", String::from_utf8_lossy(&metrics).into_owned()),
        (
            "Configuration, without secrets and texts",
            config.redacted().unwrap_or_else(|error| error.to_string()),
        ),
    ];
    let page = parts.iter().fold(String::new(), |page, (title, text)| {
        let line = "-".repeat(title.len());
        page + &format!("{title}\n{line}\n{text}\n")
    });
    page.into_response()
}

/// What happened, in order, by the recording alone; milliseconds since the probe's start.
fn log(probe: &Probe) -> String {
    let recording = &probe.recording;
    let source = recording.timestamp_source();
    let c = &recording.connection;
    let at = |arrival: Option<_>| arrival.map(|a| recording.at(&a, source));
    let content = &probe.outcome.measurement.content_at;
    let steps = [
        (c.resolved, "name resolved"),
        (c.connected, "connected"),
        (c.tls_done, "TLS handshake done"),
        (recording.send, "first byte of the request sent"),
        (recording.sent, "last byte of the request sent"),
        (at(recording.first_byte), "first byte of the response received"),
        (content.first().copied(), "first token received"),
        (content.last().copied(), "last token received"),
        (at(recording.last_read), "last byte received"),
    ];
    let mut steps: Vec<_> = steps.into_iter().filter_map(|(at, what)| Some((at?, what))).collect();
    steps.sort_by_key(|(at, _)| *at);
    let mut out = String::new();
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(out, "{:>12}  probe {} begins", "", probe.id.as_str());
    for (at, what) in &steps {
        line(&mut out, *at, what);
    }
    line(&mut out, recording.ended, &format!("the exchange ends: {}", ending(&recording.ending)));
    if let Some(head) = &recording.head {
        let shown = headers::public(&head.headers);
        let _ = writeln!(out, "{:>12}  status {}, headers {shown:?}", "", head.status);
    }
    let result = probe.outcome.reason().map_or("success", |reason| reason.as_str());
    let _ = writeln!(out, "{:>12}  result: {result}", "");
    out
}

fn line(out: &mut String, at: Offset, what: &str) {
    let _ = writeln!(out, "{:>9.3} ms  {what}", at.seconds() * 1e3);
}

/// In closed terms: its own words may quote the server.
fn ending(ending: &Ending) -> &'static str {
    match ending {
        Ending::Complete => "complete",
        Ending::ResolveFailed(_) => "the name could not be resolved",
        Ending::ConnectFailed(_) => "no connection",
        Ending::TlsFailed(_) => "the TLS handshake failed",
        Ending::TimedOut => "time-out of the whole request",
        Ending::FirstTokenTimedOut => "time-out of the first token",
        Ending::Stalled => "silence for the stall time-out",
        Ending::TailTimedOut => "the answer was finished, the rest not waited for",
        Ending::CutOff(_) => "cut off",
        Ending::NotHttp(_) => "not HTTP",
        Ending::TooLarge(_) => "too large",
        Ending::Cancelled => "given up",
        Ending::NoDescriptor => "no file descriptor was left for a connection",
        Ending::StoodStill(_) => "the prober itself stood still",
        Ending::ReaderStopped => "the reader stopped, as the workload asks",
        Ending::Internal(_) => "nothing could be sent",
    }
}
