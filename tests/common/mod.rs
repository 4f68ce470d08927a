//! What several tests need: targets from configuration text, recordings from bodies.
#![allow(dead_code)] // each test program uses its own part of this
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // tasks of a test end with its runtime

pub mod alertmanager;
pub mod client;
pub mod counterparts;
pub mod daemon;
pub mod eventually;
pub mod exposition;
pub mod gpu_library;
pub mod in_process;
pub mod llama;
pub mod log;
pub mod paged;
pub mod process;
pub mod prometheus;
pub mod promtool;
pub mod scripted;
pub mod simulated;
pub mod stream;
pub mod tls;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use llm_prober::answer::outcome::Outcome;
use llm_prober::answer::recording::{
    Arrival, Chunk, ClockPair, ConnectionPhases, Ending, Head, Offset, Recording,
};
use llm_prober::config::Config;
use llm_prober::interpret::interpret;
use llm_prober::target::Target;

/// One millisecond in the unit of offsets.
pub const MS: i64 = 1_000_000;

/// A configuration given as text.
pub fn config(yaml: &str) -> Config {
    Config::parse(yaml, Path::new("test.yml"), Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The first target of a configuration given as text.
pub fn target(yaml: &str) -> Arc<Target> {
    Arc::clone(&config(yaml).targets[0])
}

/// A target of the chat API with default settings.
pub fn chat_target() -> Arc<Target> {
    target("targets: [{name: t, url: 'http://localhost/v1', model: m}]")
}

/// A target of the completions API with default settings.
pub fn completions_target() -> Arc<Target> {
    target("targets: [{name: t, url: 'http://localhost/v1', model: m, api: openai-completions}]")
}

/// A recording of a 200 answer whose body arrived in the given portions at the given milliseconds,
/// each with a read of its own. The request was sent at offset 0.
pub fn recording(content_type: &str, portions: &[(i64, &[u8])]) -> Recording {
    let arrival = |i: usize, ms: i64| Arrival {
        read: u32::try_from(i).unwrap(),
        task: Offset(ms * MS),
        kernel: None,
    };
    let chunks: Vec<_> = portions
        .iter()
        .enumerate()
        .map(|(i, (ms, bytes))| Chunk {
            bytes: Bytes::copy_from_slice(bytes),
            arrival: arrival(i, *ms),
        })
        .collect();
    Recording {
        connection: ConnectionPhases { reused: true, ..ConnectionPhases::default() },
        send: Some(Offset(0)),
        sent: Some(Offset(0)),
        first_byte: Some(arrival(0, portions.first().map_or(1, |p| p.0))),
        head: Some(Head {
            status: 200,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
        }),
        last_read: chunks.last().map(|c| c.arrival),
        ended: Offset(portions.last().map_or(1, |p| p.0) * MS),
        ending: Ending::Complete,
        chunks,
        clock: ClockPair::default(),
        ..Recording::begin(0)
    }
}

/// Interprets a recording for the first workload and prompt of a target.
pub fn outcome(target: &Target, recording: &Recording) -> Outcome {
    let workload = &target.workloads[0];
    interpret(target, workload, &workload.prompts[0], recording)
}

/// `success` or the failure's reason.
pub fn verdict(outcome: &Outcome) -> &'static str {
    outcome.reason().map_or("success", |r| r.as_str())
}

/// Everything about an outcome that must not depend on how the bytes were cut.
pub fn essence(outcome: &Outcome) -> impl PartialEq + std::fmt::Debug + use<> {
    let m = &outcome.measurement;
    (
        outcome.reason(),
        outcome.http_status,
        (m.content_at.len(), m.finish),
        (m.input_tokens, m.output_tokens, m.cached_input_tokens, m.reasoning_tokens),
        m.server_timing,
        (m.ttft.is_some(), m.ttfo.is_some(), m.request_latency.is_some()),
    )
}
