use super::{PROBE_ID, full_metrics, full_target, judged, loaded, ms, scrape};
use crate::answer::failure::FailureReason;
use crate::answer::measure::{Measurement, TokenCount, TokenSource};
use crate::answer::recording::{ConnectionPhases, Recording};
use crate::answer::skip::SkipReason;
use crate::target::hours::ActiveHours;
use crate::target::{Budget, Target};
use crate::testing::{config, failed, outcome, recording, target};

/// Sample name without the prefix, labels, value (`None`: no such sample).
type Expected<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<f64>);

fn check(scrape: &super::Scrape, expect: &[Expected<'_>]) {
    for (name, labels, value) in expect {
        assert_eq!(
            scrape.value(&format!("llm_prober_{name}"), labels),
            *value,
            "{name} {labels:?}"
        );
    }
}

/// What no rule reads begins when it is first counted; what can never be has no series.
#[test]
fn other_counters_start_with_their_first_count() {
    let late = [
        "probes_given_up_total",
        "input_tokens_total",
        "cached_input_tokens_total",
        "output_tokens_total",
        "reasoning_tokens_total",
        "compared_output_tokens_total",
        "connections_total",
        "finish_total",
        "validation_failures_total",
        "degenerate_answers_total",
        "timestamp_source_total",
    ];
    let metrics = loaded(&config(vec![full_target()]));
    check(&scrape(&metrics), &late.map(|name| (name, &[][..], None)));
    let values = metrics.target("prod").unwrap();
    values.record_given_up("chat", &Measurement::default());
    let measured = Measurement { cached_input_tokens: Some(0), ..Measurement::default() };
    values.record("chat", &recording(), &outcome(measured), PROBE_ID);
    check(
        &scrape(&metrics),
        &[
            ("probes_given_up_total", &[], Some(1.0)),
            // The server says that there was nothing.
            ("cached_input_tokens_total", &[], Some(0.0)),
            ("connections_total", &[("kind", "new")], Some(1.0)),
            ("connections_total", &[("kind", "reused")], None),
            ("reasoning_tokens_total", &[], None),
        ],
    );
    let plain = scrape(&loaded(&config(vec![target("a")])));
    let impossible = [
        ("probe_failures_total", "tls"),
        ("probes_skipped_total", "budget"),
        ("probes_skipped_total", "prober"),
    ];
    check(&plain, &impossible.map(|(name, _)| (name, &[][..], Some(0.0))));
    for (name, reason) in impossible {
        check(&plain, &[(name, &[("reason", reason)], None)]);
    }
}

/// Those of a server, of GPUs, of comparisons and of sweeps begin when there is one.
#[test]
fn no_rule_reads_a_counter_that_begins_late() {
    let scrape = scrape(&loaded(&config(vec![full_target()])));
    let mut read = std::collections::BTreeSet::new();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/alerts")).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().ends_with(".rules.yml") {
            let text = std::fs::read_to_string(path).unwrap();
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
            let ours = words.filter(|w| w.starts_with("llm_prober_") && w.ends_with("_total"));
            read.extend(ours.map(str::to_owned));
        }
    }
    read.retain(|name| {
        !["_server_", "_gpu_", "_comparison_", "_sweep_"].iter().any(|of| name.contains(of))
    });
    assert!(read.len() > 5, "{read:?}");
    for name in read {
        assert_eq!(scrape.value(&name, &[]), Some(0.0), "{name}");
    }
}

/// A target whose answers come in one piece has no first token.
#[test]
fn an_answer_in_one_piece_has_no_series_of_a_stream() {
    let whole = Target { stream: false, ..target("a") };
    let whole = scrape(&loaded(&config(vec![whole])));
    let streamed = scrape(&loaded(&config(vec![target("a")])));
    let families = |scrape: &super::Scrape| {
        let counts = scrape.samples.keys().filter_map(|(name, _)| name.strip_suffix("_count"));
        counts.map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
    };
    let only_streamed: Vec<_> =
        families(&streamed).difference(&families(&whole)).cloned().collect();
    assert_eq!(
        only_streamed,
        [
            "llm_prober_inter_chunk_gap_seconds",
            "llm_prober_inter_token_latency_seconds",
            "llm_prober_longest_gap_seconds",
            "llm_prober_output_tokens_per_second",
            "llm_prober_prefill_tokens_per_second",
            "llm_prober_time_to_first_output_token_seconds",
            "llm_prober_time_to_first_token_seconds",
            "llm_prober_time_to_first_token_with_connect_seconds",
            "llm_prober_time_to_second_token_seconds",
        ]
    );
}

