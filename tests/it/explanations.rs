//! Why a probe failed, as people read it: the whole text, from real sockets.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use crate::common;

use std::sync::Arc;
use std::time::Duration;

use common::scripted::{Script, Seen, Step, always, answer, send, tcp, whole};
use common::tls::TlsServer;
use common::{target, verdict};
use llm_prober::probe::{Probe, Probing};
use llm_prober::transport::{IoThreads, Transport};
use llm_prober::workload::Mix;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes; a limit, not a measurement.
const PATIENCE: Duration = Duration::from_secs(600);

struct Rig {
    probing: Probing,
    _io: IoThreads,
}

impl Rig {
    fn new(url: &str, settings: &str) -> Self {
        Self::within("100s", url, settings)
    }

    fn within(timeout: &str, url: &str, settings: &str) -> Self {
        let limits = format!("timeout: {timeout}, stall_timeout: {timeout}");
        let text = format!("targets: [{{name: t, url: '{url}', {limits}{settings}}}]");
        let target = target(&text);
        let io = IoThreads::start(1).unwrap();
        let transport = Transport::network(&target, &io).unwrap();
        Self { probing: Probing::new(target, transport), _io: io }
    }

    async fn probe(&self) -> Probe {
        let draw = Mix::new(&self.probing.target.workloads, 1).draw().unwrap();
        let probe = self.probing.probe(draw, Duration::ZERO, CancellationToken::new());
        tokio::time::timeout(PATIENCE, probe).await.unwrap()
    }

    /// The reason, and the text without the address.
    async fn explained(&self) -> (&'static str, String) {
        let probe = self.probe().await;
        let url = &self.probing.target.url;
        let address = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let text = probe.outcome.explanation().unwrap();
        (verdict(&probe.outcome), text.replace(&address, "ADDRESS"))
    }
}

/// One probe of a target without further settings but these.
async fn check(url: &str, settings: &str, reason: &str, expect: &str) {
    assert_eq!(Rig::new(url, settings).explained().await, (reason, expect.to_owned()));
}

fn json(status: &str, body: &str) -> Step {
    whole(status, "application/json", body)
}

fn list(models: &str) -> Step {
    json("200 OK", &format!("{{\"object\": \"list\", \"data\": [{models}]}}"))
}

/// Answers the nth connection's only request with the nth step, and the last one for ever.
fn in_turn<const N: usize>(answers: [Step; N]) -> Script {
    Arc::new(move |n| vec![Step::Request, answers[n.min(N - 1)].clone(), Step::Hold])
}

/// First lines of the requests so far.
fn asked(seen: &Seen) -> Vec<String> {
    seen.requests().iter().map(|r| r.lines().next().unwrap().to_owned()).collect()
}

const ASKED: &str = "POST http://ADDRESS/v1/chat/completions: ";
const ASKED_TLS: &str = "POST https://ADDRESS/v1/chat/completions: ";

#[tokio::test]
async fn no_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let refused = "No TCP connection to the server could be made: ADDRESS: Connection refused (os \
                   error 111).";
    let url = format!("http://{address}/v1");
    check(&url, ", model: m", "connect", &format!("{ASKED}{refused}")).await;
    // Where the model is not known, its server's list is asked for first.
    let (reason, text) = Rig::new(&url, "").explained().await;
    let list = "GET http://ADDRESS/v1/models: No TCP connection to the server could be made: ";
    assert_eq!(reason, "connect");
    assert!(text.starts_with(list) && text.contains("Connection refused (os error 111)"), "{text}");
    assert!(text.ends_with(". It was asked because no model is configured."), "{text}");

    let host = format!("{}.test", "a".repeat(64));
    let (reason, text) =
        Rig::new(&format!("http://{host}:8000/v1"), ", model: m").explained().await;
    let expect = format!(
        "{ASKED}The host name could not be resolved: {host}: failed to lookup address information: "
    );
    assert_eq!(reason, "resolve");
    assert!(text.starts_with(&expect), "{text}");
}

