//! A limit of memory: what can be spared is given up, and what is said of it.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::common::daemon::Program;
use crate::common::exposition::Exposition;
use crate::daemon::{Folder, simulator};

async fn folder() -> Folder {
    let server = simulator().await;
    Folder::with(&format!(
        "defaults: {{interval: 50ms}}\ntargets: [{{name: t, url: 'http://{server}/v1', model: m}}]\n"
    ))
}

/// No program gets along with a megabyte.
#[tokio::test]
async fn beyond_its_limit_nothing_new_is_probed_and_metrics_answer() {
    let folder = folder().await;
    let mut daemon = Program::daemon([folder.flag(), "--memory.limit=1MiB".to_owned()]).await;
    let shed = |kind: &str| {
        let kind = format!("kind=\"{kind}\"");
        move |m: &Exposition| m.sum("llm_prober_memory_shed_total", &[&kind])
    };
    let (probes, skipped) = ("llm_prober_probes_total", "llm_prober_probes_skipped_total");
    let short = daemon.until("a shortage", |m| shed("probes")(m) >= 2.0).await;
    assert_eq!(short.values("llm_prober_memory_limit_bytes", &[]), [1_048_576.0]);
    let is_skipped = |m: &Exposition| m.sum(skipped, &["reason=\"prober\""]);
    let before = daemon.until("skipped probes", |m| is_skipped(m) >= 10.0).await;
    let more = is_skipped(&before) + 10.0;
    let after = daemon.until("more of them", |m| is_skipped(m) >= more).await;
    assert_eq!(after.sum(probes, &[]), before.sum(probes, &[]), "nothing else is probed");

    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0));
    let log = daemon.stderr();
    assert_eq!(log.matches("new probes are skipped").count(), 1, "{log}");
}

#[tokio::test]
async fn within_its_limit_nothing_is_given_up() {
    let folder = folder().await;
    let daemon = Program::daemon([folder.flag(), "--memory.limit=4GiB".to_owned()]).await;
    // A client that never reads, and some time to look at it.
    let mut idle = TcpStream::connect(daemon.address().await).await.unwrap();
    idle.write_all(b"GET /metrics HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let of_prober = &["target=\"t\""];
    let seen = |m: &Exposition| m.sum("llm_prober_probes_total", of_prober);
    let metrics = daemon.until("probes", |m| seen(m) >= 40.0).await;
    assert_eq!(metrics.sum("llm_prober_memory_shed_total", &[]), 0.0, "{metrics}");
    assert_eq!(metrics.values("llm_prober_memory_shed_total", &[]).len(), 3, "{metrics}");
    let unlimited = Program::daemon([folder.flag(), "--memory.limit=0B".to_owned()]).await;
    let metrics = unlimited.metrics().await;
    assert_eq!(metrics.values("llm_prober_memory_limit_bytes", &[]), Vec::<f64>::new());
    drop(idle);
}
