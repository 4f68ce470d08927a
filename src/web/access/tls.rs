//! TLS as the settings want it.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CipherSuite, DigitallySignedStruct, DistinguishedName, NamedGroup, ProtocolVersion,
    RootCertStore, ServerConfig, SignatureScheme, SupportedProtocolVersion, version,
};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::error::AccessError;
use super::settings::TlsSettings;

/// What is spoken, and who is let in by its certificate.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    pub config: Arc<ServerConfig>,
    /// Every client's certificate was verified against the authorities.
    pub verified: bool,
    /// One of these names must be in the client's certificate, where there are any.
    names: Option<Vec<String>>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// What cannot be used.
    pub fn new(settings: &TlsSettings) -> Result<Self, AccessError> {
        let certificates = certificates("cert_file", &settings.cert_file, &settings.cert)?
            .ok_or(AccessError::Missing("cert_file or cert"))?;
        let key = key(settings)?.ok_or(AccessError::Missing("key_file or key"))?;
        let provider = Arc::new(provider(settings)?);
        let asks = Asks::of(settings)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions(settings)?)?;
        let builder = match verifier(asks, settings, provider)? {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(verifier),
        };
        let mut config = builder.with_single_cert(certificates, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.ignore_client_order = settings.prefer_server_cipher_suites.unwrap_or(true);
        // Whoever has a certificate of some public authority is no user.
        let verified = asks == Asks::RequireAndVerify && settings.has_authorities();
        Ok(Self { config: Arc::new(config), verified, names: settings.client_allowed_sans.clone() })
    }

    /// Whether a client with these certificates is let in.
    pub fn lets_in(&self, certificates: Option<&[CertificateDer<'_>]>) -> bool {
        let Some(allowed) = &self.names else { return true };
        let own = certificates.and_then(<[_]>::first);
        let Some(Ok((_, own))) = own.map(|own| X509Certificate::from_der(own)) else {
            return false;
        };
        let Ok(Some(names)) = own.subject_alternative_name() else { return false };
        names.value.general_names.iter().filter_map(text).any(|name| allowed.contains(&name))
    }
}

fn text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some((*name).to_owned())
        }
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|ip| std::net::IpAddr::from(ip).to_string()),
            16 => {
                <[u8; 16]>::try_from(*bytes).ok().map(|ip| std::net::IpAddr::from(ip).to_string())
            }
            _ => None,
        },
        _ => None,
    }
}

/// Of a file, or of the text in its place.
fn certificates(
    key: &'static str,
    file: &Path,
    text: &str,
) -> Result<Option<Vec<CertificateDer<'static>>>, AccessError> {
    let wrong = |error| AccessError::Pem { key, error };
    let all: Result<Vec<_>, _> = if !file.as_os_str().is_empty() {
        CertificateDer::pem_file_iter(file).map_err(wrong)?.collect()
    } else if !text.is_empty() {
        CertificateDer::pem_slice_iter(text.as_bytes()).collect()
    } else {
        return Ok(None);
    };
    let all = all.map_err(wrong)?;
    if all.is_empty() { Err(AccessError::NoCertificate(key)) } else { Ok(Some(all)) }
}

fn key(settings: &TlsSettings) -> Result<Option<PrivateKeyDer<'static>>, AccessError> {
    let wrong = |error| AccessError::Pem { key: "key_file", error };
    let key = if !settings.key_file.as_os_str().is_empty() {
        PrivateKeyDer::from_pem_file(&settings.key_file)
    } else if !settings.key.is_empty() {
        PrivateKeyDer::from_pem_slice(settings.key.as_bytes())
    } else {
        return Ok(None);
    };
    key.map(Some).map_err(wrong)
}

/// With the suites and curves that are wanted, in their order. One that is not supported is left out,
/// with a warning, for as long as another remains.
fn provider(settings: &TlsSettings) -> Result<CryptoProvider, AccessError> {
    let mut provider = ring::default_provider();
    if !settings.cipher_suites.is_empty() {
        let known = |suite: &rustls::SupportedCipherSuite| go_name(suite.suite());
        let all = provider.cipher_suites.clone();
        let find = |name: &String| {
            let suite = all.iter().find(|suite| known(suite) == *name).copied();
            (suite.is_some() || SUITES.contains(&name.as_str())).then_some(suite)
        };
        let mut wanted = chosen("cipher_suites", &settings.cipher_suites, find)?;
        // Those of TLS 1.3 are not up to anybody.
        let rest = all.iter().filter(|suite| suite.version().version == ProtocolVersion::TLSv1_3);
        for suite in rest {
            if !wanted.contains(suite) {
                wanted.push(*suite);
            }
        }
        provider.cipher_suites = wanted;
    }
    if !settings.curve_preferences.is_empty() {
        let all = provider.kx_groups.clone();
        let find = |name: &String| {
            let group = curve(name)?;
            Some(all.iter().find(|known| known.name() == group).copied())
        };
        provider.kx_groups = chosen("curve_preferences", &settings.curve_preferences, find)?;
    }
    Ok(provider)
}

