//! Small domain values for unit tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::answer::failure::{Failure, FailureReason};
use crate::answer::measure::Measurement;
use crate::answer::outcome::Outcome;
use crate::answer::rate_limit::RateLimit;
use crate::answer::recording::{ConnectionPhases, Offset, Recording, TimestampSource};
use crate::answer::slo::{Objective, ObjectiveKind, Slo};
use crate::config::Config;
use crate::dialect::openai_chat;
use crate::memory::state::{Saved, StateError};
use crate::regression::comparison::{Cause, Run, RunId};
use crate::target::gpu_settings::{GpuSettings, TargetGpus};
use crate::target::schedule::{Arrival, Schedule};
use crate::target::{Addresses, Budget, ConnectionMode, Limits, ServerMetrics, Target, Tls};
use crate::workload::{Captured, Prompt, Validator, Workload};

/// A state folder, once nobody has it: a process that another test is just starting holds every lock
/// of this one for a moment.
pub fn saved(folder: &Path) -> Result<Saved, StateError> {
    let started = tokio::time::Instant::now();
    loop {
        let saved = Saved::open(folder);
        let used = matches!(saved, Err(StateError::Used(_)));
        if !used || started.elapsed() > Duration::from_secs(20) {
            return saved;
        }
        std::thread::yield_now();
    }
}

/// A plain target with one workload and no SLO.
pub fn target(name: &str) -> Target {
    Target {
        name: name.to_owned(),
        url: "http://llm.test:8000/v1".parse().expect("a URL"),
        dialect: openai_chat::new(),
        model: Some("tiny".to_owned()),
        stream: true,
        usage: crate::target::UsageMode::Auto,
        auth: None,
        headers: Vec::new(),
        extra_body: serde_json::Map::new(),
        tls: Tls::default(),
        connection: ConnectionMode::Reuse,
        addresses: Addresses::First,
        resolve_every: Duration::from_secs(30),
        limits: Limits {
            timeout: Duration::from_secs(60),
            first_token_timeout: None,
            stall_timeout: Duration::from_secs(20),
            tail_timeout: Duration::from_secs(2),
            max_body_bytes: 1 << 20,
        },
        schedule: Schedule { interval: Duration::from_secs(15), arrival: Arrival::Poisson },
        active_hours: Vec::new(),
        max_in_flight: 4,
        max_in_prefill: None,
        warm_up: 0,
        cold_after: None,
        cache_check: None,
        workloads: vec![workload("chat", Vec::new())],
        slos: Vec::new(),
        tokenizer: None,
        labels: BTreeMap::new(),
        version: BTreeMap::new(),
        price: None,
        budget: Budget::default(),
        server_metrics: None,
        gpus: TargetGpus::default(),
    }
}

/// A metrics page at the target's own address.
pub fn server_metrics() -> ServerMetrics {
    ServerMetrics {
        url: "http://llm.test:8000/metrics".parse().expect("a URL"),
        model: None,
        labels: BTreeMap::new(),
        timeout: Duration::from_secs(1),
        auth: None,
    }
}

/// A workload of one prompt.
pub fn workload(name: &str, validators: Vec<Validator>) -> Arc<Workload> {
    Arc::new(Workload {
        max_output_tokens: 16,
        validators,
        ..Workload::new(name.to_owned(), vec![Prompt::user("Hello?")].into())
    })
}

/// A workload of requests that were captured at these seconds.
pub fn captured(name: &str, seconds: &[Option<u64>]) -> Arc<Workload> {
    let prompt = |at: &Option<u64>| {
        let body = serde_json::Map::from_iter([("prompt".to_owned(), "p".into())]);
        let at = at.map(Duration::from_secs);
        Prompt::captured(Captured { at, ..Captured::new(body).expect("a body") })
    };
    let prompts = seconds.iter().map(prompt).collect();
    Arc::new(Workload { prompts, ..Workload::clone(&workload(name, Vec::new())) })
}

/// An SLO for all workloads.
pub fn slo(name: &str, objectives: &[(ObjectiveKind, f64)]) -> Arc<Slo> {
    let objective = |&(kind, threshold): &(ObjectiveKind, f64)| Objective::new(kind, threshold);
    Arc::new(Slo {
        name: name.to_owned(),
        objective: 0.99,
        window: Duration::from_secs(30 * 86_400),
        objectives: objectives.iter().map(objective).collect(),
        workloads: None,
    })
}

/// The first run of a comparison.
pub fn run() -> Run {
    Run {
        id: RunId::try_from("run-1".to_owned()).expect("an id"),
        began_unix_millis: 1_700_000_000_000,
        cause: Cause::New,
    }
}

/// A configuration of these targets.
pub fn config(targets: Vec<Target>) -> Config {
    let mut label_keys: Vec<String> =
        targets.iter().flat_map(|t| t.labels.keys().cloned()).collect();
    label_keys.sort();
    label_keys.dedup();
    let targets = targets.into_iter().map(Arc::new).collect();
    Config {
        targets,
        comparisons: Vec::new(),
        sweeps: Vec::new(),
        change_detection: crate::regression::change::ChangeDetection::usual(),
        state_dir: None,
        label_keys,
        seed: Some(1),
        gpu: GpuSettings::default(),
        max_in_flight: None,
        budget: Budget::default(),
    }
}

/// A recording on a new connection that took two seconds, without any bytes.
pub fn recording() -> Recording {
    Recording {
        schedule_delay: Duration::from_millis(2),
        connection: ConnectionPhases { connected: Some(Offset(500_000)), ..Default::default() },
        send: Some(Offset(1_000_000)),
        sent: Some(Offset(1_100_000)),
        ended: Offset(2_000_000_000),
        ..Recording::begin(1_700_000_000_000_000_000)
    }
}

/// A success with these figures.
pub fn outcome(measurement: Measurement) -> Outcome {
    Outcome {
        result: Ok(()),
        http_status: Some(200),
        measurement,
        verdicts: Vec::new(),
        timestamp_source: Some(TimestampSource::Kernel),
        rejected_by: Vec::new(),
        request_limit: RateLimit::default(),
        token_limit: RateLimit::default(),
    }
}

/// A failure that observed nothing.
pub fn failed(reason: FailureReason) -> Outcome {
    let result = Err(Failure::new(reason, "for a test"));
    Outcome { result, timestamp_source: None, ..outcome(Measurement::default()) }
}
