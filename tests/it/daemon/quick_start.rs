//! Without any argument: the daemon probes its own simulator.

use reqwest::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::common::daemon::Program;

const MOVING: [&str; 8] = [
    "llm_prober_probes_total",
    "llm_prober_time_to_first_token_seconds_count",
    "llm_prober_inter_token_latency_seconds_count",
    "llm_prober_goodput_tokens_per_second_count",
    "llm_prober_slo_probes_total",
    "llm_prober_slo_good_probes_total",
    "llm_prober_server_requests_running_at_send_count",
    "llm_prober_time_to_first_token_by_in_flight_seconds_count",
];

#[tokio::test]
async fn the_quick_start_measures_and_shows_it() {
    let daemon = Program::daemon([""; 0]).await;
    let first = daemon.until("figures", |m| MOVING.iter().all(|n| m.sum(n, &[]) > 0.0)).await;
    let moved = |name: &&str, m: &crate::common::exposition::Exposition| {
        m.sum(name, &[]) > first.sum(name, &[])
    };
    let later = daemon.until("movement", |m| MOVING.iter().all(|n| moved(n, m))).await;
    // The simulated day has a few bad moments, of these two kinds only.
    let failures = |labels: &[&str]| later.sum("llm_prober_probe_failures_total", labels);
    let simulated = ["reason=\"http_status\"", "reason=\"error_event\""].map(|r| failures(&[r]));
    assert_eq!(failures(&[]), simulated[0] + simulated[1], "{later}");
    if cfg!(target_os = "linux") {
        let task = later.sum("llm_prober_timestamp_source_total", &["source=\"task\""]);
        assert_eq!(task, 0.0, "{later}");
    }
    pages(&daemon).await;
}

async fn pages(daemon: &Program) {
    let landing = daemon.get("/").await;
    assert_eq!(landing.status, 200);
    assert!(landing.header("content-type").starts_with("text/html"), "{landing:?}");
    assert!(landing.header("content-security-policy").contains("default-src 'none'"));
    assert!(landing.text().contains(">simulator</a>"), "{}", landing.text());
    assert!(landing.text().contains("href=\"probes/"), "{}", landing.text());
    for path in ["/-/healthy", "/-/ready"] {
        let answer = daemon.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    let config = daemon.get("/config").await;
    assert_eq!(config.status, 200);
    assert!(config.text().contains("name: simulator"), "{}", config.text());
    assert_eq!(daemon.get("/nowhere").await.status, 404);
    let refused = daemon.ask(Method::POST, "/-/reload", &[]).await;
    assert_eq!(refused.status, 500);
    assert_eq!(refused.text(), "there is no configuration file to reload\n");
    assert!(daemon.stdout().contains("status page: http://127.0.0.1:"), "{}", daemon.stdout());
}

#[tokio::test]
async fn a_signal_ends_it_in_order() {
    for signal in ["TERM", "INT"] {
        let mut daemon = Program::daemon([""; 0]).await;
        // At once: a request to end during the start counts as well.
        daemon.signal(signal);
        let status = daemon.ended().await;
        assert_eq!(status.code(), Some(0), "{signal}: {}", daemon.stderr());
        assert!(daemon.stderr().contains("ending: letting probes"), "{}", daemon.stderr());
    }
}

#[tokio::test]
async fn a_client_that_never_ends_its_request_does_not_keep_it() {
    let mut daemon = Program::daemon([""; 0]).await;
    let mut client = TcpStream::connect(daemon.address().await).await.unwrap();
    client.write_all(b"GET /metr").await.unwrap();
    // Connections are accepted in order, so this one's answer says that the first was.
    assert_eq!(daemon.get("/-/healthy").await.status, 200);
    daemon.signal("TERM");
    let status = daemon.ended().await;
    assert_eq!(status.code(), Some(0), "{}", daemon.stderr());
}

#[tokio::test]
async fn flags_trade_detail_for_fewer_series() {
    let probed = |m: &crate::common::exposition::Exposition| {
        m.sum("llm_prober_time_to_first_byte_seconds_count", &[]) > 0.0
    };
    let bucket = "llm_prober_time_to_first_token_seconds_bucket";
    let first_byte = "llm_prober_time_to_first_byte_seconds_count";
    let delay = "llm_prober_schedule_delay_seconds_count";
    let chat = |m: &crate::common::exposition::Exposition, name: &str| {
        let workloads = ["workload=\"short_chat\"", "workload=\"summary\""];
        workloads.map(|workload| m.values(name, &[workload]).len()).iter().sum::<usize>()
    };
    let daemon = |flags: &'static [&'static str]| async move {
        Program::daemon(flags.iter().copied()).await.until("probes", probed).await
    };
    // Both workloads of the quick start have 12 bounds of the time to the first token, and +Inf.
    let lean = daemon(&[]).await;
    assert_eq!((chat(&lean, first_byte), chat(&lean, delay)), (0, 0), "{lean}");
    assert!(lean.sum(first_byte, &["workload=\"\""]) > 0.0, "{lean}");
    assert_eq!(lean.values(delay, &[]).len(), 1, "once per prober: {lean}");
    assert_eq!(lean.values(bucket, &[]).len(), 2 * 13, "{lean}");
    for all in [&["--metrics.histograms=all"], &["--metrics.histograms=both"]] {
        let all = daemon(all).await;
        assert_eq!((chat(&all, first_byte), chat(&all, delay)), (2, 2), "{all}");
        assert!(all.values(bucket, &[]).len() > 2 * 23, "{all}");
    }
    let small = daemon(&["--metrics.merge-workloads", "--metrics.histograms=native"]).await;
    assert!(small.sum(delay, &["workload=\"\""]) > 0.0, "{small}");
    assert_eq!(chat(&small, delay), 0, "{small}");
    assert_eq!(small.values(bucket, &[]).len(), 2, "one per workload is left in text: {small}");
}
