//! Who may look, and who may act.

use rcgen::{CertificateParams, KeyPair};
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::daemon::{Program, run};
use crate::common::eventually::{eventually, only_if};
use crate::common::tls::TlsClient;
use crate::daemon::{Folder, simulator};

const RELOAD: &str = "/-/reload";

const PASSWORD: &str = "pass:word";

/// The password as the file has it; of the least cost.
fn hash() -> String {
    bcrypt::hash(PASSWORD, 4).unwrap()
}

async fn folder() -> Folder {
    let server = simulator().await;
    Folder::with(&format!("targets: [{{name: t, url: 'http://{server}/v1', model: m}}]\n"))
}

async fn posted(daemon: &Program, headers: &[(&str, &str)]) -> StatusCode {
    daemon.ask(Method::POST, RELOAD, headers).await.status
}

#[tokio::test]
async fn what_acts_is_for_this_machine_itself() {
    let folder = folder().await;
    let daemon = Program::daemon([folder.flag()]).await;
    assert_eq!(posted(&daemon, &[]).await, 200);
    for header in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
        assert_eq!(posted(&daemon, &[(header, "10.0.0.1")]).await, 403, "{header}");
    }
    for path in ["/-/reference?target=t", "/-/comparisons/c/start"] {
        let answer = daemon.ask(Method::POST, path, &[("via", "1.1 proxy")]).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.text().contains("--web.enable-lifecycle"), "{}", answer.text());
    }
    assert_eq!(daemon.ask(Method::GET, "/metrics", &[("via", "1.1 proxy")]).await.status, 200);
}

#[tokio::test]
async fn what_acts_can_be_opened_to_others_but_not_to_pages_of_other_sites() {
    let folder = folder().await;
    let flags = [
        folder.flag(),
        "--web.enable-lifecycle".to_owned(),
        "--web.enable-probe".to_owned(),
        "--web.external-url=https://llm-prober.example.com/somewhere/".to_owned(),
    ];
    let daemon = Program::daemon(flags).await;
    assert_eq!(posted(&daemon, &[("x-forwarded-for", "10.0.0.1")]).await, 200);
    let foreign = [("sec-fetch-site", "cross-site"), ("origin", "https://example.org")];
    for header in foreign {
        assert_eq!(posted(&daemon, &[header]).await, 403, "{header:?}");
        let probe = daemon.ask(Method::GET, "/probe?target=t", &[header]).await;
        assert_eq!(probe.status, 403, "{header:?}");
        // Looking does no harm.
        assert_eq!(daemon.ask(Method::GET, "/metrics", &[header]).await.status, 200);
    }
    let own = ("origin", "https://llm-prober.example.com");
    assert_eq!(posted(&daemon, &[own]).await, 200);
    assert_eq!(posted(&daemon, &[("sec-fetch-site", "same-origin")]).await, 200);
    assert_eq!(daemon.ask(Method::GET, "/probe?target=t", &[]).await.status, 200);
}

#[tokio::test]
async fn users_are_let_in_by_name_and_may_act() {
    let folder = folder().await;
    let hash = hash();
    let users = |name: &str| format!("basic_auth_users: {{{name}: '{hash}'}}\n");
    folder.write(
        "web.yml",
        &(users("alice") + "http_server_config: {headers: {X-Frame-Options: deny}}\n"),
    );
    let web = format!("--web.config.file={}", folder.path("web.yml").display());
    let daemon = Program::daemon([folder.flag(), web]).await;
    let basic = |name: &str, password: &str| {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
        format!("Basic {pair}")
    };
    let asked = async |credentials: &str| {
        let headers = [("authorization", credentials), ("via", "1.1 proxy")];
        let metrics = daemon.ask(Method::GET, "/metrics", &headers[..1]).await;
        (metrics.status.as_u16(), posted(&daemon, &headers).await.as_u16())
    };
    let nobody = daemon.get("/metrics").await;
    assert_eq!((nobody.status.as_u16(), nobody.header("www-authenticate")), (401, "Basic"));
    assert_eq!(nobody.header("x-frame-options"), "deny");
    assert_eq!(asked(&basic("alice", PASSWORD)).await, (200, 200));
    assert_eq!(asked(&basic("alice", "another")).await, (401, 401));
    assert_eq!(asked(&basic("bob", PASSWORD)).await, (401, 401));
    // The file is read again; one that is wrong changes nothing.
    folder.write("web.yml", "basic_auth_users: {alice: plain}\n");
    daemon.find(|daemon| daemon.stderr().contains("stays as it was").then_some(())).await;
    assert!(!daemon.stderr().contains("plain"), "{}", daemon.stderr());
    assert_eq!(asked(&basic("alice", PASSWORD)).await, (200, 200));
    folder.write("web.yml", &users("bob"));
    eventually("the other user", async || {
        let (status, _) = asked(&basic("bob", PASSWORD)).await;
        only_if(status == 200, status)
    })
    .await;
    assert_eq!(asked(&basic("alice", PASSWORD)).await, (401, 401));
}

