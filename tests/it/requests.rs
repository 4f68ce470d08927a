//! The request of a probe, as the server sees it.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use crate::common;

use std::sync::Arc;

use common::scripted::{Seen, Step, always, answer, pipe};
use common::{config, target};
use expect_test::{Expect, expect};
use llm_prober::probe::{Probe, Probing};
use llm_prober::target::Target;
use llm_prober::transport::Transport;
use llm_prober::workload::Mix;
use regex::Regex;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// A target in front of a server that answers everything, and what that server sees.
struct Rig {
    probing: Probing,
    seen: Seen,
}

impl Rig {
    fn new(target: Arc<Target>) -> Self {
        let steps: Vec<_> = [Step::Request, answer()].into_iter().cycle().take(20).collect();
        let (dialer, seen) = pipe(always(steps));
        let transport = Transport::pipe(&target, dialer);
        Self { probing: Probing::new(target, transport), seen }
    }

    /// One probe of the first draw, and its request.
    async fn probe(&self) -> (Probe, String) {
        let draw = Mix::new(&self.probing.target.workloads, 1).draw().unwrap();
        let cancel = CancellationToken::new();
        let probe = self.probing.probe(draw, std::time::Duration::ZERO, cancel).await;
        let requests = self.seen.requests();
        (probe, requests.last().cloned().unwrap_or_default())
    }
}

/// A target with these further keys and one workload with these.
fn rig(settings: &str, workload: &str) -> Rig {
    Rig::new(target(&format!(
        "workloads: {{w: {{weight: 1, prompts: {{inline: [How deep?]}}{workload}}}}}\n\
         targets: [{{name: t, model: tiny{settings}}}]"
    )))
}

const URL: &str = ", url: 'http://llm.test:8000/v1'";
const SHARED: &str = ", prefix: shared, max_output_tokens: 9";

/// The request with what is random in it replaced, and checked to be what it should.
async fn check(settings: &str, workload: &str, expect: Expect) {
    let (probe, request) = rig(settings, workload).probe().await;
    let id = probe.id.as_str();
    assert!(Regex::new("^[0-9a-f]{32}$").unwrap().is_match(id), "{id}");
    assert_eq!(request.matches(id).count(), 2, "x-request-id and traceparent: {request}");
    let span = Regex::new("-[0-9a-f]{16}-01\r\n").unwrap();
    assert!(span.is_match(&request), "{request}");
    let request = span.replace(&request, "-SPAN-01\r\n").replace(id, "ID").replace("\r\n", "\n");
    let request = request.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    expect.assert_eq(&request);
}

