//! Two real llama.cpp servers side by side: half the threads are found, the same server is not.

use std::process::Output;

use serde_json::Value;

use crate::common::daemon::run;
use crate::common::llama::LlamaServer;

/// A verdict on something that is slower in every pair takes about 25.
const TO_FIND: u64 = 400;
/// As many would do, if there were something to find.
const TO_FIND_NOTHING: u64 = 30;

/// A prompt long enough for its reading to be felt, and an answer of fixed length.
fn config(two: &LlamaServer, one: &LlamaServer) -> String {
    let prompt = "The pilot reads the log before the ship goes out, as the tide is low. ".repeat(4);
    let target = |name, server: &LlamaServer| {
        let url = format!("http://{}/v1", server.address());
        format!("  - {{name: {name}, url: '{url}', extra_body: {{ignore_eos: true}}}}\n")
    };
    format!(
        "seed: 1\n\
         workloads: {{w: {{prompts: {{inline: ['{prompt}']}}, max_output_tokens: 4}}}}\n\
         defaults: {{slos: []}}\n\
         targets:\n{}{}{}",
        target("two-threads", two),
        target("same-server", two),
        target("one-thread", one),
    )
}

/// One after the other, because all share the processor.
async fn compare(file: &std::path::Path, candidate: &'static str, most: u64) -> Output {
    let arguments = [
        "compare".to_owned(),
        format!("--config.file={}", file.display()),
        "--baseline=two-threads".to_owned(),
        format!("--candidate={candidate}"),
        "--order=back_to_back".to_owned(),
        "--interval=1ms".to_owned(),
        format!("--max-pairs={most}"),
        "--output=json".to_owned(),
    ];
    tokio::task::spawn_blocking(move || run(arguments)).await.unwrap()
}

fn object(output: &Output) -> Value {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn signal<'v>(comparison: &'v Value, name: &str) -> &'v Value {
    let signals = comparison["workloads"][0]["signals"].as_array().unwrap();
    signals.iter().find(|s| s["signal"] == name).unwrap()
}

#[tokio::test]
async fn half_the_threads_are_found_and_the_same_server_is_not() {
    let Some(two) = LlamaServer::with_threads(2).await else { return };
    let Some(one) = LlamaServer::with_threads(1).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("llm-prober.yml");
    std::fs::write(&file, config(&two, &one)).unwrap();

    let output = compare(&file, "one-thread", TO_FIND).await;
    let found = object(&output);
    assert_eq!(
        (output.status.code(), &found["verdict"]),
        (Some(1), &"regressed".into()),
        "{found}"
    );
    let ttft = signal(&found, "ttft")["ratio"].as_f64().unwrap();
    assert!(ttft > 1.05, "{found}");

    let output = compare(&file, "same-server", TO_FIND_NOTHING).await;
    let found = object(&output);
    let code = if found["verdict"] == "not_worse" { 0 } else { 2 };
    assert_eq!(output.status.code(), Some(code), "{found}");
    assert_ne!(found["verdict"], "regressed", "{found}");
    for name in ["ttft", "itl", "failure"] {
        assert_ne!(signal(&found, name)["verdict"], "regressed", "{found}");
    }
    if code == 2 {
        assert_eq!(found["pairs"], TO_FIND_NOTHING, "{found}");
    }
}
