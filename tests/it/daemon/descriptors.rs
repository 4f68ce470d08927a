//! Without file descriptors no server is blamed, and the figures can be had.

use std::fmt::Write;

use crate::common::daemon::Program;
use crate::daemon::{Folder, simulator};

#[tokio::test]
async fn probes_without_a_descriptor_are_skipped() {
    let server = simulator().await;
    let mut config = "defaults: {interval: 100ms}\ntargets:\n".to_owned();
    for n in 0..100 {
        writeln!(config, "- {{name: t{n}, url: 'http://{server}/v1', model: simulated}}").unwrap();
    }
    let folder = Folder::with(&config);
    let arguments = [&folder.flag(), "--web.listen-address=127.0.0.1:0"];
    let daemon = Program::with_descriptors(128, &arguments);
    let skipped = ["reason=\"prober\""];
    let seen = daemon
        .until("skips", |m| {
            m.sum("llm_prober_probes_skipped_total", &skipped) >= 20.0
                && m.sum("llm_prober_probes_total", &[]) >= 100.0
        })
        .await;
    assert_eq!(seen.sum("llm_prober_probe_failures_total", &[]), 0.0, "{seen}");
    assert_eq!(seen.sum("llm_prober_probes_given_up_total", &[]), 0.0, "{seen}");
    assert!(seen.sum("process_open_fds", &[]) < 128.0, "{seen}");
    assert!(daemon.stderr().contains("limit of open files"), "{}", daemon.stderr());
}
