//! The core in one function: what a recording amounts to. Pure, so a saved recording of an
//! incident interprets the same way for ever.

pub mod decode;
pub mod progress;

use std::sync::Arc;

use serde_json::Value;

use crate::answer::degenerate::Degenerate;
use crate::answer::failure::{Failure, FailureReason};
use crate::answer::measure::{Measurement, Tokenized, measure};
use crate::answer::outcome::Outcome;
use crate::answer::rate_limit::RateLimits;
use crate::answer::recording::{Ending, Head, Recording};
use crate::answer::slo::{Slo, judge};
use crate::answer::timeline::{DecodeEnd, EventKind, Finish, Timeline};
use crate::dialect::{Dialect, Kind, Shape};
use crate::interpret::decode::decode;
use crate::interpret::progress::Progress;
use crate::target::Target;
use crate::workload::prompt::BUILT_IN_DOCUMENTS;
use crate::workload::validator::{DEGENERATE, REPETITION, RESULTS};
use crate::workload::{Judged, Prompt, Validator, Workload};

/// How much of a refused answer's body is kept as the failure's detail.
const DETAIL_BYTES: usize = 300;

/// What the interpretation depends on beside the recording itself.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The language of the answer.
    pub dialect: &'a dyn Dialect,
    /// What was asked for.
    pub shape: Shape,
    /// Body bytes at most.
    pub max_body_bytes: usize,
    /// The target's SLOs.
    pub slos: &'a [Arc<Slo>],
    /// Whose validators judge the answer.
    pub workload: &'a Workload,
    /// Results that an answer has to have at least, where the API gives some.
    pub results: u64,
}

/// How many results a probe asks for: as many as there are texts or documents, unless a key of the
/// request wants fewer. Whoever adds inputs by such a key may get more.
#[must_use]
pub fn results_asked(target: &Target, workload: &Workload) -> u64 {
    if target.dialect.kind() != Kind::Rerank {
        return 1;
    }
    let documents = match workload.documents.len() {
        0 => BUILT_IN_DOCUMENTS.len(),
        own => own,
    };
    let named = |key| workload.extra_body.get(key).or_else(|| target.extra_body.get(key));
    let most = ["top_n", "top_k"].into_iter().filter_map(named).filter_map(Value::as_u64).min();
    (documents as u64).min(most.unwrap_or(u64::MAX))
}

/// Interprets the recording of one request.
#[must_use]
pub fn interpret(
    target: &Target,
    workload: &Workload,
    prompt: &Prompt,
    recording: &Recording,
) -> Outcome {
    let terms = Terms {
        dialect: &*target.dialect,
        shape: target.shape(),
        max_body_bytes: target.limits.max_body_bytes,
        slos: &target.slos,
        workload,
        results: results_asked(target, workload),
    };
    read(&terms, recording, |timeline| tokenize(target, prompt, timeline))
}

/// Interprets a recording again, long after its prompt is gone: the tokenizer's counts are those
/// of the first time.
#[must_use]
pub fn reinterpret(terms: &Terms<'_>, recording: &Recording, tokenized: Tokenized) -> Outcome {
    read(terms, recording, |_| tokenized)
}

fn read(
    terms: &Terms<'_>,
    recording: &Recording,
    tokenize: impl FnOnce(&Timeline) -> Tokenized,
) -> Outcome {
    let workload = terms.workload;
    let source = recording.timestamp_source();
    let answered = recording.head.as_ref().is_some_and(|h| (200..300).contains(&h.status));
    let mut timeline = if answered {
        decode(terms.dialect, terms.shape, recording, source, terms.max_body_bytes)
    } else {
        Timeline { events: Vec::new(), streamed: false, end: DecodeEnd::Clean }
    };
    timeline.disbelieve(MOST_INPUT, most_output(workload, recording));
    let tokenized = tokenize(&timeline);
    let mut result = classify(terms.dialect.kind(), recording, &timeline);
    let mut measurement = measure(recording, &timeline, source, tokenized, result.is_ok());
    if let Err(failure) = &mut result
        && let Some(why) = spent_on_reasoning(failure.reason, &measurement)
    {
        failure.detail = why;
    }
    if workload.bytes_read_per_second().is_some() {
        result = result_of_slow_reading(result, &timeline);
        measurement = measurement.without_times();
    }
    let mut rejected_by = Vec::new();
    if result.is_ok() {
        rejected_by = rejecting_validators(workload, &timeline, &measurement);
        let mut detail = format!("rejected by {}", rejected_by.join(", "));
        if let Some(results) = measurement.results.filter(|found| found.count < terms.results) {
            detail = format!("{} of {} results", results.count, terms.results);
            rejected_by.push(RESULTS);
        }
        if !rejected_by.is_empty() {
            result = Err(Failure::new(FailureReason::Validation, detail));
            measurement.request_latency = None;
        }
    }
    let covering = terms.slos.iter().filter(|slo| slo.covers(&workload.name));
    let verdicts = covering.map(|slo| judge(slo, result.is_ok(), &measurement)).collect();
    let head = recording.head.as_ref();
    let RateLimits { requests, tokens } =
        head.map(|head| terms.dialect.rate_limits(head)).unwrap_or_default();
    Outcome {
        http_status: head.map(|h| h.status),
        verdicts,
        timestamp_source: recording.first_byte.map(|_| source),
        rejected_by,
        request_limit: requests,
        token_limit: tokens,
        result,
        measurement,
    }
}