/// Writes a certificate for this machine and its key; the certificate.
fn certificate(folder: &Folder) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    folder.write("server.pem", &certificate.pem());
    folder.write("server.key", &key.serialize_pem());
    certificate.der().to_vec()
}

#[tokio::test]
async fn tls_is_spoken_and_a_new_certificate_is_taken_up() {
    let folder = folder().await;
    let first = certificate(&folder);
    folder.write(
        "web.yml",
        "tls_server_config: {cert_file: server.pem, key_file: server.key, min_version: TLS10}\n",
    );
    let web = format!("--web.config.file={}", folder.path("web.yml").display());
    let listen = "--web.listen-address=127.0.0.1:0".to_owned();
    let daemon = Program::start([folder.flag(), web, listen], &[]);
    let address = daemon.find(|daemon| {
        let text = daemon.stdout();
        let (_, rest) = text.split_once("metrics:     https://")?;
        rest.split_once('/').map(|(address, _)| address.to_owned())
    });
    let address = address.await;
    assert!(daemon.stderr().contains("TLS12 is the oldest"), "{}", daemon.stderr());
    // In plain HTTP nobody answers.
    let mut plain = TcpStream::connect(&address).await.unwrap();
    plain.write_all(b"GET /metrics HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    let met = async || {
        let request = "GET /-/healthy HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
        let met = TlsClient::default().ask(&address, request).await.unwrap();
        assert!(met.answer.starts_with("HTTP/1.1 200"), "{}", met.answer);
        met.certificate
    };
    assert_eq!(met().await, first);
    let second = certificate(&folder);
    eventually("the new certificate", async || {
        if met().await == second { Ok(()) } else { Err("the old one") }
    })
    .await;
}

#[test]
fn a_wrong_file_is_refused_before_any_port_is_bound() {
    let folder = Folder::with("targets: [{name: a, url: 'http://h/v1', model: m}]");
    let _ = certificate(&folder);
    let pair = "cert_file: server.pem, key_file: server.key";
    let check = |text: &str, expect: &str| {
        folder.write("web.yml", text);
        let web = format!("--web.config.file={}", folder.path("web.yml").display());
        let output = run([folder.flag(), web, "--web.listen-address=127.0.0.1:0".to_owned()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{text}: {said}");
        assert!(said.contains(expect), "{text}: {said}");
        assert!(output.stdout.is_empty(), "{output:?}");
    };
    check("tls_server_config: {cert_file: server.pem}", "expected key_file or key");
    check("tls_server_config: {client_auth_type: NoClientCert}", "expected cert_file or cert");
    check(
        &format!("tls_server_config: {{{pair}, client_ca_file: server.pem}}"),
        "client_auth_type",
    );
    check(
        &format!("tls_server_config: {{{pair}, client_auth_type: Sometimes}}"),
        "expected NoClientCert, RequestClientCert",
    );
    folder.write("empty.pem", "no certificate\n");
    check(
        &format!(
            "tls_server_config: {{{pair}, client_auth_type: RequireAndVerifyClientCert, \
             client_ca_file: empty.pem}}"
        ),
        "client_ca_file: holds no PEM certificate",
    );
    check(
        &format!("tls_server_config: {{{pair}, client_allowed_sans: [a]}}"),
        "client_allowed_sans",
    );
    check(&format!("tls_server_config: {{{pair}, min_version: TLS14}}"), "`TLS14` is not known");
    check(&format!("tls_server_config: {{{pair}, max_version: TLS11}}"), "no version is left");
    check(
        &format!("tls_server_config: {{{pair}, cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]}}"),
        "cipher_suites: none of them is supported",
    );
    // One that nobody has is a mistake, whatever stands beside it.
    for (key, known, invented) in [
        ("cipher_suites", "TLS_AES_128_GCM_SHA256", "TLS_AES_512_GCM_SHA512"),
        ("curve_preferences", "X25519", "CurveP257"),
    ] {
        check(
            &format!("tls_server_config: {{{pair}, {key}: [{known}, {invented}]}}"),
            &format!("`{invented}` is not known"),
        );
    }
    check("tls_server_config: {cert_file: none.pem, key_file: server.key}", "cert_file: ");
    check("basic_auth_users: {alice: plain}", "the password of `alice` is no bcrypt hash");
    check(
        "http_server_config: {headers: {Server: mine}}",
        "the header Server cannot be configured",
    );
    check("http_server_config: {headers: {X-Frame-Options: allow}}", "expected deny or sameorigin");
    check("rate_limit: {interval: often, burst: 1}", "expected a duration");
    check("tls_server_confg: {}", "web.yml:1:1: unknown key `tls_server_confg`");
}
