//! TLS settings of a target, as rustls wants them.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::client_certificate::CurrentCertificate;
use super::named_certificates::NamedCertificates;
use super::setup_error::SetupError;
use crate::target::Tls;

/// The client configuration for a target: the system's authorities or the given file's, HTTP/1.1
/// only, because one read of an HTTP/2 connection cannot be told apart by stream.
///
/// # Errors
/// When the file cannot be read or holds no certificate, or the system has no authorities.
pub fn client_config(tls: &Tls) -> Result<Arc<ClientConfig>, SetupError> {
    Ok(with_certificate(tls)?.0)
}

/// The same, with what is shown to a server that asks.
pub(super) fn with_certificate(
    tls: &Tls,
) -> Result<(Arc<ClientConfig>, Option<Arc<CurrentCertificate>>), SetupError> {
    let (provider, builder) = builder()?;
    let builder = if tls.insecure_skip_verify {
        let verifier = Arc::new(AcceptAny(provider));
        builder.dangerous().with_custom_certificate_verifier(verifier)
    } else if let Some(file) = &tls.ca_file {
        let named = certificates(file)?;
        let verifier = Arc::new(NamedCertificates::new(named, provider)?);
        builder.dangerous().with_custom_certificate_verifier(verifier)
    } else {
        builder.with_root_certificates(system_roots()?)
    };
    let certificate = tls.certificate.as_ref().map(CurrentCertificate::read).transpose()?;
    let certificate = certificate.map(Arc::new);
    let mut config = match &certificate {
        None => builder.with_no_client_auth(),
        Some(certificate) => {
            let certificate = Arc::clone(certificate);
            builder.with_client_cert_resolver(certificate)
        }
    };
    if certificate.is_some() {
        // A session that goes on was begun with the certificate of its time.
        config.resumption = Resumption::disabled();
    }
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), certificate))
}

/// The configuration of every target that trusts the system's authorities: they are many, and are
/// read once.
#[derive(Debug, Default)]
pub(super) struct SystemTrust(Mutex<Option<Arc<ClientConfig>>>);

impl SystemTrust {
    /// As [`with_certificate`].
    pub fn client_config(
        &self,
        tls: &Tls,
    ) -> Result<(Arc<ClientConfig>, Option<Arc<CurrentCertificate>>), SetupError> {
        if tls.ca_file.is_some() || tls.insecure_skip_verify || tls.certificate.is_some() {
            return with_certificate(tls);
        }
        let mut shared = self.0.lock();
        let config = match &*shared {
            Some(config) => Arc::clone(config),
            None => Arc::clone(shared.insert(client_config(tls)?)),
        };
        Ok((config, None))
    }
}

/// A configuration that trusts nobody, for clients that are built before a plain URL is used.
///
/// # Errors
/// When the crypto provider supports no protocol version.
pub fn trusting_nobody() -> Result<ClientConfig, SetupError> {
    Ok(builder()?.1.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;

fn builder() -> Result<(Arc<CryptoProvider>, Builder), SetupError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(SetupError::Provider)?;
    Ok((provider, builder))
}

fn system_roots() -> Result<RootCertStore, SetupError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(SetupError::NoAuthorities);
    }
    Ok(roots)
}

/// The certificates of a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let unreadable = |error| SetupError::CaFile { file: path.to_owned(), error };
    let all = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
    let all: Vec<_> = all.collect::<Result<_, _>>().map_err(unreadable)?;
    if all.is_empty() {
        return Err(SetupError::NoCertificate(path.to_owned()));
    }
    Ok(all)
}

/// Accepts every certificate, for test rigs that say so in their configuration.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
