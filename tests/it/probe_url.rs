//! `llm-prober probe URL`: a probe without a configuration file.
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;
use std::process::{Command, Output};

use llm_prober::simulate::{Simulator, SimulatorConfig};
use serde_json::Value;
use tokio::net::TcpListener as AsyncListener;

/// A simulated server of the model `m` on a port of its own; it ends with the runtime.
async fn simulator() -> String {
    let config = SimulatorConfig { model: "m".to_owned(), ..SimulatorConfig::default() };
    let listener = AsyncListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        Simulator::new(config).serve(listener, std::future::pending()).await;
    });
    format!("http://{address}")
}

async fn probe(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-prober"));
    command.arg("probe").args(arguments).env("A_KEY", "secret-of-the-test");
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output { status, stdout, stderr } = ended.await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_is_all_that_is_needed() {
    let url = format!("{}/v1", simulator().await);
    let (code, out, err) = probe(&[&url, "--output=json", "--key-env=A_KEY"]).await;
    assert_eq!(code, Some(0), "{err}");
    let probe: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&probe["outcome"], &probe["target"]),
        (&"success".into(), &url[7..url.len() - 3].into())
    );
    assert!(!format!("{out}{err}").contains("secret-of-the-test"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_apis_that_a_url_speaks_are_found() {
    let root = simulator().await;
    for given in [root.clone(), format!("{root}/v1")] {
        let (code, out, err) = probe(&[&given, "--api=auto", "--output=json"]).await;
        assert_eq!(code, Some(0), "{err}");
        for (api, base) in
            [("openai-chat", "/v1"), ("openai-completions", "/v1"), ("anthropic-messages", "")]
        {
            assert!(err.contains(&format!("{api} answers at {root}{base}, first")), "{api}: {err}");
        }
        assert!(err.contains("asking openai-chat; another one: --api NAME"), "{err}");
        let probe: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(probe["outcome"], "success");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_tried_once() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/v1");
    let (code, out, err) = probe(&[&url, "--api=auto"]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    assert!(err.contains(&format!("{url}: connect: ")), "{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_told() {
    for (arguments, told) in [
        (&["host:8000"][..], "`host:8000`: expected a URL such as http://localhost:8000/v1"),
        (&["http://localhost:1/v1", "--api=openai-chatt"], "openai-chat"),
        (&["http://localhost:1/v1", "--target=t"], "cannot be used with"),
        (&["--target=t"], "--config.file"),
        (&["http://localhost:1/v1", "--key-env=NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
    ] {
        let (code, out, err) = probe(arguments).await;
        assert_eq!((code, out.as_str()), (Some(64), ""), "{arguments:?}: {err}");
        assert!(err.contains(told), "{arguments:?}: {err}");
    }
}