/// Those that there are. `find` says `None` of a name that nobody knows, which is a mistake, and
/// `Some(None)` of what others have and this program does not.
fn chosen<T>(
    key: &'static str,
    names: &[String],
    find: impl Fn(&String) -> Option<Option<T>>,
) -> Result<Vec<T>, AccessError> {
    let mut found = Vec::new();
    for name in names {
        match find(name) {
            Some(Some(one)) => found.push(one),
            Some(None) => {
                tracing::warn!(name, "tls_server_config.{key}: not supported, and left out");
            }
            None => {
                let (word, expected) = (name.clone(), "a name as Go's crypto/tls has them");
                return Err(AccessError::Word { key, word, expected });
            }
        }
    }
    if found.is_empty() { Err(AccessError::NoneSupported(key)) } else { Ok(found) }
}

/// What other exporters take beside those that are supported here: without forward secrecy, or without
/// a mode that is sound.
const SUITES: [&str; 8] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
];

/// As Go calls it.
fn go_name(suite: CipherSuite) -> String {
    format!("{suite:?}").replace("TLS13_", "TLS_")
}

fn curve(name: &str) -> Option<NamedGroup> {
    match name {
        "CurveP256" => Some(NamedGroup::secp256r1),
        "CurveP384" => Some(NamedGroup::secp384r1),
        "CurveP521" => Some(NamedGroup::secp521r1),
        "X25519" => Some(NamedGroup::X25519),
        "X25519MLKEM768" => Some(NamedGroup::X25519MLKEM768),
        _ => None,
    }
}

/// What is older than 1.2 is spoken by nobody any more.
fn versions(settings: &TlsSettings) -> Result<Vec<&'static SupportedProtocolVersion>, AccessError> {
    let of = |key, word: Option<&String>, default| match word.map(String::as_str) {
        None | Some("") => Ok(default),
        Some("TLS10") => Ok(10),
        Some("TLS11") => Ok(11),
        Some("TLS12") => Ok(12),
        Some("TLS13") => Ok(13),
        Some(word) => {
            let (word, expected) = (word.to_owned(), "TLS12 or TLS13");
            Err(AccessError::Word { key, word, expected })
        }
    };
    let least = of("min_version", settings.min_version.as_ref(), 12)?;
    let most = of("max_version", settings.max_version.as_ref(), 13)?;
    if least < 12 {
        tracing::warn!("tls_server_config.min_version: TLS12 is the oldest that is spoken");
    }
    let all = [(12, &version::TLS12), (13, &version::TLS13)];
    let spoken = all.into_iter().filter(|(number, _)| (least..=most).contains(number));
    let spoken: Vec<_> = spoken.map(|(_, version)| version).collect();
    if spoken.is_empty() { Err(AccessError::Versions) } else { Ok(spoken) }
}

/// What is asked of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Nothing,
    Request,
    RequireAny,
    VerifyIfGiven,
    RequireAndVerify,
}

impl Asks {
    fn of(settings: &TlsSettings) -> Result<Self, AccessError> {
        let asks = match settings.client_auth_type.as_str() {
            "" | "NoClientCert" => Self::Nothing,
            "RequestClientCert" => Self::Request,
            "RequireAnyClientCert" | "RequireClientCert" => Self::RequireAny,
            "VerifyClientCertIfGiven" => Self::VerifyIfGiven,
            "RequireAndVerifyClientCert" => Self::RequireAndVerify,
            word => {
                return Err(AccessError::Word {
                    key: "client_auth_type",
                    word: word.to_owned(),
                    expected: "NoClientCert, RequestClientCert, RequireAnyClientCert, \
                               VerifyClientCertIfGiven or RequireAndVerifyClientCert",
                });
            }
        };
        if settings.has_authorities() && asks == Self::Nothing {
            return Err(AccessError::AuthoritiesUnused);
        }
        let required = [Self::RequireAny, Self::RequireAndVerify].contains(&asks);
        if settings.client_allowed_sans.is_some() && !required {
            return Err(AccessError::NamesUnused);
        }
        Ok(asks)
    }
}

fn verifier(
    asks: Asks,
    settings: &TlsSettings,
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, AccessError> {
    let against_authorities = |provider| {
        let found = certificates("client_ca_file", &settings.client_ca_file, &settings.client_ca)?;
        let mut roots = RootCertStore::empty();
        // As other exporters do it: those of the system.
        let found = found.unwrap_or_else(|| rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(found);
        Ok::<_, AccessError>(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider))
    };
    Ok(match asks {
        Asks::Nothing => None,
        Asks::Request => Some(Arc::new(Anybody { provider, mandatory: false })),
        Asks::RequireAny => Some(Arc::new(Anybody { provider, mandatory: true })),
        Asks::VerifyIfGiven => {
            Some(against_authorities(provider)?.allow_unauthenticated().build()?)
        }
        Asks::RequireAndVerify => Some(against_authorities(provider)?.build()?),
    })
}

/// Takes every certificate whose key its sender has.
#[derive(Debug)]
struct Anybody {
    provider: Arc<CryptoProvider>,
    mandatory: bool,
}

impl ClientCertVerifier for Anybody {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
