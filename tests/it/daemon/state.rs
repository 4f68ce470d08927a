//! What a killed program leaves to the next one.

use std::net::SocketAddr;

use serde_json::Value;

use crate::common::daemon::Program;
use crate::common::exposition::Exposition;
use crate::daemon::{Folder, simulator};

const WRITTEN: &str = "llm_prober_state_last_write_success_timestamp_seconds";

fn config(server: SocketAddr) -> String {
    format!(
        "defaults: {{interval: 100ms}}\n\
         targets:\n  - {{name: up, url: 'http://{server}/v1', model: simulated}}\n  \
         - {{name: lost, url: 'http://{server}/nowhere', model: simulated, interval: 1s}}\n\
         change_detection: {{state_dir: state}}\n"
    )
}

async fn json(daemon: &Program, path: &str) -> Value {
    serde_json::from_str(daemon.get(path).await.text()).unwrap()
}

/// The ids of what has failed.
async fn failures(daemon: &Program) -> Vec<String> {
    let list = json(daemon, "/api/v1/targets/lost/probes?failed=true").await;
    let probes = list["probes"].as_array().unwrap();
    probes.iter().map(|p| p["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn failures_and_windows_are_there_after_a_kill() {
    let folder = Folder::with(&config(simulator().await));
    let daemon = Program::daemon([folder.flag()]).await;
    daemon.until("a write", |m| !m.values(WRITTEN, &[]).is_empty()).await;
    let first_write = daemon.metrics().await.sum(WRITTEN, &[]);
    let before = failures(&daemon).await;
    let up = json(&daemon, "/api/v1/targets/up").await["month"]["probes"].as_u64().unwrap();
    assert!(before.len() > 2 && up > 5, "{before:?} {up}");
    // All of that is written with the next one.
    daemon.until("another write", |m| m.sum(WRITTEN, &[]) > first_write).await;
    drop(daemon); // by SIGKILL

    let daemon = Program::daemon([folder.flag()]).await;
    let after = failures(&daemon).await;
    let missing: Vec<_> = before.iter().filter(|id| !after.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let newest = json(&daemon, &format!("/api/v1/probes/{}", before[0])).await;
    assert_eq!(newest["summary"]["http_status"], 404, "{newest}");
    assert!(newest["detail"]["phases"].as_array().is_some(), "its recording too: {newest}");
    let target = json(&daemon, "/api/v1/targets/up").await;
    assert!(target["month"]["probes"].as_u64().unwrap() >= up, "{target}");
    assert!(target["hour"]["probes"].as_u64().unwrap() >= up, "{target}");
}

/// As in a rolling update: the next one starts while the one before still ends.
#[tokio::test]
async fn another_process_is_waited_for() {
    let folder = Folder::with(&config(simulator().await));
    let first = Program::daemon([folder.flag()]).await;
    let flags = [folder.flag(), "--web.listen-address=127.0.0.1:0".to_owned()];
    let second = Program::start(flags, &[]);
    let says = |program: &Program| {
        program.stderr().contains("waiting for its end, at most 60 s").then_some(())
    };
    second.find(says).await;
    first.signal("TERM");
    second.address().await;
}

/// Runs that are killed one after another spend together no more than the budget and one request.
#[tokio::test]
async fn a_budget_holds_across_kills() {
    const BUDGET: f64 = 400.0;
    const MOST: f64 = 8.0;
    let server = simulator().await;
    let target =
        |name: &str| format!("{{name: {name}, url: 'http://{server}/v1', model: simulated}}");
    let folder = Folder::with(&format!(
        "defaults: {{interval: 1s, arrival: constant}}\n\
         workloads: {{w: {{prompts: {{inline: [hi]}}, max_output_tokens: 8}}}}\n\
         budget: {{output_tokens_per_day: 400}}\n\
         targets: [{}, {}]\n\
         change_detection: {{state_dir: state}}\n",
        target("a"),
        target("b")
    ));
    let client = crate::common::process::client();
    let generated = async || {
        let page = client.get(format!("http://{server}/metrics")).send().await.unwrap();
        let page = Exposition::parse(&page.text().await.unwrap());
        page.sum("vllm:generation_tokens_total", &[])
    };
    let skipped =
        |m: &Exposition| m.sum("llm_prober_probes_skipped_total", &["reason=\"budget\""]) > 0.0;
    let mut spent_all = false;
    for run in 0..20 {
        let daemon = Program::daemon([folder.flag()]).await;
        let some = |m: &Exposition| m.sum("llm_prober_probes_total", &[]) >= 4.0 || skipped(m);
        let seen = daemon.until("some probes, or none for want of budget", some).await;
        drop(daemon); // by SIGKILL
        let spent = generated().await;
        assert!(spent <= BUDGET + MOST, "run {run}: {spent}");
        if skipped(&seen) {
            spent_all = true;
            break;
        }
    }
    assert!(spent_all && generated().await >= 4.0 * MOST, "some of it was spent, and then no more");
}
