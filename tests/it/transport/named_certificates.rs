//! A certificate that `tls.ca_file` names itself, as stock tools make them.

use std::path::{Path, PathBuf};
use std::process::Command;

use llm_prober::answer::recording::Ending;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

use crate::common::client::Client;
use crate::common::counterparts::on_path;
use crate::common::scripted::{Step, answer};
use crate::common::tls::TlsServer;

/// A certificate and its key, in PEM.
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
    _folder: tempfile::TempDir,
}

impl Pair {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
        Self { certificate, key, _folder: folder }
    }

    /// As `openssl req -x509` makes it with these further arguments; `None` without openssl.
    fn of_openssl(arguments: &[&str]) -> Option<Self> {
        let (openssl, pair) = (on_path("openssl")?, Self::new());
        let mut command = Command::new(openssl);
        command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]);
        command.arg("-keyout").arg(&pair.key).arg("-out").arg(&pair.certificate);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        Some(pair)
    }

    /// Self-signed, as `change` makes it.
    fn own(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let pair = Self::new();
        std::fs::write(&pair.certificate, certificate.pem()).unwrap();
        std::fs::write(&pair.key, key.serialize_pem()).unwrap();
        pair
    }

    async fn serve(&self) -> TlsServer {
        let steps = vec![Step::Request, answer(), Step::Hold];
        TlsServer::with(&self.certificate, &self.key, steps).await
    }
}

/// What a client says of `server` that trusts this file: nothing, or why not.
async fn refusal(server: &TlsServer, ca_file: &Path) -> Option<String> {
    let settings = format!(", tls: {{ca_file: '{}'}}", ca_file.display());
    let client = Client::network(&format!("https://{}/v1", server.address), &settings);
    let recording = client.exchange().await;
    if let Ending::TlsFailed(why) = recording.ending {
        return Some(why);
    }
    assert_eq!(client.verdict(&recording), "success", "{recording:?}");
    None
}

async fn check(pair: &Pair, expect: Option<&str>) {
    let server = pair.serve().await;
    let refusal = refusal(&server, &pair.certificate).await;
    match expect {
        None => assert_eq!(refusal, None),
        Some(why) => assert_eq!(refusal.as_deref(), Some(why)),
    }
}

#[tokio::test]
async fn one_of_stock_openssl_is_trusted() {
    let named = ["-subj", "/CN=llm", "-addext", "subjectAltName=DNS:llm.test,IP:127.0.0.1"];
    let Some(pair) = Pair::of_openssl(&named) else { return };
    check(&pair, None).await;
    // Without any option but the subject; then the name is there only.
    let Some(pair) = Pair::of_openssl(&["-subj", "/CN=127.0.0.1"]) else { return };
    check(&pair, None).await;
}

#[tokio::test]
async fn its_name_is_verified_all_the_same() {
    let other = "the server's certificate is for llm.test, not for 127.0.0.1: name the one to \
                 expect with tls.server_name";
    let none = "the server's certificate is for no name at all, not for 127.0.0.1: name the one to \
                expect with tls.server_name";
    let named = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=DNS:llm.test"];
    let Some(pair) = Pair::of_openssl(&named) else { return };
    check(&pair, Some(other)).await;
    let Some(pair) = Pair::of_openssl(&["-subj", "/CN=llm.test"]) else { return };
    check(&pair, Some(none)).await;
    let Some(pair) = Pair::of_openssl(&["-subj", "/CN=127.0.0.1/CN=llm.test"]) else { return };
    check(&pair, Some(none)).await;
}

#[tokio::test]
async fn its_purpose_is_verified_all_the_same() {
    let clients = ["-subj", "/CN=127.0.0.1", "-addext", "extendedKeyUsage=clientAuth"];
    let Some(pair) = Pair::of_openssl(&clients) else { return };
    let why = "the server's certificate is not made for servers (extended key usage)";
    check(&pair, Some(why)).await;
    let servers = ["-subj", "/CN=127.0.0.1", "-addext", "extendedKeyUsage=serverAuth"];
    let Some(pair) = Pair::of_openssl(&servers) else { return };
    check(&pair, None).await;
}

fn authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

#[tokio::test]
async fn its_time_is_verified_all_the_same() {
    check(&Pair::own(authority), None).await;
    let over = Pair::own(|params| {
        authority(params);
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(2001, 2, 3);
    });
    let why = "the server's certificate expired at 2001-02-03T00:00:00Z: renew it";
    check(&over, Some(why)).await;
    let future = Pair::own(|params| {
        authority(params);
        params.not_before = rcgen::date_time_ymd(2090, 1, 1);
        params.not_after = rcgen::date_time_ymd(2091, 1, 1);
    });
    let why = "the server's certificate is not valid before 2090-01-01T00:00:00Z: look at both \
               clocks";
    check(&future, Some(why)).await;
}

/// The same subject and names, another key: not the one that is named.
#[tokio::test]
async fn another_one_of_the_same_name_is_refused() {
    let (one, other) = (Pair::own(authority), Pair::own(authority));
    let server = other.serve().await;
    let expect = format!(
        "the server's certificate is that of an authority, as `openssl req -x509` makes them, and \
         not the one in tls.ca_file (CaUsedAsEndEntity): add it to {}",
        one.certificate.display()
    );
    assert_eq!(refusal(&server, &one.certificate).await, Some(expect));
    // Beside the one that is meant it does no harm.
    let both = tempfile::NamedTempFile::new().unwrap();
    let text = |pair: &Pair| std::fs::read_to_string(&pair.certificate).unwrap();
    std::fs::write(both.path(), text(&one) + &text(&other)).unwrap();
    assert_eq!(refusal(&server, both.path()).await, None);
}

/// Its authority of old, beside it in the file, has the same name and another key.
#[tokio::test]
async fn one_whose_authority_was_made_anew_is_trusted_where_it_is_named() {
    let leaf = |_: &mut CertificateParams| {};
    let (old, new) = (Pair::own(authority), Pair::own(leaf));
    let both = tempfile::NamedTempFile::new().unwrap();
    let text = |pair: &Pair| std::fs::read_to_string(&pair.certificate).unwrap();
    std::fs::write(both.path(), text(&old) + &text(&new)).unwrap();
    let server = new.serve().await;
    assert_eq!(refusal(&server, both.path()).await, None);
    let why = refusal(&server, &old.certificate).await.unwrap();
    assert!(why.contains("with another key (BadSignature)"), "{why}");
}

/// As other clients take it: the chain may end before its root.
#[tokio::test]
async fn one_that_somebody_else_has_signed_is_trusted_where_it_is_named() {
    let mut issuer = CertificateParams::new(Vec::new()).unwrap();
    authority(&mut issuer);
    issuer.distinguished_name.push(DnType::CommonName, "an authority");
    let issuer = rcgen::Issuer::new(issuer, KeyPair::generate().unwrap());
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let pair = Pair::new();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    std::fs::write(&pair.certificate, certificate.pem()).unwrap();
    std::fs::write(&pair.key, key.serialize_pem()).unwrap();
    check(&pair, None).await;
}