/// No prompt has more tokens.
const MOST_INPUT: u64 = 1 << 27;

/// The most generated tokens that a server is believed: so many times what was asked for, what was
/// shown (a token has a byte at least), and reasoning of the longest kind.
fn most_output(workload: &Workload, recording: &Recording) -> u64 {
    const TIMES: u64 = 16;
    const HIDDEN: u64 = 1 << 20;
    let shown: usize = recording.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
    u64::from(workload.max_output_tokens) * TIMES + HIDDEN + shown as u64
}

/// The words of an answer, without its reasoning: what its user would have read. Of several choices
/// the first.
#[must_use]
pub fn words(target: &Target, recording: &Recording) -> String {
    let source = recording.timestamp_source();
    let most = target.limits.max_body_bytes;
    let timeline = decode(&*target.dialect, target.shape(), recording, source, most);
    let first = timeline.content().next().map(|event| event.choice);
    let of_first = timeline.content().filter(|event| Some(event.choice) == first);
    let text = of_first.filter_map(|event| match &event.kind {
        EventKind::Content(text) => Some(text.as_str()),
        _ => None,
    });
    text.collect()
}

/// Success, or the one reason why not. The first of these that applies wins: a prober that stood still,
/// a status that refuses, an error the server reported, then whether the answer came to its proper end.
fn classify(kind: Kind, recording: &Recording, timeline: &Timeline) -> Result<(), Failure> {
    if matches!(recording.ending, Ending::StoodStill(_)) {
        // Whatever came: when it came is not known.
        ended_properly(&recording.ending)?;
    }
    if let Some(head) = &recording.head {
        refused(head, recording)?;
    }
    let reported = timeline.events.iter().find_map(|e| match &e.kind {
        EventKind::Error(message) => Some(message.clone()),
        _ => None,
    });
    if let Some(message) = reported {
        return Err(Failure::new(FailureReason::ErrorEvent, message));
    }
    if let DecodeEnd::Malformed(detail) = &timeline.end {
        return Err(Failure::new(FailureReason::Malformed, detail.clone()));
    }
    // After its own end nothing can hurt the answer any more.
    let finished = Progress::of(&timeline.events).has_ended();
    if !finished {
        ended_properly(&recording.ending)?;
        if let DecodeEnd::Partial(detail) = &timeline.end {
            return Err(Failure::new(FailureReason::Truncated, detail.clone()));
        }
    }
    let (content, without) = match kind {
        Kind::Generate | Kind::Transcribe => {
            let content = timeline.content().next().is_some();
            (content, "the answer ended without any generated content")
        }
        Kind::Embed => (timeline.results().is_some(), "the answer holds no vector"),
        Kind::Rerank => (timeline.results().is_some(), "the answer holds no result"),
    };
    match (content, finished) {
        (true, true) => Ok(()),
        (true, false) => {
            let detail = "the answer ended without a finish reason or end marker";
            Err(Failure::new(FailureReason::Truncated, detail))
        }
        (false, _) => Err(Failure::new(FailureReason::Empty, without)),
    }
}