/// An alert rule would miss the first increment of a series that begins with it.
#[test]
fn every_counter_that_a_rule_reads_starts_at_zero() {
    let limited = Target {
        budget: Budget { output_tokens_per_day: Some(1), ..Budget::default() },
        active_hours: vec![ActiveHours { days: [true; 7], from: 0, to: 0, utc_offset: 0 }],
        ..full_target()
    };
    let scrape = scrape(&loaded(&config(vec![limited])));
    for workload in ["chat", "extract"] {
        let zero = |name: &str, label: &str, value: &str| {
            let labels = [("workload", workload), (label, value)];
            let found = scrape.value(&format!("llm_prober_{name}"), &labels);
            assert_eq!(found, Some(0.0), "{name} {label}={value}");
        };
        zero("probes_total", "target", "prod");
        zero("cost_dollars_total", "target", "prod");
        zero("coalesced_events_total", "target", "prod");
        let each = |name: &str, label: &str, values: &[&str]| {
            for value in values {
                zero(name, label, value);
            }
        };
        let reasons: Vec<_> = FailureReason::counted().map(FailureReason::as_str).collect();
        each("probe_failures_total", "reason", &reasons);
        let expected = SkipReason::ALL.iter().filter(|reason| **reason != SkipReason::Prober);
        let reasons: Vec<_> = expected.map(|reason| reason.as_str()).collect();
        each("probes_skipped_total", "reason", &reasons);
        for counted in ["slo_probes_total", "slo_good_probes_total", "good_output_tokens_total"] {
            each(counted, "slo", &["interactive"]);
        }
        let objectives = ["success", "ttft", "itl", "tokens_per_second"];
        each("slo_missed_total", "objective", &objectives);
    }
}

#[test]
fn nothing_is_known_before_the_first_probe() {
    let absent = |name| -> Expected<'_> { (name, &[], None) };
    check(
        &scrape(&loaded(&config(vec![target("a")]))),
        &[
            absent("probe_success"),
            absent("last_probe_timestamp_seconds"),
            absent("last_success_timestamp_seconds"),
            absent("ratelimit_limit"),
            absent("ratelimit_remaining"),
            absent("tls_certificate_expiry_timestamp_seconds"),
            absent("scrape_duration_seconds"),
            absent("server_stage_duration_seconds_count"),
            absent("cost_dollars_total"),
            absent("compared_output_tokens_total"),
        ],
    );
}

#[test]
fn a_figure_that_was_not_observed_leaves_no_sample() {
    let metrics = loaded(&config(vec![target("a")]));
    let values = metrics.target("a").unwrap();
    values.record("chat", &recording(), &failed(FailureReason::Stalled), PROBE_ID);
    let scrape = scrape(&metrics);
    for ((name, _), value) in &scrape.samples {
        let seen = name.starts_with("llm_prober_schedule_delay_seconds");
        if name.ends_with("_count") && !seen {
            assert!(value.abs() < f64::EPSILON, "{name} has a sample");
        }
    }
    check(
        &scrape,
        &[
            ("schedule_delay_seconds_count", &[], Some(1.0)),
            ("probes_total", &[], Some(1.0)),
            ("probe_failures_total", &[("reason", "stalled")], Some(1.0)),
            ("probe_failures_total", &[], Some(1.0)),
            ("probe_success", &[], Some(0.0)),
            ("last_probe_timestamp_seconds", &[], Some(1_700_000_002.0)),
            ("last_success_timestamp_seconds", &[], None),
            ("timestamp_source_total", &[], None),
        ],
    );
}

/// One success with every figure and one failure, see `full_metrics`.
#[test]
fn every_figure_lands_where_it_belongs() {
    let chat: &[_] = &[("workload", "chat")];
    let whole: &[_] = &[("workload", "")];
    check(
        &scrape(&full_metrics()),
        &[
            ("probes_total", chat, Some(2.0)),
            ("probe_failures_total", chat, Some(1.0)),
            ("probes_skipped_total", &[("reason", "late")], Some(1.0)),
            ("probe_success", chat, Some(0.0)),
            ("last_success_timestamp_seconds", chat, Some(1_700_000_002.0)),
            ("time_to_first_token_seconds_sum", chat, Some(0.2)),
            ("inter_token_latency_seconds_sum", chat, Some(0.02)),
            ("request_latency_seconds_sum", chat, Some(1.25)),
            ("time_to_first_byte_seconds_sum", whole, Some(0.15)),
            ("time_to_first_token_with_connect_seconds_sum", whole, Some(0.201)),
            ("time_to_first_output_token_seconds_sum", whole, Some(0.4)),
            ("time_to_second_token_seconds_sum", whole, Some(0.02)),
            ("inter_chunk_gap_seconds_count", whole, Some(3.0)),
            ("longest_gap_seconds_sum", whole, Some(0.03)),
            ("phase_duration_seconds_count", &[("phase", "tls")], Some(1.0)),
            ("server_stage_duration_seconds_sum", &[("stage", "decode")], Some(0.9)),
            ("server_stage_duration_seconds_sum", &[("stage", "queue")], Some(0.001)),
            ("output_tokens_per_second_sum", chat, Some(50.0)),
            ("prefill_tokens_per_second_sum", whole, Some(500.0)),
            ("input_tokens_total", &[("source", "usage")], Some(100.0)),
            ("cached_input_tokens_total", &[("source", "usage")], Some(40.0)),
            ("output_tokens_total", &[("source", "usage")], Some(50.0)),
            ("reasoning_tokens_total", &[("source", "usage")], Some(7.0)),
            ("compared_output_tokens_total", &[("source", "tokenizer")], Some(48.0)),
            ("compared_output_tokens_total", &[("source", "usage")], Some(50.0)),
            ("connections_total", &[("kind", "new")], Some(2.0)),
            ("finish_total", &[("finish", "stop")], Some(1.0)),
            ("validation_failures_total", &[("validator", "contains")], Some(1.0)),
            ("cost_dollars_total", chat, Some(0.0002)),
            ("ratelimit_limit", &[("unit", "tokens")], Some(500.0)),
            ("ratelimit_remaining", &[("unit", "requests")], Some(499.0)),
            ("tls_certificate_expiry_timestamp_seconds", &[], Some(1_800_000_000.0)),
            ("timestamp_source_total", &[("source", "kernel")], Some(1.0)),
            ("coalesced_events_total", chat, Some(2.0)),
        ],
    );
}

