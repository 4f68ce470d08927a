//! End to end: simulated servers, the prober, a real Prometheus with the rules that are written for
//! the configuration, a real Alertmanager, and the webhook at the end.
//!
//! The period of the SLO is 45 minutes instead of 30 days, so that an hour takes 3.75 seconds and a
//! day 90; the logic of the rules is the one that is shipped.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

use llm_prober::metrics::HistogramForm;
use llm_prober::rules::FORMATS;
use llm_prober::simulate::{self, Simulator};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::common::alertmanager::{Alertmanager, Notice};
use crate::common::in_process::{daemon, simulator};
use crate::common::prometheus::{Prometheus, native_only};

/// A simulated day and a little more, so that there is a day before to compare with.
const HEALTHY: &str = "100s";

/// What goes wrong, and the one alert that shall say so.
const TROUBLES: [(&str, &str, &str); 3] = [
    ("slower", "ttft_factor: 3", "LLMProberTTFTRegression"),
    (
        "failing",
        "faults: {http_status: {probability: 0.05, status: 503}}",
        "LLMProberErrorRegression",
    ),
    (
        "stalling",
        "faults: {stall: {probability: 0.06, after_tokens: 2, pause: 800ms}}",
        "LLMProberStalls",
    ),
];

/// What is told of none but the target that has it, however busy this machine is: a prober or a server
/// that is short of time is late, and slow, and says so.
const SUBJECT: [&str; 4] = [
    "LLMProberErrorRegression",
    "LLMProberStreamErrors",
    "LLMProberTargetDown",
    "LLMProberFailingMoreThanBefore",
];

/// Of one failure in twenty three in a row are rare, but here they need to last for no more than 94 ms.
fn is_down_by_chance(notice: &Notice) -> bool {
    (notice.target.as_str(), notice.alert.as_str()) == ("failing", "LLMProberTargetDown")
}

fn server(trouble: &str) -> String {
    let usual = "model: m\nslots: 64\nttft: 400ms\nitl: 50ms\njitter: 0.05\nanswer_tokens: 5\n";
    if trouble.is_empty() {
        return usual.to_owned();
    }
    format!("{usual}script:\n  - after: {HEALTHY}\n    for: 60s\n    {trouble}\n")
}

async fn prober_config() -> String {
    let troubles = TROUBLES.map(|(name, trouble, _)| (name, trouble));
    let mut targets = Vec::new();
    for (name, trouble) in troubles.into_iter().chain([("healthy", "")]) {
        let url = format!("http://{}/v1", simulator(&server(trouble)).await);
        // What the server says itself is looked at where nothing happens.
        let page = if trouble.is_empty() { ", server_metrics: /metrics" } else { "" };
        targets
            .push(format!("{{name: {name}, url: '{url}', model: m, labels: {{team: a}}{page}}}"));
    }
    let targets = targets.join(", ");
    format!(
        "seed: 1\n\
         change_detection: {{enabled: false}}\n\
         defaults: {{interval: 30ms, arrival: constant, max_in_flight: 64}}\n\
         workloads:\n  \
           chat: {{prompts: {{inline: [Count to five.]}}, max_output_tokens: 5}}\n\
         slos:\n  \
           interactive: {{objective: 0.97, window: 45m, ttft: 10s, longest_gap: 500ms}}\n\
         targets: [{targets}]\n"
    )
}

fn prometheus_config(prober: &str, alertmanager: &str, rules: &str) -> String {
    format!(
        "global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 250ms}}\n\
         rule_files: ['{rules}']\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}\n\
         scrape_configs: [{{job_name: llm-prober, static_configs: [{{targets: ['{prober}']}}]}}]\n"
    )
}

