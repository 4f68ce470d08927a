//! From the domain to the file.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::file::{self, FORMAT, VERSION};
use super::record::FlightRecord;
use crate::answer::deadline::Deadline;
use crate::answer::recording::{Arrival, Chunk, Ending, Offset, Recording};
use crate::answer::slo::Slo;
use crate::report::headers::{REDACTED, is_known};
use crate::target::request::AGENT;
use crate::workload::validator::Schema;
use crate::workload::{Part, Validator};

/// Masks the values of headers that are not needed to understand the answer.
pub(super) fn redact(recording: &mut Recording) {
    let headers = recording.head.iter_mut().flat_map(|head| &mut head.headers);
    for (_, value) in headers.filter(|(name, _)| !is_known(name)) {
        REDACTED.clone_into(value);
    }
}

pub(super) fn head(record: &FlightRecord) -> file::Head {
    let recording = &record.recording;
    let connection = &recording.connection;
    let offset = |at: Option<Offset>| at.map(|at| at.0);
    file::Head {
        format: FORMAT.to_owned(),
        version: VERSION,
        written_by: AGENT.to_owned(),
        probe_id: record.id.as_str().to_owned(),
        target: record.target.clone(),
        api: record.dialect.name().to_owned(),
        stream: record.shape.stream,
        max_body_bytes: record.max_body_bytes,
        workload: file::Workload {
            name: record.workload.name.clone(),
            max_output_tokens: record.workload.max_output_tokens,
            judged: Some(record.workload.judged)
                .filter(|part| *part != Part::Answer)
                .map(|part| part.as_str().to_owned()),
            results: Some(record.results).filter(|results| *results != 1),
            bytes_per_second: record.workload.bytes_read_per_second(),
            expect: record.workload.validators.iter().map(validator).collect(),
        },
        slos: record.slos.iter().map(|slo| self::slo(slo)).collect(),
        tokenized: file::Tokenized {
            input: record.tokenized.input,
            output: record.tokenized.output,
            reasoning: record.tokenized.reasoning,
            first_read: record.tokenized.first_read,
            first_answer_read: record.tokenized.first_answer_read,
        },
        started_unix_nanos: recording.started_unix_nanos,
        schedule_delay: u64::try_from(recording.schedule_delay.as_nanos()).unwrap_or(u64::MAX),
        connection: file::Connection {
            reused: connection.reused,
            resolved: offset(connection.resolved),
            connected: offset(connection.connected),
            tls_done: offset(connection.tls_done),
            certificate_expiry: connection.certificate_expiry,
        },
        address: recording.address,
        send: offset(recording.send),
        sent: offset(recording.sent),
        first_byte: recording.first_byte.map(arrival),
        response: recording
            .head
            .clone()
            .map(|h| file::Response { status: h.status, headers: h.headers }),
        last_read: recording.last_read.map(arrival),
        ended: recording.ended.0,
        ending: ending(&recording.ending),
        clock: file::Clock {
            unix_at_start: recording.clock.unix_at_start,
            unix_at_end: recording.clock.unix_at_end,
        },
        portions: recording.chunks.len(),
        outcome: record.outcome.clone(),
    }
}

pub(super) fn portion(chunk: &Chunk) -> file::Portion {
    let Arrival { read, task, kernel } = chunk.arrival;
    let text = std::str::from_utf8(&chunk.bytes).ok().map(str::to_owned);
    let base64 = text.is_none().then(|| STANDARD.encode(&chunk.bytes));
    file::Portion { read, task: task.0, kernel, text, base64 }
}

fn arrival(arrival: Arrival) -> file::Arrival {
    file::Arrival { read: arrival.read, task: arrival.task.0, kernel: arrival.kernel }
}

fn validator(validator: &Validator) -> file::Validator {
    match validator {
        Validator::Contains(text) => file::Validator::Contains(text.clone()),
        Validator::Regex(regex) => file::Validator::Regex(regex.as_str().to_owned()),
        Validator::MinOutputTokens(least) => file::Validator::MinOutputTokens(*least),
        Validator::JsonSchema(schema) => file::Validator::JsonSchema(self::schema(schema)),
        Validator::ToolCall(check) => file::Validator::ToolCall {
            name: check.name.clone(),
            arguments: check.arguments.as_ref().map(schema),
        },
        Validator::Finish(finishes) => {
            file::Validator::Finish(finishes.iter().map(|f| f.as_str().to_owned()).collect())
        }
        Validator::MinDistinctRatio(least) => file::Validator::MinDistinctRatio(*least),
    }
}

fn schema(schema: &Schema) -> file::Schema {
    let file = schema.file().display().to_string();
    file::Schema { file, text: schema.text().to_owned() }
}

fn slo(slo: &Slo) -> file::Slo {
    let nanos = |d: Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
    let deadline =
        |d: Deadline| file::Deadline { ttft: nanos(d.ttft), per_token: nanos(d.per_token) };
    let objectives = slo.objectives.iter().map(|o| file::Objective {
        kind: o.kind.as_str().to_owned(),
        threshold: o.threshold,
        deadline: o.deadline.map(deadline),
    });
    file::Slo {
        name: slo.name.clone(),
        objective: slo.objective,
        window_seconds: slo.window.as_secs(),
        objectives: objectives.collect(),
        workloads: slo.workloads.clone(),
    }
}

fn ending(ending: &Ending) -> file::Ending {
    match ending.clone() {
        Ending::Complete => file::Ending::Complete,
        Ending::ResolveFailed(e) => file::Ending::ResolveFailed(e),
        Ending::ConnectFailed(e) => file::Ending::ConnectFailed(e),
        Ending::TlsFailed(e) => file::Ending::TlsFailed(e),
        Ending::TimedOut => file::Ending::TimedOut,
        Ending::FirstTokenTimedOut => file::Ending::FirstTokenTimedOut,
        Ending::Stalled => file::Ending::Stalled,
        Ending::TailTimedOut => file::Ending::TailTimedOut,
        Ending::CutOff(e) => file::Ending::CutOff(e),
        Ending::NotHttp(e) => file::Ending::NotHttp(e),
        Ending::TooLarge(e) => file::Ending::TooLarge(e),
        Ending::Cancelled => file::Ending::Cancelled,
        Ending::NoDescriptor => file::Ending::NoDescriptor,
        Ending::StoodStill(still) => {
            file::Ending::StoodStill(u64::try_from(still.as_nanos()).unwrap_or(u64::MAX))
        }
        Ending::ReaderStopped => file::Ending::ReaderStopped,
        Ending::Internal(e) => file::Ending::Internal(e),
    }
}