#[test]
fn slo_counts_are_exact_and_goodput_is_zero_for_bad_probes() {
    let target = full_target();
    let metrics = loaded(&config(vec![target.clone()]));
    let values = metrics.target("prod").unwrap();
    let tokens = |tokens| Some(TokenCount { tokens, source: TokenSource::Usage });
    let probe = |ttft, itl| Measurement {
        ttft: Some(ms(ttft)),
        itl: Some(ms(itl)),
        request_latency: Some(ms(500)),
        output_tokens: tokens(20),
        ..Measurement::default()
    };
    // Exactly at a threshold is good; then a slow first token; then slow in all three.
    for (ttft, itl) in [(300, 50), (301, 50), (600, 200)] {
        let outcome = judged(&target, outcome(probe(ttft, itl)));
        values.record("chat", &recording(), &outcome, PROBE_ID);
    }
    let outcome = judged(&target, failed(FailureReason::Timeout));
    values.record("chat", &recording(), &outcome, PROBE_ID);

    let slo: &[_] = &[("workload", "chat"), ("slo", "interactive")];
    let missed = |objective| [("workload", "chat"), ("objective", objective)];
    let consumed = |objective| [("workload", ""), ("objective", objective)];
    check(
        &scrape(&metrics),
        &[
            ("slo_probes_total", slo, Some(4.0)),
            ("slo_good_probes_total", slo, Some(1.0)),
            ("slo_missed_total", &missed("ttft"), Some(2.0)),
            ("slo_missed_total", &missed("itl"), Some(1.0)),
            ("slo_missed_total", &missed("tokens_per_second"), Some(1.0)),
            ("slo_missed_total", &missed("success"), Some(1.0)),
            ("slo_consumption_ratio_count", &consumed("ttft"), Some(3.0)),
            ("slo_consumption_ratio_bucket", &[("objective", "ttft"), ("le", "1.0")], Some(1.0)),
            ("slo_consumption_ratio_sum", &consumed("itl"), Some(6.0)),
            ("goodput_tokens_per_second_count", slo, Some(4.0)),
            ("goodput_tokens_per_second_sum", slo, Some(40.0)),
            ("good_output_tokens_total", slo, Some(20.0)),
            ("slo_objective_ratio", &[("slo", "interactive")], Some(0.99)),
            ("slo_threshold_seconds", &[("objective", "ttft")], Some(0.3)),
            ("slo_threshold_seconds", &[("objective", "tokens_per_second")], None),
            ("slo_threshold_tokens_per_second", &[], Some(10.0)),
        ],
    );
}

#[test]
fn connections_are_counted_by_how_they_came_about() {
    let metrics = loaded(&config(vec![target("a")]));
    let values = metrics.target("a").unwrap();
    let reused = ConnectionPhases { reused: true, ..ConnectionPhases::default() };
    for connection in [recording().connection, reused, reused, ConnectionPhases::default()] {
        let recording = Recording { connection, ..recording() };
        values.record("chat", &recording, &outcome(Measurement::default()), PROBE_ID);
    }
    check(
        &scrape(&metrics),
        &[
            ("connections_total", &[("kind", "new")], Some(1.0)),
            ("connections_total", &[("kind", "reused")], Some(2.0)),
        ],
    );
}

#[test]
fn a_probe_is_in_flight_until_its_guard_is_dropped() {
    let metrics = loaded(&config(vec![target("a")]));
    let workload = std::sync::Arc::clone(metrics.target("a").unwrap().workload("chat").unwrap());
    let (one, two) = (workload.begin(), workload.begin());
    check(&scrape(&metrics), &[("probes_in_flight", &[], Some(2.0))]);
    drop(one);
    check(&scrape(&metrics), &[("probes_in_flight", &[], Some(1.0))]);
    drop(two);
    check(&scrape(&metrics), &[("probes_in_flight", &[], Some(0.0))]);
}
