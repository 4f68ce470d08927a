//! The file of `--web.config.file` in every shape that the exporter-toolkit's own tests have: taken or
//! refused as the exporters do it, and whom it lets in.

use llm_prober::web::Access;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CipherSuite, NamedGroup, version};

use crate::common::daemon::Program;
use crate::common::tls::{Met, TlsClient};
use crate::daemon::{Folder, simulator};

/// Of this program: where it is not asked for more.
const PAIR: &str = "cert_file: server.pem, key_file: server.key";

/// A certificate with its key, as a client shows it.
struct Shown {
    pem: String,
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Shown {
    fn of_itself(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), certificate: certificate.into(), key }
    }

    fn client(&self) -> TlsClient {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        TlsClient { certificate: Some((self.certificate.clone(), key)), ..TlsClient::default() }
    }
}

/// Who certifies clients.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(parameters, key) }
    }

    fn certify(&self, name: &str) -> Shown {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        Shown { pem: certificate.pem(), certificate: certificate.into(), key }
    }
}

/// With a certificate for this machine and its key.
fn with_certificate(folder: &Folder) -> Shown {
    let own = Shown::of_itself("127.0.0.1");
    folder.write("server.pem", &own.pem);
    folder.write("server.key", &own.key.serialize_pem());
    own
}

fn indented(pem: &str) -> String {
    format!("    {}\n", pem.trim_end().replace('\n', "\n    "))
}

/// A file that is taken.
const TAKEN: Option<&str> = None;

/// Reads such a file, which is taken, or refused with these words among others.
fn check(folder: &Folder, text: &str, refused: Option<&str>) {
    folder.write("web.yml", text);
    match (Access::read(&folder.path("web.yml")).map_err(|e| e.to_string()), refused) {
        (Ok(_), None) => {}
        (Err(said), Some(why)) => assert!(said.contains(why), "{text}: {said}"),
        (found, _) => panic!("{text}: {found:?}"),
    }
}

/// The same of what is said of TLS, each key on a line of its own.
fn check_tls(folder: &Folder, keys: &str, refused: Option<&str>) {
    check(folder, &format!("tls_server_config:\n  {}\n", keys.replace(", ", "\n  ")), refused);
}

/// Whom the server is, and who its clients are.
#[test]
fn every_shape_of_certificates_is_taken_or_refused() {
    let folder = Folder::new();
    let own = with_certificate(&folder);
    folder.write("clients.pem", &Authority::new().pem);
    let tls = |keys: &str, refused| check_tls(&folder, keys, refused);
    let pair = |more: &str, refused| tls(&format!("{PAIR}, {more}"), refused);

    // Certificate and key: files or texts, both of them, and there.
    let (no_certificate, no_key) =
        (Some("expected cert_file or cert"), Some("expected key_file or key"));
    tls(PAIR, TAKEN);
    let certificate = format!("cert: |\n{}", indented(&own.pem));
    let key = format!("key: |\n{}", indented(&own.key.serialize_pem()));
    check(&folder, &format!("tls_server_config:\n  {certificate}  {key}"), TAKEN);
    check(&folder, &format!("tls_server_config:\n  cert_file: server.pem\n  {key}"), TAKEN);
    tls("cert_file: '', key_file: server.key", no_certificate);
    tls("cert: '', key_file: server.key", no_certificate);
    tls("cert_file: server.pem, key_file: ''", no_key);
    tls("cert_file: server.pem, key: ''", no_key);
    tls("cert_file: '', key_file: '', client_auth_type: x", no_certificate);
    tls("client_auth_type: RequestClientCert", no_certificate);
    tls("cert_file: none, key_file: server.key", Some("cert_file: "));
    tls("cert_file: server.pem, key_file: none", Some("key_file: "));
    tls("cert_file: none, key_file: none", Some("cert_file: "));
    // Only what asks for TLS wants a certificate.
    tls("min_version: TLS12, prefer_server_cipher_suites: true", TAKEN);

    // Clients.
    for asks in ["NoClientCert", "RequestClientCert", "RequireAnyClientCert", "RequireClientCert"] {
        pair(&format!("client_auth_type: {asks}"), TAKEN);
    }
    for asks in ["VerifyClientCertIfGiven", "RequireAndVerifyClientCert"] {
        pair(&format!("client_auth_type: {asks}"), TAKEN); // by the system's authorities
        pair(&format!("client_auth_type: {asks}, client_ca_file: clients.pem"), TAKEN);
    }
    pair("client_auth_type: x", Some("`x` is not known"));
    pair("client_ca_file: /dev/null", Some("without a client_auth_type"));
    pair("client_ca_file: none", Some("without a client_auth_type"));
    let verified = "client_auth_type: RequireAndVerifyClientCert, client_ca_file";
    pair(&format!("{verified}: none"), Some("client_ca_file: "));
    pair(&format!("{verified}: clients.pem, client_allowed_sans: [one,two]"), TAKEN);
}

