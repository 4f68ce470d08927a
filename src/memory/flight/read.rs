//! From the file to the domain. Strict: what is read can be interpreted without surprises.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use regex::Regex;

use super::file::{self, FORMAT, VERSION};
use super::record::FlightRecord;
use crate::answer::deadline::Deadline;
use crate::answer::measure::Tokenized;
use crate::answer::recording::{
    Arrival, Chunk, ClockPair, ConnectionPhases, Ending, Head, Offset, Recording,
};
use crate::answer::slo::{Objective, ObjectiveKind, Slo};
use crate::answer::timeline::Finish;
use crate::dialect::{self, Shape};
use crate::target::request::ProbeId;
use crate::workload::validator::{Schema, ToolCheck};
use crate::workload::{Cancel, Part, Prefix, Validator, Workload};

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: usize = 64 << 20;
/// Portions of a body at most.
const MAX_PORTIONS: usize = 1 << 20;
/// Longest probe: stamps beyond it are no stamps. A week, in nanoseconds.
const LONGEST: i64 = 7 * 86_400 * 1_000_000_000;

/// Why a file is no flight record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// Counted from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong and what was expected.
    pub problem: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.problem),
            line => write!(f, "line {line}: {}", self.problem),
        }
    }
}

impl std::error::Error for ReadError {}

/// The result of one check, without its line.
type Checked<T> = Result<T, String>;

pub(super) fn read(text: &[u8]) -> Result<FlightRecord, ReadError> {
    let at = |line| move |problem| ReadError { line, problem };
    if text.len() > MAX_FILE_BYTES {
        let most = MAX_FILE_BYTES >> 20;
        return Err(at(0)(format!("larger than {most} MiB, the most that is read")));
    }
    // Every line ends with a line break, so one without is where a file breaks off.
    let cut = !text.ends_with(b"\n");
    let mut lines = text.split(|b| *b == b'\n').filter(|line| !line.is_empty()).peekable();
    let first = lines.next().ok_or_else(|| at(0)("empty, expected a flight record".to_owned()))?;
    let cut_here = cut && lines.peek().is_none() && is_beginning(first);
    let broken_head = |problem| at(1)(if cut_here { CUT_HEAD.to_owned() } else { problem });
    let head = self::head(first).map_err(broken_head)?;
    let announced = head.portions;
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut number = 1;
    while let Some(line) = lines.next() {
        number += 1;
        let cut_here = cut && lines.peek().is_none();
        let whole = chunks.len();
        let chunk = self::portion(line, chunks.last()).map_err(|problem| {
            let here = "truncated: the record breaks off in this line, after";
            let cut_off = || format!("{here} {whole} of {announced} portions");
            at(number)(if cut_here { cut_off() } else { problem })
        })?;
        if whole == announced.min(MAX_PORTIONS) {
            let problem = format!("more portions than the {announced} announced");
            return Err(at(number)(problem));
        }
        chunks.push(chunk);
    }
    if chunks.len() != announced {
        let (found, here) = (chunks.len(), "truncated: the record breaks off after line");
        return Err(at(0)(format!("{here} {number}, with {found} of {announced} portions")));
    }
    record(head, chunks).map_err(at(1))
}

const CUT_HEAD: &str =
    "truncated: the record breaks off in its head, and everything after it is missing";

/// Whether a line that cannot be read is the beginning of a head.
fn is_beginning(line: &[u8]) -> bool {
    let whole = format!("{{\"format\":\"{FORMAT}\",");
    line.starts_with(whole.as_bytes())
}

fn head(line: &[u8]) -> Checked<file::Head> {
    #[derive(serde::Deserialize)]
    struct Kind {
        format: String,
        version: u32,
    }
    let kind = serde_json::from_slice::<Kind>(line).ok().filter(|kind| kind.format == FORMAT);
    let Some(kind) = kind else {
        return Err(format!("not a flight record, expected {{\"format\": \"{FORMAT}\", …}}"));
    };
    if kind.version != VERSION {
        return Err(format!("version {} of the format, expected {VERSION}", kind.version));
    }
    serde_json::from_slice(line).map_err(|e| e.to_string())
}