/// `CA` stands for the server's authority.
async fn check_tls(server: &TlsServer, settings: &str, expect: &str) {
    let ca = format!("ca_file: '{}'", server.ca_file.display());
    let settings = format!(", model: m, tls: {{{}}}", settings.replace("CA", &ca));
    let expect = format!("{ASKED_TLS}The TLS handshake failed: {expect}.");
    check(&format!("https://{}/v1", server.address), &settings, "tls", &expect).await;
    // The list of models is asked for over TLS, too.
    let settings = settings.replace(", model: m", "");
    let (reason, text) =
        Rig::new(&format!("https://{}/v1", server.address), &settings).explained().await;
    let list = expect.replace("POST", "GET").replace("chat/completions", "models");
    assert_eq!((reason, text), ("tls", list + " It was asked because no model is configured."));
}

#[tokio::test]
async fn certificates() {
    let server = TlsServer::start("127.0.0.1", Vec::new()).await;
    let system = "no authority that this system trusts has signed the server's certificate \
                  (UnknownIssuer): name the certificate of its authority, or its own, with \
                  tls.ca_file";
    check_tls(&server, "", system).await;

    let other = TlsServer::start("llm.test", Vec::new()).await;
    let file = other.ca_file.display();
    let unknown = format!(
        "no authority in tls.ca_file has signed the server's certificate (UnknownIssuer): add the \
         certificate of its authority, or its own, to {file}"
    );
    check_tls(&server, &format!("ca_file: '{file}'"), &unknown).await;

    let anew = TlsServer::start("127.0.0.1", Vec::new()).await;
    let file = anew.ca_file.display();
    let signature = format!(
        "tls.ca_file has an authority of the right name, but with another key (BadSignature): it \
         was made anew, add its new certificate to {file}"
    );
    check_tls(&server, &format!("ca_file: '{file}'"), &signature).await;

    let name = "the server's certificate is for llm.test, not for 127.0.0.1: name the one to \
                expect with tls.server_name";
    check_tls(&other, "CA", name).await;

    let over = TlsServer::expired("127.0.0.1").await;
    let expired = "the server's certificate expired at 2001-02-03T00:00:00Z: renew it";
    check_tls(&over, "CA", expired).await;
}

fn steps() -> Vec<Step> {
    vec![Step::Request, answer(), Step::Hold]
}

/// Known at once, though the time-out is 100 s: by a server that refuses what it cannot read, by
/// one that waits for the end of the line, and by one that leaves the head of its answer out.
#[tokio::test]
async fn tls_to_a_port_of_plain_http() {
    let bad = || whole("400 Bad Request", "text/plain", "what?");
    let python = send("<!DOCTYPE HTML>\n<html><head><title>Error response</title>");
    let expect = "The TLS handshake failed: the server speaks plain HTTP on this port, not TLS: \
                  expected url: http://ADDRESS/v1.";
    for steps in [vec![bad()], vec![Step::Request, bad()], vec![Step::Request, python]] {
        let (address, _) = tcp(always(steps)).await;
        let url = format!("https://{address}/v1");
        check(&url, ", model: m", "tls", &format!("{ASKED_TLS}{expect}")).await;
        let list = "GET https://ADDRESS/v1/models: ";
        let unknown = " It was asked because no model is configured.";
        check(&url, "", "tls", &format!("{list}{expect}{unknown}")).await;
    }
}

