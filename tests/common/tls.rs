//! A TLS server with a certificate of its own authority.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::Acceptor;
use rustls::{CipherSuite, ServerConfig, SupportedProtocolVersion};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;

use super::scripted::{Seen, Step, play};

/// `notAfter` of every server certificate: 2040-02-03, midnight UTC.
pub const EXPIRY: i64 = 2_211_840_000;

/// What a client said before the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    pub server_name: Option<String>,
    pub alpn: Vec<String>,
}

/// What each client that was let in has shown of itself.
type Shown = Arc<Mutex<Vec<Option<Vec<u8>>>>>;

/// A server that plays the same steps on every connection.
pub struct TlsServer {
    pub address: SocketAddr,
    pub hellos: Arc<Mutex<Vec<Hello>>>,
    pub shown: Shown,
    /// PEM file of the authority.
    pub ca_file: PathBuf,
    _folder: tempfile::TempDir,
}

impl TlsServer {
    /// Serves with a certificate for `name`.
    pub async fn start(name: &str, steps: Vec<Step>) -> Self {
        let until = rcgen::date_time_ymd(2040, 2, 3);
        Self::serve(certificates(name, until), Duration::ZERO, steps).await
    }

    /// Serves with a certificate that is over since 2001-02-03, midnight UTC.
    pub async fn expired(name: &str) -> Self {
        let over = rcgen::date_time_ymd(2001, 2, 3);
        Self::serve(certificates(name, over), Duration::ZERO, Vec::new()).await
    }

    /// Serves whoever shows a certificate of this authority.
    pub async fn asking(name: &str, clients: &ClientAuthority, steps: Vec<Step>) -> Self {
        let until = rcgen::date_time_ymd(2040, 2, 3);
        let (ca, certificate, key) = made(name, until);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(clients.certificate.clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::clone(&provider),
        );
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::serve((Arc::new(config), ca), Duration::ZERO, steps).await
    }

    /// Answers a handshake only after so long.
    pub async fn slow(name: &str, pause: Duration, steps: Vec<Step>) -> Self {
        let until = rcgen::date_time_ymd(2040, 2, 3);
        Self::serve(certificates(name, until), pause, steps).await
    }

    /// Serves with a certificate and its key, in PEM; the file of authorities has the certificate
    /// itself.
    pub async fn with(certificate: &Path, key: &Path, steps: Vec<Step>) -> Self {
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let ca = std::fs::read_to_string(certificate).unwrap();
        let certificate = CertificateDer::from_pem_file(certificate).unwrap();
        Self::serve((config(certificate, key), ca), Duration::ZERO, steps).await
    }

    async fn serve(
        (config, ca): (Arc<ServerConfig>, String),
        pause: Duration,
        steps: Vec<Step>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, ca).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hellos = Arc::<Mutex<Vec<Hello>>>::default();
        let log = Arc::clone(&hellos);
        let shown = Shown::default();
        let clients = Arc::clone(&shown);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (config, log) = (Arc::clone(&config), Arc::clone(&log));
                let clients = Arc::clone(&clients);
                let steps = steps.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(pause).await;
                    serve(stream, config, steps, (log, clients)).await;
                });
            }
        });
        Self { address, hellos, shown, ca_file, _folder: folder }
    }
}

async fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    steps: Vec<Step>,
    (hellos, shown): (Arc<Mutex<Vec<Hello>>>, Shown),
) {
    let Ok(start) = LazyConfigAcceptor::new(Acceptor::default(), stream).await else { return };
    let hello = start.client_hello();
    let alpn = hello.alpn().into_iter().flatten();
    let hello = Hello {
        server_name: hello.server_name().map(str::to_owned),
        alpn: alpn.map(|p| String::from_utf8_lossy(p).into_owned()).collect(),
    };
    hellos.lock().unwrap().push(hello);
    // A client that refuses the certificate breaks off here.
    if let Ok(stream) = start.into_stream(config).await {
        let own = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        shown.lock().unwrap().push(own.map(|own| own.to_vec()));
        play(stream, steps, Seen::default()).await;
    }
}

/// Signs the certificates of clients.
pub struct ClientAuthority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl ClientAuthority {
    pub fn new() -> Self {
        let (issuer, ca) = authority("clients");
        let certificate = CertificateDer::from_pem_slice(ca.as_bytes()).unwrap();
        Self { certificate, issuer }
    }

    /// Writes a certificate and its key into these files.
    pub fn write(&self, cert_file: &Path, key_file: &Path) {
        let client = CertificateParams::new(vec!["prober.test".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        std::fs::write(cert_file, client.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(key_file, key.serialize_pem()).unwrap();
    }
}

/// One that signs certificates, and its own as PEM.
fn authority(of: &str) -> (Issuer<'static, KeyPair>, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, format!("authority of {of}"));
    let key = KeyPair::generate().unwrap();
    let ca = authority.self_signed(&key).unwrap().pem();
    (Issuer::new(authority, key), ca)
}

/// A server's configuration, and its authority's certificate as PEM.
fn certificates(name: &str, until: time::OffsetDateTime) -> (Arc<ServerConfig>, String) {
    let (ca, certificate, key) = made(name, until);
    (config(certificate, key), ca)
}

/// The certificate of a server's authority as PEM, its own, and its key.
fn made(
    name: &str,
    until: time::OffsetDateTime,
) -> (String, CertificateDer<'static>, PrivateKeyDer<'static>) {
    let (issuer, ca) = authority(name);
    let mut server = CertificateParams::new(vec![name.to_owned()]).unwrap();
    server.not_before = rcgen::date_time_ymd(2000, 1, 1);
    server.not_after = until;
    let key = KeyPair::generate().unwrap();
    let certificate: CertificateDer<'static> = server.signed_by(&key, &issuer).unwrap().into();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    (ca, certificate, key)
}

fn config(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> Arc<ServerConfig> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}

/// How a client speaks TLS. It trusts every server.
pub struct TlsClient {
    pub provider: CryptoProvider,
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// What it shows of itself where it is asked.
    pub certificate: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
}

impl Default for TlsClient {
    fn default() -> Self {
        let provider = ring::default_provider();
        Self { provider, versions: rustls::DEFAULT_VERSIONS.to_vec(), certificate: None }
    }
}

/// What a client met with a server that let it in.
pub struct Met {
    pub certificate: Vec<u8>,
    pub suite: CipherSuite,
    pub answer: String,
}

impl TlsClient {
    /// Sends a request; `None` where the server did not let it in.
    pub async fn ask(self, address: &str, request: &str) -> Option<Met> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let provider = Arc::new(self.provider);
        let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)));
        let config = match self.certificate {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                config.with_client_auth_cert(vec![certificate], key).unwrap()
            }
        };
        let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
        let tcp = TcpStream::connect(address).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, tcp).await.ok()?;
        let session = stream.get_ref().1;
        let certificate = session.peer_certificates().unwrap()[0].to_vec();
        let suite = session.negotiated_cipher_suite().unwrap().suite();
        // With TLS 1.3 a client hears only afterwards that it is not let in.
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        // A server that closes without a word is none of this test's business.
        let _ = stream.read_to_string(&mut answer).await;
        (!answer.is_empty()).then_some(Met { certificate, suite, answer })
    }
}

/// Trusts everybody.
#[derive(Debug)]
struct Anybody(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
