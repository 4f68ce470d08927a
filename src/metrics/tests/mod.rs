//! The contract, and the three formats against each other.

mod changes;
mod client_library;
mod comparisons;
mod encoders;
mod figures;
mod formats;
mod golden;
mod gpus;
mod lint;
mod outages;
mod parse;
mod reference;
mod reload;
mod server;
mod sweeps;

use std::sync::Arc;
use std::time::Duration;

use super::{Format, Metrics, MetricsOptions};
use crate::answer::deadline::Deadline;
use crate::answer::degenerate::Degenerate;
use crate::answer::measure::{
    ItlSource, Measurement, Phase, PhaseSpan, TokenCount, TokenSource, Tokenized,
};
use crate::answer::outcome::Outcome;
use crate::answer::rate_limit::RateLimit;
use crate::answer::recording::{ConnectionPhases, Offset, Recording};
use crate::answer::slo::{Objective, ObjectiveKind, Slo, judge};
use crate::answer::timeline::{Finish, ServerTiming};
use crate::config::Config;
use crate::load::{CacheFinding, InAll};
use crate::server_metrics::{Look, Sample, ServerView, TtftPart};
use crate::target::budget::Ledger;
use crate::target::gpu_settings::{GpuId, TargetGpus};
use crate::target::{Budget, CacheCheck, Price, Target};
use crate::testing;
use crate::transport::ServerAddresses;
use crate::workload::Validator;
use parse::{Scrape, open_metrics};

/// 32 hexadecimal digits.
const PROBE_ID: &str = "0123456789abcdef0123456789abcdef";

fn loaded(config: &Config) -> Arc<Metrics> {
    let metrics = Metrics::new(MetricsOptions::default());
    metrics.load(config);
    metrics
}

fn scrape(metrics: &Metrics) -> Scrape {
    let text = metrics.encode(Format::OpenMetrics).unwrap();
    open_metrics(std::str::from_utf8(&text).unwrap())
}

/// A target that has everything a target can have, so that every family has a sample.
fn full_target() -> Target {
    let objectives = [
        (ObjectiveKind::Ttft, 0.3),
        (ObjectiveKind::Itl, 0.05),
        (ObjectiveKind::TokensPerSecond, 10.0),
    ];
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), TOKENIZER).unwrap();
    Target {
        url: "https://user:pw@llm.test/v1?key=k".parse().unwrap(),
        workloads: vec![
            testing::workload("chat", vec![Validator::Contains("x".to_owned())]),
            testing::workload("extract", Vec::new()),
        ],
        slos: vec![testing::slo("interactive", &objectives)],
        tokenizer: Some(
            crate::target::tokenizer::TargetTokenizer::load("tiny", file.path()).unwrap(),
        ),
        labels: [("stack".to_owned(), "current".to_owned())].into(),
        version: [("hardware".to_owned(), "cpu".to_owned())].into(),
        server_metrics: Some(testing::server_metrics()),
        price: Some(Price { input_per_million: 1.0, output_per_million: 2.0 }),
        gpus: TargetGpus { ids: vec![GpuId::Index(0)], exclusive: true },
        ..testing::target("prod")
    }
}

const TOKENIZER: &str =
    r#"{"model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}}"#;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A measurement with every figure; TTFT 200 ms, ITL 20 ms, 50 tokens in 1.25 s.
fn full_measurement() -> Measurement {
    let usage = |tokens| Some(TokenCount { tokens, source: TokenSource::Usage });
    Measurement {
        ttfb: Some(ms(150)),
        ttft: Some(ms(200)),
        ttft_with_connect: Some(ms(201)),
        ttfo: Some(ms(400)),
        ttst: Some(ms(20)),
        gaps: vec![ms(10), ms(30), ms(20)],
        longest_gap: Some(ms(30)),
        itl: Some(ms(20)),
        itl_source: Some(ItlSource::Usage),
        request_latency: Some(ms(1250)),
        phases: (Phase::ALL.iter().copied())
            .map(|phase| PhaseSpan { phase, start: Offset(0), duration: ms(3) })
            .collect(),
        input_tokens: usage(100),
        cached_input_tokens: Some(40),
        output_tokens: usage(50),
        reasoning_tokens: Some(7),
        tokenized: Tokenized { output: Some(48), ..Tokenized::default() },
        token_disagreement: Some((50, 48)),
        server_timing: ServerTiming {
            queue: Some(ms(1)),
            load: Some(ms(2)),
            prefill: Some(ms(90)),
            decode: Some(ms(900)),
        },
        finish: Some(Finish::Stop),
        content_at: Vec::new(),
        degenerate: Degenerate::Perhaps,
        coalesced: 2,
    }
}

fn full_recording() -> Recording {
    let connection = ConnectionPhases {
        connected: Some(Offset(1)),
        tls_done: Some(Offset(2)),
        certificate_expiry: Some(1_800_000_000),
        ..ConnectionPhases::default()
    };
    Recording { connection, ..testing::recording() }
}