/// A reader who was slower than the server knows whether it answers, but not how soon it would have
/// ended.
fn result_of_slow_reading(result: Result<(), Failure>, timeline: &Timeline) -> Result<(), Failure> {
    let begun = Progress::of(&timeline.events).has_begun();
    let own = match &result {
        Ok(()) => true,
        // Without a word of its answer, the reader has waited for the server.
        Err(failure) => failure.reason == FailureReason::Timeout && begun,
    };
    if own {
        let detail = "the reader is slower than the server, as the workload asks";
        return Err(Failure::new(FailureReason::Cancelled, detail));
    }
    result
}

fn refused(head: &Head, recording: &Recording) -> Result<(), Failure> {
    let reason = match head.status {
        200..300 => return Ok(()),
        429 => FailureReason::Throttled,
        _ => FailureReason::HttpStatus,
    };
    let body: Vec<u8> =
        recording.chunks.iter().flat_map(|c| c.bytes.to_vec()).take(DETAIL_BYTES).collect();
    let body = String::from_utf8_lossy(&body);
    Err(Failure::new(reason, body.trim()))
}

fn ended_properly(ending: &Ending) -> Result<(), Failure> {
    let (reason, detail) = match ending {
        Ending::Complete | Ending::TailTimedOut => return Ok(()),
        Ending::ResolveFailed(e) => (FailureReason::Resolve, e.clone()),
        Ending::ConnectFailed(e) => (FailureReason::Connect, e.clone()),
        Ending::TlsFailed(e) => (FailureReason::Tls, e.clone()),
        Ending::TimedOut => (FailureReason::Timeout, "the whole request timed out".to_owned()),
        Ending::FirstTokenTimedOut => {
            (FailureReason::Timeout, "no first token came in time".to_owned())
        }
        Ending::Stalled => (FailureReason::Stalled, "the answer did not go on".to_owned()),
        Ending::CutOff(e) => (FailureReason::Truncated, e.clone()),
        Ending::NotHttp(e) => (FailureReason::Malformed, e.clone()),
        Ending::TooLarge(e) => (FailureReason::TooLarge, e.clone()),
        Ending::Cancelled => (FailureReason::Cancelled, "the prober gave up".to_owned()),
        Ending::NoDescriptor => {
            (FailureReason::Cancelled, "the prober has no file descriptor left".to_owned())
        }
        Ending::StoodStill(still) => {
            let why = format!("the prober stood still for {:.1} s", still.as_secs_f64());
            (FailureReason::Cancelled, why)
        }
        Ending::ReaderStopped => (FailureReason::Cancelled, "the reader stopped".to_owned()),
        Ending::Internal(e) => (FailureReason::Internal, e.clone()),
    };
    Err(Failure::new(reason, detail))
}

/// Why an answer is empty whose server says that it generated something: reasoning models spend
/// a small limit before they come to the answer.
fn spent_on_reasoning(reason: FailureReason, measurement: &Measurement) -> Option<String> {
    let all = measurement.output_tokens.filter(|_| reason == FailureReason::Empty)?.tokens;
    let reasoning = measurement.reasoning_tokens.filter(|n| *n > 0)?;
    let part =
        if reasoning >= all { format!("all {all}") } else { format!("{reasoning} of {all}") };
    Some(format!(
        "{part} tokens that were generated are reasoning, which is not shown; \
         a larger max_output_tokens leaves room for the answer"
    ))
}

fn tokenize(target: &Target, prompt: &Prompt, timeline: &Timeline) -> Tokenized {
    let Some(tokenizer) = &target.tokenizer else { return Tokenized::default() };
    Tokenized::by(|text| tokenizer.count(text), &prompt.text(), timeline)
}

fn rejecting_validators(
    workload: &Workload,
    timeline: &Timeline,
    measurement: &Measurement,
) -> Vec<&'static str> {
    let tokens = measurement.output_tokens.map(|t| t.tokens);
    let answer = Judged::of(timeline, workload.judged, tokens, measurement.finish);
    let rejecting = workload.validators.iter().filter(|v| !v.accepts(&answer));
    // The server itself says that the answer is worthless.
    let repeats = (measurement.finish == Some(Finish::Repetition)).then_some(REPETITION);
    let no_answer = measurement.degenerate == Degenerate::Certainly;
    let own = repeats.into_iter().chain(no_answer.then_some(DEGENERATE));
    rejecting.map(Validator::name).chain(own).collect()
}