#[test]
fn every_shape_of_versions_suites_and_curves_is_taken_or_refused() {
    let folder = Folder::new();
    with_certificate(&folder);
    let pair = |more: &str, refused| check_tls(&folder, &format!("{PAIR}, {more}"), refused);
    let of = |key: &str, names: &[&str]| {
        let names = names.join("\n  - ");
        format!("client_auth_type: VerifyClientCertIfGiven, {key}:\n  - {names}")
    };
    pair("min_version: TLS111", Some("`TLS111` is not known"));
    let all = [
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    ];
    pair(&of("cipher_suites", &all), TAKEN);
    pair(&of("cipher_suites", &["TLS_AES_128_GCM_SHA2048"]), Some("`TLS_AES_128_GCM_SHA2048`"));
    let some = of("cipher_suites", &[all[3], all[2]]);
    pair(&format!("{some}, min_version: TLS12, max_version: TLS12"), TAKEN);
    pair(&format!("{some}, prefer_server_cipher_suites: false, max_version: TLS12"), TAKEN);
    // Others refuse it for HTTP/2, which is not spoken here.
    pair(&format!("{}, max_version: TLS12", of("cipher_suites", &[all[3]])), TAKEN);
    pair(&of("curve_preferences", &["CurveP256", "CurveP384", "CurveP521", "X25519"]), TAKEN);
    pair(&of("curve_preferences", &["CurveP257"]), Some("`CurveP257` is not known"));
    // Others have it. Another curve instead is not what was asked for.
    pair(&of("curve_preferences", &["CurveP521"]), Some("none of them is supported"));
}

#[test]
fn every_other_shape_is_taken_or_refused() {
    let folder = Folder::new();
    with_certificate(&folder);
    let check = |text: &str, refused| check(&folder, text, refused);

    // No file, nothing in it, or something else.
    let no_file = Access::read(&folder.path("none.yml")).unwrap_err().to_string();
    assert!(no_file.contains("cannot be read"), "{no_file}");
    check("", TAKEN);
    check("one word\nand another\n", Some("web.yml:1:1: "));
    check("tls_server_config: {cert_fill: server.pem}", Some("unknown key `cert_fill`"));
    check("tls_server_config:\nbasic_auth_users:\nhttp_server_config:\nrate_limit:\n", TAKEN);

    // HTTP.
    let http = |more: &str, refused| check(&format!("http_server_config:\n  {more}\n"), refused);
    http("http2: false", TAKEN);
    http("http2: true", TAKEN);
    http(
        "headers:\n    Content-Security-Policy: \"default-src 'self' *.example.net\"\n    \
         Strict-Transport-Security: max-age=86400; includeSubDomains\n    \
         X-Content-Type-Options: nosniff\n    X-Frame-Options: sameorigin\n    X-XSS-Protection: 1",
        TAKEN,
    );
    http("headers: {X-Frame-Options: ''}", TAKEN);
    http("headers: {X-Content-Type-Options: sniff}", Some("expected nosniff"));
    http("headers: {X-Frame-Options: x}", Some("expected deny or sameorigin"));
    http("headers: {Content-Type: x}", Some("Content-Type cannot be configured"));

    // Users and the rate.
    let hash =
        |cost: u8| format!("$2y${cost:02}$abcdefghijklmnopqrstuuhUPyrfiHGbm2s5XkLzqIoT.BG5CgvYO");
    let users = format!("basic_auth_users:\n  alice: {}\n  bob.b: {}\n", hash(10), hash(18));
    check(&users, TAKEN);
    check(&format!("tls_server_config: {{{PAIR}}}\n{users}"), TAKEN);
    check("basic_auth_users: {carol: word}", Some("the password of `carol` is no bcrypt hash"));
    for rate in ["interval: 0, burst: 0", "interval: 1s, burst: 0", "interval: 1.5s, burst: 20"] {
        check(&format!("rate_limit: {{{rate}}}"), TAKEN);
    }
    check("rate_limit: {interval: often, burst: 1}", Some("expected a duration"));
}

/// A daemon with this web configuration, and where it listens.
async fn daemon(folder: &Folder, web: &str) -> (Program, String) {
    folder.write("web.yml", web);
    let web = format!("--web.config.file={}", folder.path("web.yml").display());
    let listen = "--web.listen-address=127.0.0.1:0".to_owned();
    let daemon = Program::start([folder.flag(), web, listen], &[]);
    let address = daemon.find(|daemon| {
        let text = daemon.stdout();
        let (_, rest) = text.split_once("metrics:     https://")?;
        rest.split_once('/').map(|(address, _)| address.to_owned())
    });
    let address = address.await;
    (daemon, address)
}

async fn folder() -> Folder {
    let server = simulator().await;
    Folder::with(&format!("targets: [{{name: t, url: 'http://{server}/v1', model: m}}]\n"))
}

const LOOK: &str = "GET /-/healthy HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
/// As from another machine: only who is known may.
const ACT: &str = "POST /-/reload HTTP/1.1\r\nhost: h\r\nvia: 1.1 proxy\r\ncontent-length: 0\r\n\
                   connection: close\r\n\r\n";

/// The status of an answer; none where the client was not let in.
fn status(met: Option<Met>) -> Option<u16> {
    met?.answer.split(' ').nth(1)?.parse().ok()
}