/// What is only slow, and what says nothing at all, is not called plain HTTP.
#[tokio::test]
async fn a_slow_handshake_is_waited_for() {
    let pause = Duration::from_millis(2500);
    let server = TlsServer::slow("127.0.0.1", pause, steps()).await;
    let settings = format!(", model: m, tls: {{ca_file: '{}'}}", server.ca_file.display());
    let rig = Rig::new(&format!("https://{}/v1", server.address), &settings);
    assert_eq!(verdict(&rig.probe().await.outcome), "success");

    let (address, _) = tcp(always([Step::Hold])).await;
    let expect = "The whole request took longer than 5s, its timeout: the server took the \
                  connection, but did not do its part of the TLS handshake.";
    let rig = Rig::within("5s", &format!("https://{address}/v1"), ", model: m");
    assert_eq!(rig.explained().await, ("timeout", format!("{ASKED_TLS}{expect}")));
}

#[tokio::test]
async fn plain_http_to_a_port_of_tls() {
    let hint = "The server speaks TLS on this port, not plain HTTP: expected url: \
                https://ADDRESS/v1.";
    let server = TlsServer::start("127.0.0.1", Vec::new()).await;
    let rig = Rig::new(&format!("http://{}/v1", server.address), ", model: m");
    let (_, text) = rig.explained().await;
    assert!(text.starts_with(ASKED) && text.ends_with(hint), "{text}");

    let words = "<center>The plain HTTP request was sent to HTTPS port</center>";
    let (address, seen) = tcp(always([Step::Request, whole("400 Bad", "text/html", words)])).await;
    let refused = "The server refused the request with status 400.";
    let expect = format!("{ASKED}{refused} {hint}");
    check(&format!("http://{address}/v1"), ", model: m", "http_status", &expect).await;
    assert_eq!(seen.connections(), 1);
}

const MISSING: &str = "The server refused the request with status 404.";
const CHAT: &str = "POST /v1/chat/completions HTTP/1.1";
const LIST: &str = "GET /v1/models HTTP/1.1";

/// Asked for once, however many probes fail.
#[tokio::test]
async fn a_model_that_the_server_does_not_have() {
    for refusal in [
        json("404 Not Found", "{\"error\": {\"message\": \"The model `m` does not exist.\"}}"),
        json("400 Bad Request", "{\"error\": {\"code\": \"model_not_found\"}}"),
    ] {
        let models = list("{\"id\": \"small\"}, {\"id\": \"org/large\"}");
        let script = in_turn([refusal.clone(), models, refusal]);
        let (address, seen) = tcp(script).await;
        let rig = Rig::new(&format!("http://{address}/v1"), ", model: m, connection: fresh");
        let expect = " The server does not list the model `m`; it lists: `small`, `org/large`.";
        for _ in 0..3 {
            let (reason, text) = rig.explained().await;
            assert!(reason == "http_status" && text.ends_with(expect), "{text}");
        }
        assert_eq!(asked(&seen), [CHAT, LIST, CHAT, CHAT]);
    }
}

#[tokio::test]
async fn a_path_that_the_server_does_not_have() {
    let check = async |base: &str, expect: &str| {
        let (address, _) = tcp(in_turn([json("404 Not Found", "{}")])).await;
        let (reason, text) =
            Rig::new(&format!("http://{address}{base}"), ", model: m").explained().await;
        assert_eq!((reason, text.as_str()), ("http_status", expect));
    };
    check("/v1", &format!("{ASKED}{MISSING}")).await;
    let twice = "/v1 is in its path twice, expected url: http://ADDRESS/v1.";
    let asked = "POST http://ADDRESS/v1/v1/chat/completions:";
    check("/v1/v1", &format!("{asked} {MISSING} {twice}")).await;
    let none = "There is no /v1 in its path, which most servers want: try url: http://ADDRESS/v1.";
    check("", &format!("POST http://ADDRESS/chat/completions: {MISSING} {none}")).await;
}

#[tokio::test]
async fn a_list_below_another_path() {
    let (address, _) = tcp(in_turn([json("404 Not Found", "{}")])).await;
    let expect = format!(
        "GET http://ADDRESS/models: {MISSING} There is no /v1 in its path, which most servers want: \
         try url: http://ADDRESS/v1."
    );
    check(&format!("http://{address}"), "", "http_status", &expect).await;
}