#[tokio::test(start_paused = true)]
async fn a_streamed_chat() {
    check(URL, SHARED, expect![[r#"
        POST /v1/chat/completions HTTP/1.1
        host: llm.test:8000
        user-agent: llm-prober/VERSION
        content-type: application/json
        accept: text/event-stream
        accept-encoding: identity
        x-request-id: ID
        traceparent: 00-ID-SPAN-01
        content-length: 136

        {"max_tokens":9,"messages":[{"content":"How deep?","role":"user"}],"model":"tiny","stream":true,"stream_options":{"include_usage":true}}"#]]).await;
}

#[tokio::test(start_paused = true)]
async fn a_whole_chat() {
    check(&format!("{URL}, stream: false"), SHARED, expect![[r#"
        POST /v1/chat/completions HTTP/1.1
        host: llm.test:8000
        user-agent: llm-prober/VERSION
        content-type: application/json
        accept: application/json
        accept-encoding: identity
        x-request-id: ID
        traceparent: 00-ID-SPAN-01
        content-length: 97

        {"max_tokens":9,"messages":[{"content":"How deep?","role":"user"}],"model":"tiny","stream":false}"#]]).await;
}

#[tokio::test(start_paused = true)]
async fn streamed_completions() {
    check(
        &format!("{URL}, api: openai-completions, headers: {{X-Team: probe}}"),
        SHARED,
        expect![[r#"
            POST /v1/completions HTTP/1.1
            host: llm.test:8000
            user-agent: llm-prober/VERSION
            content-type: application/json
            accept: text/event-stream
            accept-encoding: identity
            x-request-id: ID
            traceparent: 00-ID-SPAN-01
            x-team: probe
            content-length: 106

            {"max_tokens":9,"model":"tiny","prompt":"How deep?","stream":true,"stream_options":{"include_usage":true}}"#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_text_for_its_vector() {
    check(
        &format!("{URL}, api: openai-embeddings"),
        ", prefix: shared, extra_body: {dimensions: 256}",
        expect![[r#"
            POST /v1/embeddings HTTP/1.1
            host: llm.test:8000
            user-agent: llm-prober/VERSION
            content-type: application/json
            accept: application/json
            accept-encoding: identity
            x-request-id: ID
            traceparent: 00-ID-SPAN-01
            content-length: 53

            {"dimensions":256,"input":"How deep?","model":"tiny"}"#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn documents_for_their_order() {
    check(
        ", url: 'http://llm.test:8000', api: cohere-rerank",
        ", prefix: shared, documents: [Deep., Flat.]",
        expect![[r#"
            POST /v2/rerank HTTP/1.1
            host: llm.test:8000
            user-agent: llm-prober/VERSION
            content-type: application/json
            accept: application/json
            accept-encoding: identity
            x-request-id: ID
            traceparent: 00-ID-SPAN-01
            content-length: 66

            {"documents":["Deep.","Flat."],"model":"tiny","query":"How deep?"}"#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn whole_completions() {
    check(
        &format!("{URL}, api: openai-completions, stream: false"),
        SHARED,
        expect![[r#"
        POST /v1/completions HTTP/1.1
        host: llm.test:8000
        user-agent: llm-prober/VERSION
        content-type: application/json
        accept: application/json
        accept-encoding: identity
        x-request-id: ID
        traceparent: 00-ID-SPAN-01
        content-length: 67

        {"max_tokens":9,"model":"tiny","prompt":"How deep?","stream":false}"#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages() {
    let root = ", url: 'http://llm.test:8000', api: anthropic-messages";
    check(root, SHARED, expect![[r#"
        POST /v1/messages HTTP/1.1
        host: llm.test:8000
        user-agent: llm-prober/VERSION
        content-type: application/json
        accept: text/event-stream
        accept-encoding: identity
        x-request-id: ID
        traceparent: 00-ID-SPAN-01
        anthropic-version: 2023-06-01
        content-length: 96

        {"max_tokens":9,"messages":[{"content":"How deep?","role":"user"}],"model":"tiny","stream":true}"#]]).await;
    let own = format!("{root}, headers: {{anthropic-version: '2030-01-01'}}");
    let (_, request) = rig(&own, SHARED).probe().await;
    let versions: Vec<_> = request.lines().filter(|l| l.starts_with("anthropic-version")).collect();
    assert_eq!(versions, ["anthropic-version: 2030-01-01"], "{request}");
}

/// Where each API is asked, for what kind of answer, and with what.
#[tokio::test(start_paused = true)]
async fn each_api_is_asked_in_its_own_form() {
    let (events, lines) = ("text/event-stream", "application/x-ndjson");
    let said = json!([{"role": "user", "content": "How deep?"}]);
    let cases = [
        (
            "openai-responses, url: 'http://llm.test/v1'",
            ("/v1/responses", events),
            json!({"model": "tiny", "input": said, "max_output_tokens": 9, "store": false,
                "stream": true}),
        ),
        (
            "gemini, url: 'http://llm.test'",
            ("/v1beta/models/tiny:streamGenerateContent?alt=sse", events),
            json!({"contents": [{"role": "user", "parts": [{"text": "How deep?"}]}],
                "generationConfig": {"maxOutputTokens": 9}}),
        ),
        (
            "cohere-chat, url: 'http://llm.test'",
            ("/v2/chat", events),
            json!({"model": "tiny", "messages": said, "max_tokens": 9, "stream": true}),
        ),
        (
            "ollama-chat, url: 'http://llm.test', extra_body: {options: {num_ctx: 64}}",
            ("/api/chat", lines),
            json!({"model": "tiny", "messages": said, "options": {"num_predict": 9, "num_ctx": 64},
                "stream": true}),
        ),
        (
            "ollama-generate, url: 'http://llm.test', stream: false",
            ("/api/generate", "application/json"),
            json!({"model": "tiny", "prompt": "How deep?", "options": {"num_predict": 9},
                "stream": false}),
        ),
        (
            "llamacpp-completion, url: 'http://llm.test'",
            ("/completion", events),
            json!({"model": "tiny", "prompt": "How deep?", "n_predict": 9, "stream": true}),
        ),
        (
            "tgi-generate, url: 'http://llm.test'",
            ("/generate_stream", events),
            json!({"inputs": "How deep?", "parameters": {"details": true, "max_new_tokens": 9}}),
        ),
        (
            "sglang-generate, url: 'http://llm.test'",
            ("/generate", events),
            json!({"text": "How deep?", "sampling_params": {"max_new_tokens": 9}, "stream": true}),
        ),
    ];
    for (api, (place, accept), expect) in cases {
        let (_, request) = rig(&format!(", api: {api}"), SHARED).probe().await;
        assert!(request.starts_with(&format!("POST {place} HTTP/1.1\r\n")), "{request}");
        assert!(request.contains(&format!("\r\naccept: {accept}\r\n")), "{request}");
        assert_eq!(body(&request), expect, "{api}");
    }
}

#[tokio::test(start_paused = true)]
async fn path_and_host_follow_from_the_url() {
    let cases = [
        ("http://llm.test/v1", "/v1/chat/completions", "llm.test"),
        ("http://llm.test/v1/", "/v1/chat/completions", "llm.test"),
        ("http://llm.test:80/v1", "/v1/chat/completions", "llm.test"),
        ("http://llm.test:8000", "/chat/completions", "llm.test:8000"),
        ("http://[::1]:8000/a/b%20c/v1", "/a/b%20c/v1/chat/completions", "[::1]:8000"),
        ("https://llm.test:443/v1", "/v1/chat/completions", "llm.test"),
        ("https://llm.test:8443/v1", "/v1/chat/completions", "llm.test:8443"),
    ];
    for (url, path, host) in cases {
        let (_, request) = rig(&format!(", url: '{url}'"), "").probe().await;
        let mut lines = request.lines();
        assert_eq!(lines.next().unwrap(), format!("POST {path} HTTP/1.1"), "{url}");
        let hosts: Vec<_> = lines.filter_map(|l| l.strip_prefix("host: ")).collect();
        assert_eq!(hosts, [host], "{url}");
    }
}

fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test(start_paused = true)]
async fn extra_keys_are_merged_and_null_removes_one() {
    let settings = format!(
        "{URL}, extra_body: {{temperature: 0, max_tokens: null, max_completion_tokens: 5, \
         stream_options: {{include_usage: false}}, nested: {{a: [1, null]}}}}"
    );
    let (_, request) = rig(&settings, SHARED).probe().await;
    let expect = serde_json::json!({
        "model": "tiny",
        "stream": true,
        "messages": [{"role": "user", "content": "How deep?"}],
        "temperature": 0,
        "max_completion_tokens": 5,
        "stream_options": {"include_usage": false},
        "nested": {"a": [1, null]},
    });
    assert_eq!(body(&request), expect);
}

/// Only the very first words keep a server's prefix cache from knowing the prompt.
#[tokio::test(start_paused = true)]
async fn a_nonce_stands_in_front_unless_the_prefix_is_shared() {
    let nonce = Regex::new(r"^\[[0-9a-f]{8}\] How deep\?$").unwrap();
    for (api, pointer) in
        [("openai-chat", "/messages/0/content"), ("openai-completions", "/prompt")]
    {
        let settings = format!("{URL}, api: {api}");
        let sent = |workload: &'static str| {
            let rig = rig(&settings, workload);
            async move { body(&rig.probe().await.1).pointer(pointer).unwrap().clone() }
        };
        let unique = sent("").await;
        assert!(nonce.is_match(unique.as_str().unwrap()), "{unique}");
        assert_eq!(sent(", prefix: shared").await, "How deep?");
    }
}

/// The body that is sent for a captured one, with these further keys of target and workload.
async fn sent_for(captured: &Value, settings: &str, workload: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("captured.jsonl");
    std::fs::write(&file, captured.to_string()).unwrap();
    let target = target(&format!(
        "workloads: {{w: {{prompts: {{requests: '{}'}}{workload}}}}}\n\
         targets: [{{name: t, model: tiny{URL}{settings}}}]",
        file.display()
    ));
    body(&Rig::new(target).probe().await.1)
}

#[tokio::test(start_paused = true)]
async fn a_captured_chat_is_sent_with_its_own_parameters() {
    let messages = serde_json::json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "How deep?"}]},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function",
            "function": {"name": "depth", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "name": "depth", "content": "12 m"},
    ]);
    let tools = serde_json::json!([{"type": "function", "function": {"name": "depth"}}]);
    let captured = serde_json::json!({
        "timestamp": "2026-01-31T12:00:00Z",
        "body": {
            "model": "large", "stream": false, "messages": messages, "tools": tools,
            "max_tokens": 200, "temperature": 0.7, "user": "somebody", "n": 2,
        },
    });
    let expect = serde_json::json!({
        "model": "tiny", "stream": true, "stream_options": {"include_usage": true},
        "messages": messages, "tools": tools, "max_tokens": 200, "temperature": 0.7,
    });
    assert_eq!(sent_for(&captured, "", "").await, expect);
    // The workload's limit is an upper bound, and the target's own keys come on top.
    let settings = ", stream: false, extra_body: {temperature: 0}";
    let expect = serde_json::json!({
        "model": "tiny", "stream": false,
        "messages": messages, "tools": tools, "max_tokens": 50, "temperature": 0,
    });
    assert_eq!(sent_for(&captured, settings, ", max_output_tokens: 50").await, expect);
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_captured_request_keeps_its_key() {
    let sent = |limits: Value| async move {
        let mut captured = serde_json::json!({"prompt": "Once"});
        captured.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
        let mut sent =
            sent_for(&captured, ", api: openai-completions", ", max_output_tokens: 50").await;
        let keys = ["prompt", "model", "stream", "stream_options"];
        for key in keys {
            sent.as_object_mut().unwrap().remove(key).unwrap();
        }
        sent
    };
    let cases = [
        (serde_json::json!({}), serde_json::json!({"max_tokens": 50})),
        (serde_json::json!({"max_tokens": null}), serde_json::json!({"max_tokens": 50})),
        (serde_json::json!({"max_tokens": 20}), serde_json::json!({"max_tokens": 20})),
        (
            serde_json::json!({"max_completion_tokens": 60}),
            serde_json::json!({"max_completion_tokens": 50}),
        ),
        (
            serde_json::json!({"max_tokens": 90, "min_tokens": 80}),
            serde_json::json!({"max_tokens": 50, "min_tokens": 50}),
        ),
    ];
    for (limits, expect) in cases {
        assert_eq!(sent(limits.clone()).await, expect, "{limits}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_captured_request_has_a_nonce_only_where_it_is_asked_for() {
    let captured = serde_json::json!({"messages": [{"role": "user", "content": "How deep?"}]});
    let text =
        |sent: &Value| sent.pointer("/messages/0/content").unwrap().as_str().unwrap().to_owned();
    assert_eq!(text(&sent_for(&captured, "", "").await), "How deep?");
    let unique = text(&sent_for(&captured, "", ", prefix: unique").await);
    assert!(Regex::new(r"^\[[0-9a-f]{8}\] How deep\?$").unwrap().is_match(&unique), "{unique}");
}

#[tokio::test(start_paused = true)]
async fn every_draw_has_a_nonce_of_its_own() {
    let target = config(&format!("targets: [{{name: t, model: m{URL}}}]")).targets[0].clone();
    let mut mix = Mix::new(&target.workloads, 1);
    let prompts: std::collections::HashSet<_> =
        (0..1000).map(|_| mix.draw().unwrap().prompt.text()).collect();
    assert_eq!(prompts.len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_is_used_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "first\n").unwrap();
    let quoted = file.display();
    let cases = [
        (format!("bearer_token_file: '{quoted}'"), "authorization: Bearer "),
        (
            format!("bearer_token_file: '{quoted}'}}, api: anthropic-messages, headers: {{a: b"),
            "x-api-key: ",
        ),
        (format!("header: {{name: Api-Key, value_file: '{quoted}'}}"), "api-key: "),
    ];
    for (auth, header) in cases {
        std::fs::write(&file, "first\n").unwrap();
        let rig = rig(&format!("{URL}, auth: {{{auth}}}"), "");
        for token in ["first", "second"] {
            std::fs::write(&file, format!("{token}\n")).unwrap();
            let (_, request) = rig.probe().await;
            let sent: Vec<_> = request.lines().filter_map(|l| l.strip_prefix(header)).collect();
            assert_eq!(sent, [token], "{request}");
        }
        // Gone, or not fit for a header: a failure of the prober that does not show it.
        std::fs::write(&file, "unfit\u{1}value").unwrap();
        check_unusable(&rig, 2).await;
        std::fs::remove_file(&file).unwrap();
        check_unusable(&rig, 2).await;
    }
}

async fn check_unusable(rig: &Rig, requests: usize) {
    let (probe, _) = rig.probe().await;
    let failure = probe.outcome.result.unwrap_err();
    assert_eq!(failure.reason.as_str(), "internal", "{failure:?}");
    assert!(!failure.detail.contains("unfit"), "{failure:?}");
    assert_eq!(rig.seen.requests().len(), requests, "nothing was sent");
    assert_eq!((probe.recording.send, probe.outcome.timestamp_source), (None, None));
}
