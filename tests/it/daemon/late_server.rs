//! A model server that is not there yet.

use tokio::net::TcpSocket;

use crate::common::daemon::Program;
use crate::daemon::{Folder, simulator};

const FAILURES: &str = "llm_prober_probe_failures_total";
const SUCCESS: &str = "llm_prober_probe_success";
const PROBES: &str = "llm_prober_probes_total";

#[tokio::test]
async fn a_late_server_disturbs_nobody_and_is_found() {
    let early = simulator().await;
    // Bound but not listening: nobody else gets the port, and connections are refused.
    let reserved = TcpSocket::new_v4().unwrap();
    reserved.set_reuseaddr(true).unwrap();
    reserved.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let late = reserved.local_addr().unwrap();
    let folder = Folder::with(&format!(
        "defaults: {{interval: 50ms}}\ntargets:\n  \
         - {{name: early, url: 'http://{early}/v1', model: simulated}}\n  \
         - {{name: late, url: 'http://{late}/v1', model: found}}\n  \
         - {{name: late-unnamed, url: 'http://{late}/v1'}}\n"
    ));
    let daemon = Program::daemon([folder.flag()]).await;
    let absent = daemon
        .until("failures to connect", |m| {
            let refused = |target| m.sum(FAILURES, &[target, "reason=\"connect\""]) >= 3.0;
            refused("target=\"late\"") && refused("target=\"late-unnamed\"")
        })
        .await;
    let early = ["target=\"early\""];
    let progress = absent.sum(PROBES, &early) + 3.0;
    daemon.until("undisturbed probes", |m| m.sum(PROBES, &early) >= progress).await;

    let flags = ["--ttft=20ms", "--itl=2ms", "--model=found"];
    let (_simulator, bound) = Program::simulator(&late.to_string(), &flags).await;
    assert_eq!(bound, late);
    let found = daemon
        .until("success", |m| {
            let succeeds = |labels: &[&str]| m.sum(SUCCESS, labels) >= 1.0;
            succeeds(&["target=\"late\""])
                && succeeds(&["target=\"late-unnamed\"", "model=\"found\""])
        })
        .await;
    assert_eq!(found.sum(FAILURES, &early), 0.0, "{found}");
    let other = |target| {
        found.sum(FAILURES, &[target]) - found.sum(FAILURES, &[target, "reason=\"connect\""])
    };
    assert_eq!(other("target=\"late\""), 0.0, "{found}");
}
