//! The server's own metrics, under vLLM's names: what the queue and the answers really did.

use std::fmt::Write;

use bytes::Bytes;
use http::Response;

use super::reply::{self, Body};
use super::simulator::Shared;

/// The page. The KV cache is divided among the slots, and full when all of them are busy.
pub(super) fn page(shared: &Shared) -> Response<Body> {
    let now = shared.line.occupancy();
    let totals = shared.totals();
    let capacity = now.slots.max(now.running).max(1);
    let background_tokens = shared.config.load.as_ref().map_or(0, |l| l.output_tokens);
    let mut page = Page::new(&shared.config.model);
    page.one("num_requests_running", "gauge", f64::from(now.running));
    page.one("num_requests_waiting", "gauge", count(now.waiting as u64));
    page.one("kv_cache_usage_perc", "gauge", f64::from(now.running) / f64::from(capacity));
    page.one("prefix_cache_queries_total", "counter", count(totals.prefix_queries));
    page.one("prefix_cache_hits_total", "counter", count(totals.prefix_hits));
    page.one("num_preemptions_total", "counter", 0.0);
    page.one("prompt_tokens_total", "counter", count(totals.prompt_tokens));
    let background = now.background_finished * u64::from(background_tokens);
    page.one("generation_tokens_total", "counter", count(totals.generated_tokens + background));
    page.kind("request_success_total", "counter");
    let by_limit = totals.finished_length + now.background_finished;
    page.sample("request_success_total", ",finished_reason=\"stop\"", count(totals.finished_stop));
    page.sample("request_success_total", ",finished_reason=\"length\"", count(by_limit));
    let requests = totals.finished_stop + totals.finished_length;
    let histograms = [
        ("request_prompt_tokens", count(totals.finished_prompt_tokens)),
        ("request_queue_time_seconds", totals.queue_time.as_secs_f64()),
        ("request_prefill_time_seconds", totals.prefill_time.as_secs_f64()),
    ];
    for (name, sum) in histograms {
        page.histogram(name, requests, sum);
    }
    reply::whole("text/plain; version=0.0.4; charset=utf-8", Bytes::from(page.text))
}

#[allow(clippy::cast_precision_loss)] // exact up to 2^53
fn count(n: u64) -> f64 {
    n as f64
}

struct Page {
    text: String,
    labels: String,
}

impl Page {
    fn new(model: &str) -> Self {
        let model = model.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        Self { text: String::new(), labels: format!("engine=\"0\",model_name=\"{model}\"") }
    }

    fn kind(&mut self, name: &str, kind: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# TYPE vllm:{name} {kind}");
    }

    fn sample(&mut self, name: &str, more: &str, value: f64) {
        let labels = &self.labels;
        let _ = writeln!(self.text, "vllm:{name}{{{labels}{more}}} {value:?}");
    }

    fn one(&mut self, name: &str, kind: &str, value: f64) {
        self.kind(name, kind);
        self.sample(name, "", value);
    }

    fn histogram(&mut self, name: &str, requests: u64, sum: f64) {
        self.kind(name, "histogram");
        self.sample(&format!("{name}_bucket"), ",le=\"+Inf\"", count(requests));
        self.sample(&format!("{name}_count"), "", count(requests));
        self.sample(&format!("{name}_sum"), "", sum);
    }
}
