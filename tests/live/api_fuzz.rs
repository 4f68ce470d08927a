//! schemathesis asks the API everything that its description allows, and much that it forbids.
#![allow(clippy::unwrap_used)] // a helper that panics fails its test

use crate::common;

use std::process::Command;

use common::counterparts::counterpart;
use common::in_process::{serve, simulator, start};
use llm_prober::metrics::HistogramForm;
use llm_prober::web::WebOptions;

/// The answer to `/events` has no end, so it is left to a test of its own.
const ARGUMENTS: [&str; 9] = [
    "--exclude-path=/api/v1/events",
    "--max-examples=10",
    "--seed=1",
    "--request-timeout=20",
    "--generation-database=none",
    "--continue-on-failure",
    "--no-color",
    "--phases=coverage,fuzzing,stateful",
    "--mode=all",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_question_breaks_the_api() {
    let Some(schemathesis) = counterpart("schemathesis") else { return };
    let server = simulator("model: m\nttft: 5ms\nitl: 1ms\nanswer_tokens: 3\n").await;
    let config = common::config(&format!(
        "defaults: {{interval: 100ms}}\n\
         targets:\n\
         - {{name: good, url: 'http://{server}/v1', labels: {{stack: current}}}}\n\
         - {{name: dead, url: 'http://{server}/v2', model: m}}\n"
    ));
    let daemon = start(config, HistogramForm::All);
    let address =
        serve(&daemon, WebOptions { recordings: true, probe: false, ..WebOptions::FIGURES }).await;
    let mut command = Command::new(&schemathesis);
    command.arg("run").arg(format!("http://{address}/api/v1/openapi.json")).args(ARGUMENTS);
    let folder = tempfile::tempdir().unwrap();
    command.current_dir(folder.path());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    // All but the events, and the description itself, which it reads first.
    assert!(said.contains("Tested: 9"), "{said}");
}
