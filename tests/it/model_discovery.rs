//! A target without a model asks its server which one it has.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use crate::common;

use std::net::SocketAddr;
use std::time::Duration;

use common::scripted::{Script, Seen, Step, always, answer, chunk, send, tcp, whole};
use common::tls::TlsServer;
use common::{target, verdict};
use llm_prober::probe::{Probe, Probing};
use llm_prober::transport::{IoThreads, Transport};
use llm_prober::workload::Mix;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

struct Rig {
    probing: Probing,
    _io: IoThreads,
}

impl Rig {
    fn new(url: &str, settings: &str) -> Self {
        let target = target(&format!("targets: [{{name: t, url: '{url}'{settings}}}]"));
        let io = IoThreads::start(1).unwrap();
        let transport = Transport::network(&target, &io).unwrap();
        Self { probing: Probing::new(target, transport), _io: io }
    }

    async fn probe(&self) -> Probe {
        self.probe_until(CancellationToken::new()).await
    }

    async fn probe_until(&self, cancel: CancellationToken) -> Probe {
        let draw = Mix::new(&self.probing.target.workloads, 1).draw().unwrap();
        self.probing.probe(draw, Duration::from_millis(3), cancel).await
    }

    /// One probe that fails before there is anything to send.
    async fn check_failure(&self, expect: &str) {
        let probe = self.probe().await;
        assert_eq!(verdict(&probe.outcome), expect, "{:?}", probe.outcome.result);
        assert_eq!((probe.recording.send, self.probing.model.known()), (None, None));
        assert_eq!(probe.recording.schedule_delay, Duration::from_millis(3));
    }
}

fn list(models: &str) -> Step {
    whole("200 OK", "application/json", &format!("{{\"object\": \"list\", \"data\": [{models}]}}"))
}

/// Answers the nth connection's only request with the nth step.
fn in_turn<const N: usize>(answers: [Step; N]) -> Script {
    Arc::new(move |n| vec![Step::Request, answers[n].clone(), Step::Hold])
}

async fn serve(script: Script) -> (Rig, Seen, SocketAddr) {
    let (address, seen) = tcp(script).await;
    (Rig::new(&format!("http://{address}/v1"), ", connection: fresh"), seen, address)
}

/// First lines of the requests so far.
fn asked(seen: &Seen) -> Vec<String> {
    seen.requests().iter().map(|r| r.lines().next().unwrap().to_owned()).collect()
}

const LIST: &str = "GET /v1/models HTTP/1.1";
const CHAT: &str = "POST /v1/chat/completions HTTP/1.1";

#[tokio::test]
async fn the_first_of_the_list_is_used_and_kept() {
    let models = list("{\"id\": \"first\", \"object\": \"model\"}, {\"id\": \"second\"}");
    let (rig, seen, _) = serve(in_turn([models, answer(), answer()])).await;
    assert_eq!(rig.probing.model.known(), None);
    for _ in 0..2 {
        let probe = rig.probe().await;
        assert_eq!(verdict(&probe.outcome), "success", "{:?}", probe.outcome.result);
    }
    assert_eq!(asked(&seen), [LIST, CHAT, CHAT]);
    assert!(seen.requests()[1].contains("\"model\":\"first\""));
    assert_eq!(rig.probing.model.known().as_deref(), Some("first"));
}

/// A name is a label of a thousand series and stands in pages and in the log.
#[tokio::test]
async fn a_name_that_no_configuration_could_have_is_not_used() {
    let id = |name: &str| format!("{{\"id\": {}}}", serde_json::json!(name));
    let (long, fits) = ("m".repeat(1 << 20), "m".repeat(200));
    let unusable = [long.as_str(), "two\nlines", "\u{1b}[31mred", "", " "].map(id).join(", ");
    let (rig, seen, _) = serve(always([Step::Request, list(&unusable)])).await;
    rig.check_failure("malformed").await;
    let why = rig.probe().await.outcome.explanation().unwrap_or_default().to_owned();
    assert!(why.contains("at most 200 bytes") && !why.contains("mmm"), "{why}");
    assert_eq!(asked(&seen), [LIST, LIST], "each probe asks again");

    let some = format!("{unusable}, {}", id(&fits));
    let (rig, _, _) = serve(in_turn([list(&some), answer()])).await;
    assert_eq!(verdict(&rig.probe().await.outcome), "success");
    assert_eq!(rig.probing.model.known(), Some(fits));
}

#[tokio::test]
async fn the_list_is_asked_for_as_probes_are_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "hush").unwrap();
    let (address, seen) = tcp(in_turn([list("{\"id\": \"m\"}"), answer()])).await;
    let settings =
        format!(", headers: {{x-team: probe}}, auth: {{bearer_token_file: '{}'}}", file.display());
    // With and without a slash at the end.
    let rig = Rig::new(&format!("http://{address}/api/v1/"), &settings);
    assert_eq!(verdict(&rig.probe().await.outcome), "success");
    assert_eq!(asked(&seen)[0], "GET /api/v1/models HTTP/1.1");
    for request in seen.requests() {
        for header in ["authorization: Bearer hush", "x-team: probe", "user-agent: llm-prober/"] {
            assert!(request.lines().any(|l| l.starts_with(header)), "{header}: {request}");
        }
    }
}