#[tokio::test]
async fn clients_are_let_in_by_their_certificates() {
    let (authority, other) = (Authority::new(), Authority::new());
    let own = authority.certify("one.test");
    let (of_another_name, of_another) = (authority.certify("two.test"), other.certify("one.test"));
    let of_itself = Shown::of_itself("one.test");
    let certificates = [&own, &of_another_name, &of_another, &of_itself];
    let verified = "client_ca_file: clients.pem, client_auth_type";
    // For each of the certificates, and none at the end, what comes of a look and of an act.
    let (out, may_look, may_act) = ((None, None), (Some(200), Some(403)), (Some(200), Some(200)));
    for (rules, expected) in [
        ("client_auth_type: RequestClientCert".to_owned(), [may_look; 5]),
        (
            "client_auth_type: RequireAnyClientCert".to_owned(),
            [may_look, may_look, may_look, may_look, out],
        ),
        (
            "client_auth_type: RequireAnyClientCert, client_allowed_sans: [one.test]".to_owned(),
            [may_look, out, may_look, may_look, out],
        ),
        (format!("{verified}: VerifyClientCertIfGiven"), [may_look, may_look, out, out, may_look]),
        (format!("{verified}: RequireAndVerifyClientCert"), [may_act, may_act, out, out, out]),
        (
            format!("{verified}: RequireAndVerifyClientCert, client_allowed_sans: [one.test]"),
            [may_act, out, out, out, out],
        ),
    ] {
        let folder = folder().await;
        with_certificate(&folder);
        folder.write("clients.pem", &authority.pem);
        let web = format!("tls_server_config: {{{PAIR}, {rules}}}\n");
        let (_daemon, address) = daemon(&folder, &web).await;
        let clients = certificates.map(Some).into_iter().chain([None]);
        for (i, (shown, expected)) in clients.zip(expected).enumerate() {
            let client = || shown.map_or_else(TlsClient::default, Shown::client);
            let look = status(client().ask(&address, LOOK).await);
            let act = status(client().ask(&address, ACT).await);
            assert_eq!((look, act), expected, "{rules}: client {i}");
        }
    }
}

#[tokio::test]
async fn versions_suites_and_curves_are_spoken_as_they_are_configured() {
    const SMALL: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    const LARGE: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;
    let with_suites = |suites: &[CipherSuite]| {
        let mut client = TlsClient { versions: vec![&version::TLS12], ..TlsClient::default() };
        let all = client.provider.cipher_suites.clone();
        let find = |wanted: &CipherSuite| all.iter().copied().find(|one| one.suite() == *wanted);
        client.provider.cipher_suites = suites.iter().filter_map(find).collect();
        client
    };
    let with_curve = |group: NamedGroup| {
        let mut client = TlsClient::default();
        client.provider.kx_groups.retain(|one| one.name() == group);
        client
    };
    let both = "min_version: TLS12, max_version: TLS12, cipher_suites: \
                [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]";
    let suite = |met: Option<Met>| met.map(|met| met.suite);
    let folder = folder().await;
    with_certificate(&folder);
    let start = async |more: &str| {
        daemon(&folder, &format!("tls_server_config: {{{PAIR}, {more}}}\n")).await
    };

    // The order is the server's, if the file does not leave it to the client.
    let (_daemon, address) = start(both).await;
    let ask = async |suites: &[CipherSuite]| suite(with_suites(suites).ask(&address, LOOK).await);
    assert_eq!(ask(&[LARGE, SMALL]).await, Some(SMALL));
    assert_eq!(ask(&[LARGE]).await, Some(LARGE));
    let (_daemon, address) = start(&format!("{both}, prefer_server_cipher_suites: false")).await;
    let ask = async |suites: &[CipherSuite]| suite(with_suites(suites).ask(&address, LOOK).await);
    assert_eq!(ask(&[LARGE, SMALL]).await, Some(LARGE));
    assert_eq!(ask(&[SMALL, LARGE]).await, Some(SMALL));
    // Neither a suite nor a version in common.
    let other = CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
    assert_eq!(ask(&[other]).await, None);
    let newer = TlsClient { versions: vec![&version::TLS13], ..TlsClient::default() };
    assert_eq!(suite(newer.ask(&address, LOOK).await), None);

    let (_daemon, address) = start("min_version: TLS13, curve_preferences: [CurveP384]").await;
    let ask = async |client: TlsClient| status(client.ask(&address, LOOK).await);
    assert_eq!(ask(with_curve(NamedGroup::secp384r1)).await, Some(200));
    assert_eq!(ask(with_curve(NamedGroup::X25519)).await, None);
    assert_eq!(ask(with_suites(&[SMALL])).await, None);
}

#[tokio::test]
async fn a_burst_of_nothing_lets_nobody_in() {
    let folder = folder().await;
    folder.write("web.yml", "rate_limit: {interval: 1s, burst: 0}\n");
    let web = format!("--web.config.file={}", folder.path("web.yml").display());
    let daemon = Program::daemon([folder.flag(), web]).await;
    assert_eq!(daemon.get("/metrics").await.status, 429);
}
