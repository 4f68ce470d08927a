//! TLS: what is verified, what is offered, what is recorded.

use llm_prober::answer::measure::Phase;
use llm_prober::answer::recording::{Ending, Recording};

use crate::common::client::Client;
use crate::common::scripted::{Step, always, answer, send, tcp, whole};
use crate::common::tls::{ClientAuthority, EXPIRY, Hello, TlsServer};

fn steps() -> Vec<Step> {
    vec![Step::Request, answer(), Step::Request, answer(), Step::Hold]
}

/// A client of `server` with these `tls` settings; `CA` stands for the server's authority.
fn client(server: &TlsServer, settings: &str) -> Client {
    let settings = settings.replace("CA", &format!("ca_file: '{}'", server.ca_file.display()));
    let port = server.address.port();
    Client::network(&format!("https://127.0.0.1:{port}/v1"), &format!(", tls: {{{settings}}}"))
}

/// Refused, with the text that says why.
async fn check_refused(client: &Client, why: &str) -> Recording {
    let recording = client.exchange().await;
    assert_eq!(client.verdict(&recording), "tls", "{recording:?}");
    let Ending::TlsFailed(detail) = &recording.ending else { panic!("{recording:?}") };
    assert!(detail.contains(why), "{detail}");
    let c = recording.connection;
    assert!(c.connected.is_some() && c.tls_done.is_none() && recording.send.is_none());
    recording
}

#[tokio::test]
async fn a_certificate_of_the_configured_authority() {
    let server = TlsServer::start("127.0.0.1", steps()).await;
    let client = client(&server, "CA");
    let first = client.exchange().await;
    assert_eq!(client.verdict(&first), "success", "{first:?}");
    let c = first.connection;
    let order = [c.resolved, c.connected, c.tls_done, first.send, first.sent];
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?}");
    assert_eq!(c.certificate_expiry, Some(EXPIRY));
    let phases = client.outcome(&first).measurement.phases;
    assert!(phases.iter().any(|p| p.phase == Phase::Tls), "{phases:?}");

    let second = client.exchange().await;
    assert_eq!(client.verdict(&second), "success");
    assert!(second.connection.reused && second.connection.tls_done.is_none());
    let phases = client.outcome(&second).measurement.phases;
    assert!(phases.iter().all(|p| p.phase != Phase::Tls), "{phases:?}");
    #[cfg(target_os = "linux")]
    for recording in [first, second] {
        assert_eq!(recording.timestamp_source().as_str(), "kernel", "{recording:?}");
    }
}

/// The certificate of a client, read again when it was written again.
#[tokio::test]
async fn a_server_that_asks_its_clients_for_a_certificate() {
    let (known, unknown) = (ClientAuthority::new(), ClientAuthority::new());
    let server = TlsServer::asking("127.0.0.1", &known, steps()).await;
    let nothing = client(&server, "CA").exchange().await;
    let demands = "it demands a certificate of its clients: name one with tls.cert_file and \
                   tls.key_file";
    assert!(
        matches!(&nothing.ending, Ending::TlsFailed(why) if why.contains(demands)),
        "{nothing:?}"
    );

    let folder = tempfile::tempdir().unwrap();
    let files = ["me.pem", "me.key"].map(|name| folder.path().join(name));
    let [cert, key] = files.each_ref();
    unknown.write(cert, key);
    let settings = format!("CA, cert_file: '{}', key_file: '{}'", cert.display(), key.display());
    let client = client(&server, &settings);
    let refused = client.exchange().await;
    let not_accepted = format!("it does not accept the certificate in {}", cert.display());
    assert!(
        matches!(&refused.ending, Ending::TlsFailed(why) if why.contains(&not_accepted)),
        "{refused:?}"
    );
    assert_eq!(client.verdict(&refused), "tls");

    known.write(cert, key);
    let taken = client.exchange().await;
    assert_eq!(client.verdict(&taken), "success", "{taken:?}");
    assert!(!taken.connection.reused);
    assert!(client.exchange().await.connection.reused);
    // Another one, which the server knows, too: nothing goes on with the one before.
    known.write(cert, key);
    let renewed = client.exchange().await;
    assert_eq!(client.verdict(&renewed), "success", "{renewed:?}");
    assert!(!renewed.connection.reused);
    let shown = server.shown.lock().unwrap().clone();
    let [.., before, after] = &shown[..] else { panic!("{shown:?}") };
    assert!(before.is_some() && after.is_some() && before != after);
    // What is written now is of no use, and what was read before is shown.
    std::fs::write(key, "half a").unwrap();
    assert_eq!(client.verdict(&client.exchange().await), "success");
}

/// Over HTTP/2 a read could belong to any stream.
#[tokio::test]
async fn only_http_1_1_is_offered() {
    let server = TlsServer::start("127.0.0.1", steps()).await;
    client(&server, "CA").exchange().await;
    let expect = Hello { server_name: None, alpn: vec!["http/1.1".to_owned()] };
    assert_eq!(*server.hellos.lock().unwrap(), [expect]);
}

#[tokio::test]
async fn another_name_can_be_verified() {
    let server = TlsServer::start("llm.test", steps()).await;
    check_refused(&client(&server, "CA"), "is for llm.test, not for 127.0.0.1").await;
    let client = client(&server, "CA, server_name: llm.test");
    let recording = client.exchange().await;
    assert_eq!(client.verdict(&recording), "success", "{recording:?}");
    let hello = server.hellos.lock().unwrap().last().cloned().unwrap();
    assert_eq!(hello.server_name.as_deref(), Some("llm.test"));
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let (server, other) = tokio::join!(
        TlsServer::start("127.0.0.1", steps()),
        TlsServer::start("127.0.0.1", steps())
    );
    let settings = format!("ca_file: '{}'", other.ca_file.display());
    check_refused(&client(&server, &settings), "with another key (BadSignature)").await;
}

#[tokio::test]
async fn verification_can_be_switched_off() {
    let server = TlsServer::start("llm.test", steps()).await;
    let client = client(&server, "insecure_skip_verify: true");
    let recording = client.exchange().await;
    assert_eq!(client.verdict(&recording), "success", "{recording:?}");
    assert_eq!(recording.connection.certificate_expiry, Some(EXPIRY));
}

#[tokio::test]
async fn a_server_that_speaks_plain_text() {
    let greeting = whole("400 Bad Request", "text/plain", "speak TLS");
    for answer in [greeting, send("SSH-2.0-x\r\n")] {
        let (address, _) = tcp(always([answer, Step::Hold])).await;
        let settings = ", tls: {insecure_skip_verify: true}";
        let client = Client::network(&format!("https://{address}/v1"), settings);
        check_refused(&client, "").await;
    }
}
