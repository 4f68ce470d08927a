//! The page with the server's own metrics.
#![allow(clippy::float_cmp)] // whole numbers, and sums of exact times

use super::*;

/// The value of a series, by its name and labels behind the model's.
fn value(page: &Answer, name: &str, more: &str) -> f64 {
    let series = format!("vllm:{name}{{engine=\"0\",model_name=\"simulated\"{more}}} ");
    let text = page.text();
    let line = text.lines().find_map(|l| l.strip_prefix(&series));
    line.unwrap_or_else(|| panic!("no {series}: {text}")).parse().expect("a number")
}

#[tokio::test(start_paused = true)]
async fn queue_and_slots_are_what_they_are() {
    let simulator = Simulator::new(SimulatorConfig { slots: 2, ..exact() });
    let mut page = Client::of(&simulator).await;
    let mut ask = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let mut client = Client::of(&simulator).await;
        ask.spawn(async move { client.chat(&chat()).await });
    }
    tokio::time::sleep(100 * MS).await;
    let busy = page.get("/metrics").await;
    assert_eq!(busy.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let state = |page: &Answer| {
        ["num_requests_running", "num_requests_waiting", "kv_cache_usage_perc"]
            .map(|name| value(page, name, ""))
    };
    assert_eq!(state(&busy), [2.0, 3.0, 1.0]);
    assert_eq!(value(&busy, "generation_tokens_total", ""), 0.0);
    while ask.join_next().await.is_some() {}
    let idle = page.get("/metrics").await;
    assert_eq!(state(&idle), [0.0, 0.0, 0.0]);
    assert_eq!(value(&idle, "generation_tokens_total", ""), 25.0);
    assert_eq!(value(&idle, "prompt_tokens_total", ""), 5.0 * 4.0);
    assert_eq!(value(&idle, "request_success_total", ",finished_reason=\"stop\""), 5.0);
    // Two go at once; two wait for 240 ms, and the last for twice as long.
    assert_eq!(value(&idle, "request_queue_time_seconds_sum", ""), 0.96);
    assert_eq!(value(&idle, "request_prefill_time_seconds_sum", ""), 1.0);
    assert_eq!(value(&idle, "request_prefill_time_seconds_count", ""), 5.0);
    assert_eq!(value(&idle, "request_prompt_tokens_sum", ""), 5.0 * 4.0);
}

#[tokio::test(start_paused = true)]
async fn background_users_are_counted_too() {
    let source = Source::Users { count: 50, think_time: Duration::from_secs(1) };
    let load = Load { source, input_tokens: 10, output_tokens: 20, swing: None };
    let simulator = Simulator::new(SimulatorConfig { load: Some(load), slots: 4, ..exact() });
    let mut client = Client::of(&simulator).await;
    tokio::time::sleep(60_000 * MS).await;
    let page = client.get("/metrics").await;
    assert_eq!(value(&page, "num_requests_running", ""), 4.0);
    assert!(value(&page, "num_requests_waiting", "") > 10.0);
    let finished = value(&page, "request_success_total", ",finished_reason=\"length\"");
    assert!(finished > 100.0, "{finished}");
    assert_eq!(value(&page, "generation_tokens_total", ""), 20.0 * finished);
    assert_eq!(value(&page, "request_queue_time_seconds_count", ""), 0.0, "nobody measured them");
}

#[tokio::test(start_paused = true)]
async fn the_prefix_cache_counts_what_it_is_asked_for() {
    let mut client = Client::new(SimulatorConfig { prefix_cache: true, ..exact() }).await;
    let body = json!({"messages": [{"role": "user", "content": "x".repeat(640)}]});
    for _ in 0..2 {
        client.chat(&body).await;
    }
    let page = client.get("/metrics").await;
    assert_eq!(value(&page, "prefix_cache_queries_total", ""), 320.0);
    assert_eq!(value(&page, "prefix_cache_hits_total", ""), 159.0, "the last token is computed");
}
