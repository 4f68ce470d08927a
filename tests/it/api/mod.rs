//! What the daemon serves beside its metrics: the API, probes on demand, and the terminal view of
//! the API.

mod answers;
mod beside;
mod clients;
mod confidential;
mod described;
mod events;
mod many;
mod on_demand;
mod terminal;

use std::sync::Arc;

use crate::common::eventually::eventually;
use crate::common::in_process::{serve, simulator, start};
use crate::common::scripted::{Step, always, tcp};
use llm_prober::daemon::Daemon;
use llm_prober::metrics::HistogramForm;
use llm_prober::web::WebOptions;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;

/// A served daemon.
struct Page {
    daemon: Arc<Daemon>,
    base: String,
    client: Client,
}

impl Page {
    /// Serves this configuration; `{server}` in it is a simulator of few, fast tokens, `{silent}` a
    /// server that accepts and says nothing, `{library}` one that shows two GPUs.
    async fn of(config: &str, options: WebOptions) -> Self {
        let server = simulator("model: m\nttft: 5ms\nitl: 1ms\nanswer_tokens: 3\n").await;
        let (silent, _) = tcp(always([Step::Hold])).await;
        let config = config.replace("{server}", &server.to_string());
        let config = config.replace("{silent}", &silent.to_string());
        let library = crate::common::gpu_library::library(crate::common::gpu_library::Age::New)
            .display()
            .to_string();
        let config = crate::common::config(&config.replace("{library}", &library));
        let daemon = start(config, HistogramForm::All);
        let base = format!("http://{}", serve(&daemon, options).await);
        Self { daemon, base, client: crate::common::process::client() }
    }

    /// A healthy target, one that misses its SLO, one that fails, and one whose first probe is still
    /// under way; each but the last has been probed a few times.
    async fn lively(options: WebOptions) -> Self {
        let page = Self::of(LIVELY, options).await;
        for target in ["good", "a slow/one", "dead"] {
            page.until(|page| page.daemon.history.probes(target).len() >= 5).await;
        }
        page
    }

    async fn until(&self, seen: impl Fn(&Self) -> bool) {
        eventually("probes", async || seen(self).then_some(()).ok_or("too few")).await;
    }

    async fn ask(&self, method: Method, path: &str) -> Response {
        let url = format!("{}{path}", self.base);
        self.client.request(method, url).send().await.unwrap()
    }

    /// A GET that is answered with JSON.
    async fn json(&self, path: &str) -> (StatusCode, Value) {
        let response = self.ask(Method::GET, path).await;
        let status = response.status();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind, "application/json", "{path}");
        (status, response.json().await.unwrap())
    }

    /// A GET that is answered with 200 and JSON.
    async fn get(&self, path: &str) -> Value {
        let (status, json) = self.json(path).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    /// The id of a probe of this target.
    async fn probe_id(&self, target: &str) -> String {
        let list = self.get(&format!("/api/v1/targets/{target}/probes?limit=1")).await;
        list["probes"][0]["id"].as_str().unwrap().to_owned()
    }
}

const LIVELY: &str = "
defaults: {interval: 100ms, arrival: constant}
workloads:
  short: {prompts: {inline: [Zq7XPrompt]}, max_output_tokens: 3}
  long: {prompts: {inline: [Zq7XPrompt and more]}, max_output_tokens: 3}
slos:
  easy: {objective: 0.95, ttft: 1m}
  hopeless: {objective: 0.99, ttft: 1ms}
targets:
  - {name: good, url: 'http://{server}/v1', model: m, slos: [easy],
     labels: {stack: current, node: a}, version: {hardware: none}, server_metrics: /metrics}
  - {name: a slow/one, url: 'http://{server}/v1', slos: [hopeless], labels: {stack: candidate}}
  - {name: dead, url: 'http://{server}/v2', model: m, slos: [easy], labels: {stack: current}}
  - {name: idle, url: 'http://{silent}/v1', model: m, interval: 10h}
comparisons:
  - {name: canary, baseline: good, candidate: a slow/one, interval: 100ms, workloads: [short]}
gpu: {library: '{library}'}
";
