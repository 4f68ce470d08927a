use super::{full_target, full_view, loaded, look, ms, scrape};
use crate::server_metrics::{Look, Problem, Sample, ServerView};
use crate::target::Target;
use crate::testing::{config, target};

const UP: &str = "llm_prober_server_metrics_up";
const WAITING: &str = "llm_prober_server_requests_waiting";

#[test]
fn a_look_becomes_gauges_and_counters_of_the_target() {
    let metrics = loaded(&config(vec![full_target()]));
    let prod = metrics.target("prod").unwrap();
    assert_eq!(scrape(&metrics).value(UP, &[]), None, "nobody has looked yet");
    prod.record_server("chat", &full_view(), None);
    let seen = scrape(&metrics);
    let value = |name: &str| seen.value(&format!("llm_prober_server_{name}"), &[("workload", "")]);
    assert_eq!(value("metrics_up"), Some(1.0));
    assert_eq!(value("metrics_timestamp_seconds"), Some(1_700_000_000.5));
    assert_eq!((value("requests_running"), value("requests_waiting")), (Some(8.0), Some(20.0)));
    assert_eq!(value("kv_cache_usage_ratio"), Some(0.97));
    assert_eq!(value("prefix_cache_queries_total"), Some(1000.0));
    assert_eq!(value("preemptions_total"), Some(3.0));
    let engine = [("engine", "vllm")];
    assert_eq!(seen.value("llm_prober_server_info", &engine), Some(1.0));
}

#[test]
fn a_look_that_fails_leaves_nothing_but_up() {
    let metrics = loaded(&config(vec![full_target()]));
    let prod = metrics.target("prod").unwrap();
    prod.record_server("chat", &full_view(), None);
    let failed = Look { result: Err(Problem::Unknown), ..look(5) };
    let view = ServerView { newest: Some(failed), ..ServerView::default() };
    prod.record_server("chat", &view, None);
    // A probe that looked before ends later.
    prod.record_server("chat", &full_view(), None);
    let seen = scrape(&metrics);
    assert_eq!(seen.value(UP, &[]), Some(0.0));
    let gone = ["requests_waiting", "metrics_timestamp_seconds", "preemptions_total", "info"];
    for name in gone {
        assert_eq!(seen.value(&format!("llm_prober_server_{name}"), &[]), None, "{name}");
    }
}

#[test]
fn the_first_token_is_counted_under_the_load_it_met() {
    let metrics = loaded(&config(vec![full_target()]));
    let prod = metrics.target("prod").unwrap();
    prod.record_server("chat", &full_view(), Some(ms(200)));
    prod.record_server("chat", &full_view(), None);
    let idle = Sample { waiting: Some(0.0), running: None, ..Sample::default() };
    let view = ServerView { at_send: Some(idle), ..ServerView::default() };
    prod.record_server("chat", &view, Some(ms(50)));
    let seen = scrape(&metrics);
    let count = |name: &str, labels: &[(&str, &str)]| {
        let labels: Vec<_> = labels.iter().copied().chain([("workload", "")]).collect();
        seen.value(&format!("llm_prober_{name}_count"), &labels)
    };
    assert_eq!(count("server_requests_waiting_at_send", &[]), Some(3.0));
    assert_eq!(count("server_requests_running_at_send", &[]), Some(2.0));
    let by_waiting = |class| count("time_to_first_token_by_waiting_seconds", &[("waiting", class)]);
    assert_eq!((by_waiting("16-63"), by_waiting("0")), (Some(1.0), Some(1.0)));
    assert_eq!(by_waiting("1-3"), None, "no probe has met it");
    let by_all = |class| count("time_to_first_token_by_in_flight_seconds", &[("in_flight", class)]);
    assert_eq!((by_all("16-31"), by_all("0")), (Some(1.0), None), "28 there; not known");
}

#[test]
fn targets_without_a_page_have_no_series_of_it() {
    let metrics = loaded(&config(vec![Target { server_metrics: None, ..target("a") }]));
    let seen = scrape(&metrics);
    let of_server = |name: &str| name.contains("_server_") || name.contains("_by_");
    assert!(!seen.samples.keys().any(|(name, _)| of_server(name)), "{:?}", seen.samples.keys());
    assert_eq!(seen.value(WAITING, &[]), None);
}
