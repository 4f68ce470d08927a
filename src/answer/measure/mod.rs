//! From a timeline to figures. A figure that cannot be observed is `None`, never zero.

pub mod definition;
mod itl;
mod measurement;
mod shown;
mod tokenized;
mod tokens;

use itl::inter_token_latency;
pub use measurement::{ItlSource, Measurement, Phase, PhaseSpan, TokenCount, TokenSource};
pub use tokenized::Tokenized;
use tokens::{Counts, count_tokens};

use std::collections::BTreeMap;

use crate::answer::degenerate::{Degenerate, degenerate};
use crate::answer::recording::{Ending, Offset, Recording, TimestampSource};
use crate::answer::timeline::{Event, EventKind, Finish, ServerTiming, Timeline};

/// Derives every figure. `succeeded` decides whether there is a request latency.
#[must_use]
pub fn measure(
    recording: &Recording,
    timeline: &Timeline,
    source: TimestampSource,
    tokenized: Tokenized,
    succeeded: bool,
) -> Measurement {
    let content: Vec<&Event> = timeline.content().collect();
    let counts = Counts::of(timeline);
    let mut m = Measurement {
        phases: phases(recording, timeline, source),
        tokenized,
        cached_input_tokens: counts.merged.cached_input,
        reasoning_tokens: counts.merged.reasoning,
        server_timing: server_timing(timeline),
        finish: finish(timeline),
        content_at: content.iter().map(|e| e.at).collect(),
        ..Measurement::default()
    };
    let results = timeline.results();
    m.results = results.map(|(_, results)| results);
    count_tokens(&mut m, &counts, content.len());
    m.degenerate = degenerate_of(&content, m.output_tokens);
    if let Some(send) = recording.send {
        m.ttfb = recording.first_byte.map(|a| recording.at(&a, source).since(send));
        let last = content.last().copied().or(results.map(|(event, _)| event));
        m.request_latency = last.filter(|_| succeeded).map(|e| e.at.since(send));
        if timeline.streamed {
            stream_figures(&mut m, recording, &content, (send, succeeded));
            let itl = inter_token_latency(&m, timeline, &counts);
            (m.itl, m.itl_source) = itl.unzip();
        }
    }
    m
}

/// Figures that exist only where content arrived piece by piece.
fn stream_figures(
    m: &mut Measurement,
    recording: &Recording,
    content: &[&Event],
    (send, succeeded): (Offset, bool),
) {
    let Some(first) = content.first() else { return };
    m.ttft = Some(first.at.since(send));
    m.ttft_with_connect = (!recording.connection.reused).then(|| first.at.since(Offset::default()));
    let output = content.iter().find(|e| !matches!(e.kind, EventKind::Reasoning(_)));
    m.ttfo = output.map(|e| e.at.since(send));
    // Reasoning and answer, or two choices, of one event came as one piece.
    let mut pieces = content.to_vec();
    pieces.dedup_by_key(|e| e.frame);
    // An event that shares its read with a later one has only an upper bound for a stamp.
    let coalesced = |pair: &[&Event]| pair[0].read == pair[1].read;
    let pairs = || pieces.windows(2);
    m.coalesced = pairs().filter(|p| coalesced(p)).count() as u64;
    m.ttst = pairs().next().filter(|p| !coalesced(p)).map(|p| p[1].at.since(p[0].at));
    let apart = pairs().filter(|p| !coalesced(p));
    m.longest_gap = apart.map(|p| p[1].at.since(p[0].at)).max();
    if !succeeded && matches!(recording.ending, Ending::Stalled | Ending::TimedOut) {
        // Nobody knows how long it would have been.
        let silence = content.last().map(|last| recording.ended.since(last.at));
        m.longest_gap = m.longest_gap.max(silence);
    }
    for (i, pair) in pairs().enumerate() {
        let end_is_coalesced = pieces.get(i + 2).is_some_and(|next| next.read == pair[1].read);
        if !coalesced(pair) && !end_is_coalesced {
            m.gaps.push(pair[1].at.since(pair[0].at));
        }
    }
}

/// Of the reasoning and of the answer, each choice by itself, the worst. Reasoning alone is never
/// surely worthless: nobody has to read it. Of tool calls the schema of their arguments is the
/// judge.
fn degenerate_of(content: &[&Event], tokens: Option<TokenCount>) -> Degenerate {
    let mut texts: BTreeMap<(u32, bool), String> = BTreeMap::new();
    for event in content {
        let (reasoning, text) = match &event.kind {
            EventKind::Content(text) => (false, text),
            EventKind::Reasoning(text) => (true, text),
            _ => continue,
        };
        texts.entry((event.choice, reasoning)).or_default().push_str(text);
    }
    let tokens = tokens.map_or(0, |counted| counted.tokens);
    let judge = |((_, reasoning), text): (&(u32, bool), &String)| {
        let most = if *reasoning { Degenerate::Perhaps } else { Degenerate::Certainly };
        degenerate(text, tokens).min(most)
    };
    texts.iter().map(judge).max().unwrap_or_default()
}

fn server_timing(timeline: &Timeline) -> ServerTiming {
    let newest = timeline.events.iter().rev().find_map(|e| match &e.kind {
        EventKind::ServerTiming(t) => Some(*t),
        _ => None,
    });
    newest.unwrap_or_default()
}

fn finish(timeline: &Timeline) -> Option<Finish> {
    timeline.events.iter().rev().find_map(|e| match e.kind {
        EventKind::Finish(finish) => Some(finish),
        _ => None,
    })
}

/// The phases that happened, in order.
fn phases(recording: &Recording, timeline: &Timeline, source: TimestampSource) -> Vec<PhaseSpan> {
    let c = &recording.connection;
    let start = Some(Offset::default());
    let first_byte = recording.first_byte.map(|a| recording.at(&a, source));
    let streamed = |at: Option<Offset>| at.filter(|_| timeline.streamed);
    let first = streamed(timeline.content().next().map(|e| e.at));
    let last = streamed(timeline.content().next_back().map(|e| e.at));
    let spans = [
        (Phase::Resolve, start, c.resolved),
        (Phase::Connect, c.resolved, c.connected),
        (Phase::Tls, c.connected, c.tls_done),
        (Phase::Send, recording.send, recording.sent),
        (Phase::Processing, recording.sent, first_byte),
        (Phase::FirstToken, first_byte, first),
        (Phase::Decode, first, last),
        (Phase::Tail, last, end_of_body(recording, source)),
    ];
    let span = |(phase, start, end): (Phase, Option<Offset>, Option<Offset>)| {
        let (start, end) = start.zip(end)?;
        Some(PhaseSpan { phase, start, duration: end.since(start) })
    };
    spans.into_iter().filter_map(span).collect()
}

fn end_of_body(recording: &Recording, source: TimestampSource) -> Option<Offset> {
    let complete = recording.ending == Ending::Complete;
    recording.last_read.filter(|_| complete).map(|a| recording.at(&a, source))
}