/// `outcome` with the verdicts of the target's SLOs.
fn judged(target: &Target, outcome: Outcome) -> Outcome {
    let judge = |slo: &Arc<_>| judge(slo, outcome.succeeded(), &outcome.measurement);
    let verdicts = target.slos.iter().map(judge).collect();
    Outcome { verdicts, ..outcome }
}

/// A look at a page that says everything: 20 requests wait, 8 run.
fn look(seconds: u64) -> Look {
    let sample = Sample {
        engine: "vllm",
        running: Some(8.0),
        waiting: Some(20.0),
        kv_cache_usage: Some(0.97),
        prefix_cache_queries: Some(1000.0),
        prefix_cache_hits: Some(250.0),
        prefix_cache_hit_ratio: Some(0.25),
        preemptions: Some(3.0),
        ..Sample::default()
    };
    let at = tokio::time::Instant::now() + Duration::from_secs(seconds);
    Look { at, unix_seconds: 1_700_000_000.5, result: Ok(sample) }
}

fn full_view() -> ServerView {
    let ttft_parts = TtftPart::ALL.iter().copied().map(|part| (part, ms(50))).collect();
    let newest = look(0);
    ServerView { at_send: newest.result.ok(), alone: None, ttft_parts, newest: Some(newest) }
}

/// An SLO with deadlines.
fn fluent() -> Arc<Slo> {
    let deadline = Deadline { ttft: ms(1_000), per_token: ms(50) };
    let objectives = vec![Objective::deadlines(deadline)];
    Arc::new(Slo { objectives, ..Slo::clone(&testing::slo("fluent", &[])) })
}

/// Loaded with [`full_target`], one success and one failure recorded: no family is empty.
fn full_metrics() -> Arc<Metrics> {
    full_metrics_with(MetricsOptions::default())
}

fn full_metrics_with(options: MetricsOptions) -> Arc<Metrics> {
    let budget = Budget { output_tokens_per_day: Some(1_000), ..Budget::default() };
    let plain = full_target();
    let target = Target {
        slos: plain.slos.iter().cloned().chain([fluent()]).collect(),
        cold_after: Some(ms(60_000)),
        cache_check: Some(CacheCheck { every: ms(60_000), input_tokens: 1_000 }),
        budget,
        ..plain
    };
    let metrics = Metrics::new(options);
    let in_all = InAll::default();
    in_all.set(budget, None);
    metrics.set_in_all(Arc::new(in_all), Arc::new(std::time::SystemTime::now));
    metrics.load(&testing::config(vec![target.clone()]));
    metrics.set_gpus(Some(gpus::full_view()));
    metrics.reload_succeeded(std::time::SystemTime::UNIX_EPOCH + ms(1_700_000_000_250));
    metrics.set_history_records(2);
    metrics.set_flight_losses(crate::probe::sink::Losses::default());
    let error = crate::probe::self_check::MeasurementError::between(&[0], &[25_000]).unwrap();
    metrics.set_measurement_error(&error, std::time::SystemTime::UNIX_EPOCH);
    let limit = RateLimit { limit: Some(500), remaining: Some(499) };
    let success = Outcome {
        request_limit: limit,
        token_limit: limit,
        ..judged(&target, testing::outcome(full_measurement()))
    };
    let rejected = Outcome {
        rejected_by: vec!["contains"],
        ..judged(&target, testing::failed(crate::answer::failure::FailureReason::Validation))
    };
    let values = metrics.target("prod").unwrap();
    values.set_addresses(ServerAddresses::of_one(([127, 0, 0, 1], 80).into()));
    values.record("chat", &full_recording(), &success, PROBE_ID);
    values.record("chat", &full_recording(), &rejected, PROBE_ID);
    values.record_server("chat", &full_view(), Some(ms(200)));
    values.record_energy("chat", &success, 75.0);
    values.record_beside("chat", 2, Some(ms(200)));
    values.record_given_up("chat", &Measurement::default());
    values.workload("chat").unwrap().cancelled.begin();
    values.set_spending(Ledger::default(), Arc::new(std::time::SystemTime::now));
    values.record_cold(&success);
    values.record_cache_check(CacheFinding { cached: Some(0.9), ttft_ratio: Some(0.2) });
    values.workload("chat").unwrap().skipped(crate::answer::skip::SkipReason::Late);
    metrics.set_comparisons(vec![comparisons::full()]);
    metrics.set_sweeps(vec![sweeps::full(&target)]);
    values.beside_sweep.inc_by(1);
    metrics.set_watches(changes::full());
    metrics.set_outages(vec![outages::failing()]);
    metrics.state_written(std::time::SystemTime::UNIX_EPOCH + ms(1_700_000_000_750));
    // So that there is a previous scrape.
    metrics.encode(Format::Protobuf).unwrap();
    metrics
}