fn portion(line: &[u8], before: Option<&Chunk>) -> Checked<Chunk> {
    let portion: file::Portion = serde_json::from_slice(line).map_err(|e| e.to_string())?;
    let bytes = match (portion.text, portion.base64) {
        (Some(text), None) => Bytes::from(text),
        (None, Some(code)) => {
            Bytes::from(STANDARD.decode(code).map_err(|e| format!("base64: {e}"))?)
        }
        _ => return Err("expected either `text` or `base64`".to_owned()),
    };
    let (read, task, kernel) = (portion.read, portion.task, portion.kernel);
    let arrival = arrival(&file::Arrival { read, task, kernel })?;
    let late = |b: &Chunk| b.arrival.read > arrival.read || b.arrival.task > arrival.task;
    if before.is_some_and(late) {
        return Err("arrived before the line above, expected the order of arrival".to_owned());
    }
    Ok(Chunk { bytes, arrival })
}

fn record(head: file::Head, chunks: Vec<Chunk>) -> Checked<FlightRecord> {
    let expected = || dialect::names().collect::<Vec<_>>().join(", ");
    let dialect = dialect::by_name(&head.api)
        .ok_or_else(|| format!("api `{}`, expected one of: {}", head.api, expected()))?;
    let id = ProbeId::parse(&head.probe_id).ok_or("probe_id: expected 32 hex digits")?;
    Ok(FlightRecord {
        id,
        dialect,
        shape: Shape { stream: head.stream },
        max_body_bytes: head.max_body_bytes,
        slos: head.slos.iter().map(slo).collect::<Checked<_>>()?,
        workload: Arc::new(workload(&head.workload)?),
        results: head.workload.results.unwrap_or(1),
        tokenized: Tokenized {
            input: head.tokenized.input,
            output: head.tokenized.output,
            reasoning: head.tokenized.reasoning,
            first_read: head.tokenized.first_read,
            first_answer_read: head.tokenized.first_answer_read,
        },
        recording: recording(&head, chunks)?,
        target: head.target,
        outcome: head.outcome,
    })
}

fn recording(head: &file::Head, chunks: Vec<Chunk>) -> Checked<Recording> {
    let c = &head.connection;
    Ok(Recording {
        started_unix_nanos: unix(head.started_unix_nanos)?,
        schedule_delay: Duration::from_nanos(head.schedule_delay),
        connection: ConnectionPhases {
            reused: c.reused,
            resolved: maybe(c.resolved)?,
            connected: maybe(c.connected)?,
            tls_done: maybe(c.tls_done)?,
            certificate_expiry: c.certificate_expiry,
        },
        address: head.address,
        send: maybe(head.send)?,
        sent: maybe(head.sent)?,
        first_byte: head.first_byte.as_ref().map(arrival).transpose()?,
        head: head.response.as_ref().map(|r| Head { status: r.status, headers: r.headers.clone() }),
        chunks,
        last_read: head.last_read.as_ref().map(arrival).transpose()?,
        ended: offset(head.ended)?,
        ending: ending(&head.ending),
        clock: ClockPair {
            unix_at_start: unix(head.clock.unix_at_start)?,
            unix_at_end: unix(head.clock.unix_at_end)?,
        },
    })
}

fn offset(nanos: i64) -> Checked<Offset> {
    if (-LONGEST..=LONGEST).contains(&nanos) {
        return Ok(Offset(nanos));
    }
    Err(format!("the instant {nanos} ns is out of range, expected at most {LONGEST}"))
}

fn maybe(nanos: Option<i64>) -> Checked<Option<Offset>> {
    nanos.map(offset).transpose()
}

/// Wall clocks until the year 2116, so that differences cannot overflow.
fn unix(nanos: i64) -> Checked<i64> {
    if (0..=i64::MAX / 2).contains(&nanos) {
        return Ok(nanos);
    }
    Err(format!("the wall clock {nanos} is out of range, expected nanoseconds since 1970"))
}

fn arrival(arrival: &file::Arrival) -> Checked<Arrival> {
    Ok(Arrival {
        read: arrival.read,
        task: offset(arrival.task)?,
        kernel: arrival.kernel.map(unix).transpose()?,
    })
}

fn workload(raw: &file::Workload) -> Checked<Workload> {
    Ok(Workload {
        prefix: Prefix::Shared,
        max_output_tokens: raw.max_output_tokens,
        judged: part(raw.judged.as_deref())?,
        cancel: raw.bytes_per_second.map(|bytes_per_second| Cancel::Slow { bytes_per_second }),
        validators: raw.expect.iter().map(validator).collect::<Checked<_>>()?,
        ..Workload::new(raw.name.clone(), Arc::new([]))
    })
}

