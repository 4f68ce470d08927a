//! Trust in the certificates of `tls.ca_file`: as authorities, and each of them as a server's own.
//!
//! The second is what makes a self-signed certificate work that is named there, as it does for
//! other clients. `openssl req -x509` marks what it makes as an authority's, which may not stand
//! for a server by the rules of chains; here it is the very certificate that was named, and no
//! chain is needed.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, ExtendedKeyPurpose, RootCertStore,
    SignatureScheme,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::setup_error::SetupError;
use crate::explain::tls::is_authority;

/// Verifies against the certificates of a file.
#[derive(Debug)]
pub(super) struct NamedCertificates {
    named: Vec<CertificateDer<'static>>,
    chains: Arc<WebPkiServerVerifier>,
}

impl NamedCertificates {
    /// # Errors
    /// When a certificate cannot be used as an authority's.
    pub fn new(
        named: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, SetupError> {
        let mut roots = RootCertStore::empty();
        for certificate in &named {
            roots.add(certificate.clone()).map_err(SetupError::Authority)?;
        }
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        Ok(Self { named, chains: chains.build()? })
    }
}

impl ServerCertVerifier for NamedCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.chains.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(problem))
                if lacks_a_chain(&problem) && self.named.contains(end_entity) =>
            {
                verify_alone(end_entity, name, now)
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// Problems that are none for a certificate that was named itself.
fn lacks_a_chain(problem: &CertificateError) -> bool {
    match problem {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => true,
        CertificateError::Other(other) => is_authority(other),
        _ => false,
    }
}

/// Everything but the chain: that the certificate is valid now, made for servers, and for this one.
fn verify_alone(
    certificate: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, Error> {
    let (_, parsed) =
        X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    valid_at(&parsed, now)?;
    for_servers(&parsed)?;
    let verified = verify_server_name(&ParsedCertificate::try_from(certificate)?, name);
    match verified {
        // Only where it has no such name at all the oldest place for one counts.
        Err(_) if has_no_alternative_name(&parsed) && is_common_name(&parsed, name) => {}
        verified => verified?,
    }
    Ok(ServerCertVerified::assertion())
}

fn valid_at(certificate: &X509Certificate<'_>, now: UnixTime) -> Result<(), CertificateError> {
    let instant = |seconds: i64| {
        let seconds = u64::try_from(seconds).unwrap_or(0);
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
    };
    let validity = certificate.validity();
    let not_before = instant(validity.not_before.timestamp());
    let not_after = instant(validity.not_after.timestamp());
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before });
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after });
    }
    Ok(())
}

fn for_servers(certificate: &X509Certificate<'_>) -> Result<(), CertificateError> {
    let usage = certificate.extended_key_usage().map_err(|_| CertificateError::BadEncoding)?;
    if usage.is_none_or(|usage| usage.value.server_auth) {
        return Ok(());
    }
    let (required, presented) = (ExtendedKeyPurpose::ServerAuth, Vec::new());
    Err(CertificateError::InvalidPurposeContext { required, presented })
}

fn has_no_alternative_name(certificate: &X509Certificate<'_>) -> bool {
    matches!(certificate.subject_alternative_name(), Ok(None))
}

/// Exactly, without wildcards.
fn is_common_name(certificate: &X509Certificate<'_>, name: &ServerName<'_>) -> bool {
    let mut all = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let (Some(common), None) = (all.next(), all.next()) else { return false };
    match name {
        ServerName::DnsName(name) => name.as_ref().eq_ignore_ascii_case(common),
        ServerName::IpAddress(ip) => common.parse::<IpAddr>().ok() == Some(IpAddr::from(*ip)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// Chains are refused for their time before anything else, so the check is seen here only.
    #[test]
    fn a_certificate_alone_is_valid_for_its_time_only() {
        let mut params = CertificateParams::new(vec!["llm.test".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let name = ServerName::try_from("llm.test").unwrap();
        let at = |year| {
            let seconds = date_time_ymd(year, 6, 1).unix_timestamp().unsigned_abs();
            let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            verify_alone(certificate.der(), &name, now)
        };
        assert!(at(2001).is_ok());
        let problem = |year| match at(year) {
            Err(Error::InvalidCertificate(problem)) => problem,
            other => panic!("{other:?}"),
        };
        assert!(matches!(problem(2000), CertificateError::NotValidYetContext { .. }));
        assert!(matches!(problem(2002), CertificateError::ExpiredContext { .. }));
        let other = ServerName::try_from("other.test").unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_000_000_000));
        assert!(verify_alone(certificate.der(), &other, now).is_err());
    }
}