/// A server that was restarted with another model answers 404 for the old name.
#[tokio::test]
async fn a_404_lets_the_next_probe_ask_again() {
    let gone = || whole("404 Not Found", "application/json", "{}");
    let (rig, seen, _) =
        serve(in_turn([list("{\"id\": \"old\"}"), gone(), list("{\"id\": \"new\"}"), answer()]))
            .await;
    let probe = rig.probe().await;
    assert_eq!((verdict(&probe.outcome), probe.outcome.http_status), ("http_status", Some(404)));
    assert_eq!(verdict(&rig.probe().await.outcome), "success");
    assert_eq!(asked(&seen), [LIST, CHAT, LIST, CHAT]);
    assert!(seen.requests()[3].contains("\"model\":\"new\""));

    // A configured name is the user's word, whatever the list says; other failures say nothing
    // about the name.
    let (address, seen) = tcp(in_turn([gone(), list("{\"id\": \"other\"}"), gone()])).await;
    let rig = Rig::new(&format!("http://{address}/v1"), ", model: mine, connection: fresh");
    rig.probe().await;
    rig.probe().await;
    assert_eq!(asked(&seen), [CHAT, LIST, CHAT]);
    assert!(seen.requests()[2].contains("\"model\":\"mine\""));
    let busy = whole("503 Busy", "application/json", "{}");
    let (rig, seen, _) = serve(in_turn([list("{\"id\": \"m\"}"), busy, answer()])).await;
    rig.probe().await;
    rig.probe().await;
    assert_eq!(asked(&seen), [LIST, CHAT, CHAT]);
}

#[tokio::test]
async fn an_answer_that_names_no_model() {
    let json = |body: &str| whole("200 OK", "application/json", body);
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{";
    let cases = [
        (whole("503 Busy", "text/plain", "loading"), "http_status"),
        (whole("302 Found", "text/plain", ""), "http_status"),
        (whole("429 Slow Down", "text/plain", ""), "throttled"),
        (list(""), "empty"),
        (json("[]"), "empty"),
        (json("{\"data\": [{\"object\": \"model\"}]}"), "malformed"),
        (json("<html>"), "malformed"),
        (json(&format!("{{\"data\": [], \"x\": \"{}\"}}", "x".repeat(4 << 20))), "too_large"),
        (send("SSH-2.0-x\r\n\r\n"), "malformed"),
        (send(""), "truncated"),
    ];
    for (answer, expect) in cases {
        let (rig, seen, _) = serve(always([Step::Request, answer])).await;
        rig.check_failure(expect).await;
        rig.check_failure(expect).await;
        assert_eq!(asked(&seen), [LIST, LIST], "each probe asks again");
    }
    for cut in [
        send(head),
        send(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", chunk("{"))),
    ] {
        let (rig, _, _) = serve(always([Step::Request, cut])).await;
        rig.check_failure("truncated").await;
    }
}

/// The reason is the one that the probe itself would have met.
#[tokio::test]
async fn no_way_to_the_server() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    Rig::new(&format!("http://{address}/v1"), "").check_failure("connect").await;
    let host = format!("{}.test", "a".repeat(64));
    Rig::new(&format!("http://{host}/v1"), "").check_failure("resolve").await;

    let (address, _) = tcp(always([Step::Request, Step::Hold])).await;
    let silent = Rig::new(&format!("http://{address}/v1"), ", timeout: 100ms");
    silent.check_failure("timeout").await;

    let steps = vec![Step::Request, list("{\"id\": \"m\"}"), Step::Hold];
    let (server, other) = tokio::join!(
        TlsServer::start("127.0.0.1", steps),
        TlsServer::start("127.0.0.1", Vec::new())
    );
    let url = format!("https://{}/v1", server.address);
    let tls = format!(", tls: {{ca_file: '{}'}}", other.ca_file.display());
    Rig::new(&url, &tls).check_failure("tls").await;
    let (address, _) = tcp(always([send("SSH-2.0-x\r\n"), Step::Hold])).await;
    Rig::new(&format!("https://{address}/v1"), &tls).check_failure("tls").await;
}

#[tokio::test]
async fn over_tls_with_a_name_of_its_own() {
    let steps = vec![Step::Request, list("{\"id\": \"m\"}"), Step::Request, answer()];
    let server = TlsServer::start("llm.test", steps).await;
    let tls = format!(", tls: {{ca_file: '{}', server_name: llm.test}}", server.ca_file.display());
    let rig = Rig::new(&format!("https://{}/v1", server.address), &tls);
    rig.probe().await;
    assert_eq!(rig.probing.model.known().as_deref(), Some("m"));
}

#[tokio::test]
async fn a_probe_that_is_given_up_does_not_wait_for_the_list() {
    let (address, _) = tcp(always([Step::Request, Step::Hold])).await;
    let rig = Rig::new(&format!("http://{address}/v1"), "");
    let cancel = CancellationToken::new();
    cancel.cancel();
    assert_eq!(verdict(&rig.probe_until(cancel).await.outcome), "cancelled");
}