fn validator(raw: &file::Validator) -> Checked<Validator> {
    Ok(match raw {
        file::Validator::Contains(text) => Validator::Contains(text.clone()),
        file::Validator::MinOutputTokens(least) => Validator::MinOutputTokens(*least),
        file::Validator::JsonSchema(schema) => Validator::JsonSchema(self::schema(schema)?),
        file::Validator::ToolCall { name, arguments } => Validator::ToolCall(ToolCheck {
            name: name.clone(),
            arguments: arguments.as_ref().map(schema).transpose()?,
        }),
        file::Validator::Finish(words) => {
            Validator::Finish(words.iter().map(finish).collect::<Checked<_>>()?)
        }
        file::Validator::MinDistinctRatio(least) => Validator::MinDistinctRatio(*least),
        file::Validator::Regex(source) => {
            Validator::Regex(Regex::new(source).map_err(|e| format!("workload.expect: {e}"))?)
        }
    })
}

fn part(raw: Option<&str>) -> Checked<Part> {
    let Some(word) = raw else { return Ok(Part::Answer) };
    Part::ALL.iter().copied().find(|part| part.as_str() == word).ok_or_else(|| {
        let words = Part::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
        format!("workload.judged `{word}`, expected one of: {words}")
    })
}

fn schema(raw: &file::Schema) -> Checked<Schema> {
    Schema::new(Path::new(&raw.file), raw.text.clone())
        .map_err(|e| format!("workload.expect: the schema: {e}"))
}

fn finish(word: &String) -> Checked<Finish> {
    Finish::ALL.iter().copied().find(|finish| finish.as_str() == word).ok_or_else(|| {
        let words = Finish::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
        format!("workload.expect: finish `{word}`, expected one of: {words}")
    })
}

fn slo(raw: &file::Slo) -> Checked<Arc<Slo>> {
    Ok(Arc::new(Slo {
        name: raw.name.clone(),
        objective: raw.objective,
        window: Duration::from_secs(raw.window_seconds),
        objectives: raw.objectives.iter().map(objective).collect::<Checked<_>>()?,
        workloads: raw.workloads.clone(),
    }))
}

fn objective(raw: &file::Objective) -> Checked<Objective> {
    let kind = ObjectiveKind::ALL.iter().copied().find(|kind| kind.as_str() == raw.kind);
    let kind = kind.ok_or_else(|| {
        let names =
            ObjectiveKind::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
        format!("objective `{}`, expected one of: {names}", raw.kind)
    })?;
    let due = |raw: &file::Deadline| Deadline {
        ttft: Duration::from_nanos(raw.ttft),
        per_token: Duration::from_nanos(raw.per_token),
    };
    let deadline = raw.deadline.as_ref().map(due);
    if deadline.is_some() != (kind == ObjectiveKind::Deadline) {
        return Err(format!("objective {}, expected `deadline` beside `deadline` alone", raw.kind));
    }
    if raw.threshold > 0.0 {
        return Ok(Objective { kind, threshold: raw.threshold, deadline });
    }
    Err(format!("the threshold of {} is {}, expected more than 0", raw.kind, raw.threshold))
}

fn ending(raw: &file::Ending) -> Ending {
    match raw {
        file::Ending::Complete => Ending::Complete,
        file::Ending::ResolveFailed(e) => Ending::ResolveFailed(e.clone()),
        file::Ending::ConnectFailed(e) => Ending::ConnectFailed(e.clone()),
        file::Ending::TlsFailed(e) => Ending::TlsFailed(e.clone()),
        file::Ending::TimedOut => Ending::TimedOut,
        file::Ending::FirstTokenTimedOut => Ending::FirstTokenTimedOut,
        file::Ending::Stalled => Ending::Stalled,
        file::Ending::TailTimedOut => Ending::TailTimedOut,
        file::Ending::CutOff(e) => Ending::CutOff(e.clone()),
        file::Ending::NotHttp(e) => Ending::NotHttp(e.clone()),
        file::Ending::TooLarge(e) => Ending::TooLarge(e.clone()),
        file::Ending::Cancelled => Ending::Cancelled,
        file::Ending::NoDescriptor => Ending::NoDescriptor,
        file::Ending::StoodStill(nanos) => Ending::StoodStill(Duration::from_nanos(*nanos)),
        file::Ending::ReaderStopped => Ending::ReaderStopped,
        file::Ending::Internal(e) => Ending::Internal(e.clone()),
    }
}