fn expected() -> Vec<Notice> {
    let notice = |status: &str, (target, _, alert): (&str, &str, &str)| Notice {
        status: status.to_owned(),
        alert: alert.to_owned(),
        target: target.to_owned(),
    };
    TROUBLES
        .map(|t| notice("firing", t))
        .into_iter()
        .chain(TROUBLES.map(|t| notice("resolved", t)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_trouble_is_notified_by_its_own_alert_and_resolved() {
    let Some(alertmanager) = Alertmanager::start().await else { return };
    let config = crate::common::config(&prober_config().await);
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yml");
    std::fs::write(&rules, FORMATS[0].write(&config).unwrap()).unwrap();
    let prober = daemon(config, HistogramForm::default()).await;
    let (alerts, rules) = (alertmanager.address().to_string(), rules.display().to_string());
    let config = prometheus_config(&prober.to_string(), &alerts, &rules);
    let Some(prometheus) = Prometheus::start_with(&config, &[]).await else { return };

    for notice in expected() {
        alertmanager.wait_for(&notice).await;
        let seen: BTreeSet<_> = alertmanager.notices().into_iter().collect();
        let subject = |n: &&Notice| SUBJECT.contains(&n.alert.as_str());
        let others: Vec<_> = seen
            .iter()
            .filter(subject)
            .filter(|n| !expected().contains(n) && !is_down_by_chance(n))
            .collect();
        assert!(others.is_empty(), "nothing but {:?}: {others:?}", expected());
    }
    every_rule_is_evaluated(&prometheus).await;
}

/// A server that can be killed, and started again at the same address.
struct Mortal {
    simulator: Simulator,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
}

impl Mortal {
    async fn new(yaml: &str) -> Self {
        let config = simulate::parse(Path::new("simulator.yml"), yaml).unwrap();
        let address = ([127, 0, 0, 1], 0).into();
        let mut server = Self { simulator: Simulator::new(config), address, stop: None };
        server.live().await;
        server
    }

    async fn live(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        self.stop = Some(stop);
        let simulator = self.simulator.clone();
        tokio::spawn(async move {
            let stopped = async { stopped.await.unwrap_or_default() };
            simulator.serve(listener, stopped).await;
        });
    }

    fn die(&mut self) {
        self.stop = None;
    }
}

/// An hour takes a minute here. `dying` is killed for a while, `slow` gets much slower for a while:
/// each is one page, though an error budget burns at both. The bound is far from what a busy machine
/// does to a healthy server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_incident_is_one_page() {
    let inhibit = include_str!("../../alerts/alertmanager-inhibit.yml");
    // As the file advises, though not shortened as much: what holds back may be late here.
    let Some(alertmanager) = Alertmanager::start_with("3s", inhibit).await else { return };
    let mut dying = Mortal::new(&server("")).await;
    let script = "script: [{after: 15s, for: 20s, ttft_factor: 20}]\n";
    let slow = simulator(&(server("") + script)).await;
    let config = crate::common::config(&format!(
        "seed: 1\n\
         change_detection: {{enabled: false}}\n\
         defaults: {{interval: 500ms, arrival: constant, max_in_flight: 64, connection: fresh}}\n\
         workloads: {{chat: {{prompts: {{inline: [hi]}}, max_output_tokens: 5}}}}\n\
         slos: {{interactive: {{objective: 0.97, window: 12h, ttft: 4s}}}}\n\
         targets: [{{name: dying, url: 'http://{}/v1', model: m}}, \
                   {{name: slow, url: 'http://{slow}/v1', model: m}}]\n",
        dying.address
    ));
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yml");
    std::fs::write(&rules, FORMATS[0].write(&config).unwrap()).unwrap();
    let prober = daemon(config, HistogramForm::default()).await;
    let (alerts, rules) = (alertmanager.address().to_string(), rules.display().to_string());
    let config = prometheus_config(&prober.to_string(), &alerts, &rules);
    let Some(prometheus) = Prometheus::start_with(&config, &[]).await else { return };
    let notice = |status: &str, alert: &str, target: &str| Notice {
        status: status.to_owned(),
        alert: alert.to_owned(),
        target: target.to_owned(),
    };
    let (down, burn) = ("LLMProberTargetDown", "LLMProberErrorBudgetBurnFast");
    let answered = r#"llm_prober_failures_in_a_row{target="dying"} == 0"#;
    prometheus.wait_for(answered).await;

    dying.die();
    alertmanager.wait_for(&notice("firing", down, "dying")).await;
    let burns = format!(r#"ALERTS{{alertname="{burn}", target="dying", alertstate="firing"}}"#);
    prometheus.wait_for(&burns).await;
    let resolved = notice("resolved", down, "dying");
    assert!(!alertmanager.notices().contains(&resolved), "the server is still down");
    dying.live().await;
    alertmanager.wait_for(&resolved).await;
    alertmanager.wait_for(&notice("firing", burn, "slow")).await;
    alertmanager.wait_for(&notice("resolved", burn, "slow")).await;
    // Until nothing holds it back any more, and everything that could still come has come.
    prometheus.wait_for(&format!("absent({burns})")).await;
    let held_back = r#"absent(ALERTS{alertname="LLMProberTargetRecentlyDown", target="dying"})"#;
    prometheus.wait_for(held_back).await;

    let received = alertmanager.received();
    let pages: Vec<_> = received
        .iter()
        .filter(|alert| alert["labels"]["severity"] == "critical" && alert["status"] == "firing")
        .map(|alert| alert["annotations"]["summary"].as_str().unwrap())
        .collect();
    assert_eq!(pages.len(), 2, "{received:#?}");
    assert!(pages[0].starts_with("dying: no answer to the last "), "{pages:?}");
    assert!(pages[1].starts_with("slow: "), "{pages:?}");
    assert!(pages[1].contains(" of probes missed interactive (TTFT) in the last 1m"), "{pages:?}");
    assert!(received.iter().all(|alert| alert["labels"]["severity"] != "none"), "not for people");
}

/// Every rule is healthy, and every record has had data, except what looks back a week.
async fn every_rule_is_evaluated(prometheus: &Prometheus) {
    let rules = prometheus.get("/api/v1/rules").await;
    let groups = rules["data"]["groups"].as_array().unwrap();
    let rules: Vec<&Value> =
        groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(rules.len() > 70, "{}", rules.len());
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule}");
        if rule["type"] == "recording" && rule["labels"]["reference"] != "week" {
            let name = rule["name"].as_str().unwrap();
            // Ever: on a busy machine none of two seconds' looks at the server may be in time.
            prometheus.wait_for(&format!("last_over_time({name}[1h])")).await;
        }
    }
}

/// The files as they are shipped, with a live prober whose histograms are lean, scraped as text or
/// as native histograms: every record has data at once, except what looks back for a day or more.
async fn shipped_files_have_data(native: bool, flags: &[&str], options: &str) {
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/alerts")).unwrap() {
        let file = file.unwrap().path();
        if file.to_string_lossy().ends_with(".rules.yml") {
            let rules = std::fs::read_to_string(&file).unwrap();
            let often = rules
                .replace("interval: 1m", "interval: 1s")
                .replace("interval: 30s", "interval: 1s");
            std::fs::write(folder.path().join(file.file_name().unwrap()), often).unwrap();
        }
    }
    let server = "model: m\nttft: 20ms\nitl: 2ms\nfaults: {truncate: {probability: 0.1}}\n";
    let address = simulator(server).await;
    let config = crate::common::config(&format!(
        "{{defaults: {{interval: 50ms}}, targets: [{{name: t, url: 'http://{address}/v1', model: m, \
         server_metrics: /metrics}}]}}"
    ));
    let prober = daemon(config, HistogramForm::default()).await;
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         rule_files: ['{}/*.yml']\n\
         scrape_configs:\n  - job_name: llm-prober\n{options}    \
         static_configs: [{{targets: ['{prober}']}}]\n",
        folder.path().display()
    );
    let Some(prometheus) = Prometheus::start_with(&config, flags).await else { return };
    let rules = prometheus.get("/api/v1/rules").await;
    for group in rules["data"]["groups"].as_array().unwrap() {
        for rule in group["rules"].as_array().unwrap() {
            let (name, query) = (rule["name"].as_str().unwrap(), rule["query"].as_str().unwrap());
            if rule["type"] == "alerting" {
                prometheus.query(query).await;
            } else if !["reference", "regression"].iter().any(|w| name.contains(w)) {
                prometheus.wait_for(name).await;
            }
        }
    }
    let rules = prometheus.get("/api/v1/rules").await.to_string();
    assert!(!rules.contains("\"health\":\"err\""), "{rules}");
    let classic = prometheus.query("llm_prober_time_to_first_token_seconds_sum").await;
    assert_eq!(classic.is_empty(), native, "{classic:?}");
    for query in runbook_queries() {
        prometheus.query(&query).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shipped_rules_read_classic_histograms() {
    shipped_files_have_data(false, &[], "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shipped_rules_read_native_histograms() {
    let Some(options) = native_only() else { return };
    let flags = ["--enable-feature=native-histograms"];
    shipped_files_have_data(true, &flags, options).await;
}

/// What indented lines of the runbook begin with that are no queries.
const COMMANDS: [&str; 2] = ["llm-prober ", "curl "];

/// The indented lines of the runbook's sections that are no commands; deeper ones go on with the line above.
fn runbook_queries() -> Vec<String> {
    let mut queries: Vec<String> = Vec::new();
    let (_, sections) =
        include_str!("../../alerts/runbook.md").split_once("\n## LLMProber").unwrap();
    for line in sections.lines() {
        match (line.strip_prefix("    "), queries.last_mut()) {
            (Some(more), Some(query)) if more.starts_with(' ') => query.push_str(more),
            (Some(start), _) if !COMMANDS.iter().any(|c| start.starts_with(c)) => {
                queries.push(start.to_owned());
            }
            _ => {}
        }
    }
    assert!(queries.len() > 20, "{}", queries.len());
    queries
}
