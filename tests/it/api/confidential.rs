//! No text of a prompt, an answer or a server without being asked for.

use std::fmt::Write;

use llm_prober::web::WebOptions;
use reqwest::Method;

use crate::api::Page;
use crate::common::scripted::{Step, always, tcp};

/// In every text that is not for everybody.
const NEEDLE: &str = "zq7x";

/// A server that quotes the prompt wherever it can: headers, answer, error.
fn talkative() -> Vec<Step> {
    let event = |json: &str| format!("data: {json}\n\n");
    let body = event(r#"{"choices":[{"delta":{"content":"Zq7XAnswer"}}]}"#)
        + &event(r#"{"error":{"message":"Zq7XError about Zq7XPrompt"}}"#);
    let head = format!(
        "HTTP/1.1 200 Zq7XReason\r\ncontent-type: text/event-stream; zq7x=1\r\n\
         set-cookie: zq7x\r\nx-ratelimit-limit-requests: Zq7XLimit\r\nserver: Zq7X\r\n\
         x-zq7x: 1\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    vec![Step::Request, Step::Send((head + &body).into_bytes())]
}

async fn everything(options: WebOptions) -> String {
    let (server, _) = tcp(always(talkative())).await;
    let config = format!(
        "defaults: {{interval: 50ms}}\n\
         workloads: {{w: {{prompts: {{inline: [Zq7XPrompt]}}, expect: {{contains: Zq7XWanted}}}}}}\n\
         targets: [{{name: t, url: 'http://{server}/v1', model: m, headers: {{x-team: Zq7XTeam}}}}]\n"
    );
    let page = Page::of(&config, options).await;
    page.until(|page| page.daemon.history.probes("t").len() >= 2).await;
    let id = page.probe_id("t").await;
    let probe = format!("/api/v1/probes/{id}");
    let recording = format!("{probe}/recording");
    let mut all = String::new();
    for path in [
        "/api/v1/targets",
        "/api/v1/targets/t",
        "/api/v1/targets/t/probes",
        &probe,
        &recording,
        "/api/v1/status",
        "/probe?target=t",
        "/probe?target=t&debug=true",
        "/",
    ] {
        let response = page.ask(Method::GET, path).await;
        writeln!(all, "{path} {:?}", response.headers()).unwrap();
        all += &response.text().await.unwrap();
    }
    all.to_lowercase()
}

#[tokio::test]
async fn no_text_is_served() {
    let all =
        everything(WebOptions { recordings: false, probe: true, ..WebOptions::FIGURES }).await;
    assert!(all.contains("error_event") && all.contains("waterfall"), "{all}");
    let at = all.find(NEEDLE);
    assert_eq!(at.map(|at| &all[at.saturating_sub(200)..at + 40]), None);
}

/// The other side of the above: the search finds what may be served on request.
#[tokio::test]
async fn texts_are_served_to_who_enabled_them() {
    let all = everything(WebOptions { recordings: true, probe: true, ..WebOptions::FIGURES }).await;
    for text in ["zq7xanswer", "zq7xerror about", "zq7xwanted"] {
        assert!(all.contains(text), "{text} is not in {all}");
    }
    // Neither headers nor the prompt itself, even then.
    for text in ["set-cookie\",\"zq7x", "zq7xteam", "zq7xlimit\"]]"] {
        assert!(!all.contains(text), "{text} is in {all}");
    }
}
