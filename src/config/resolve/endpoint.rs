//! Where a target is: URL and TLS.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_yaml::{Location, Spanned};
use url::Url;

use super::context::{Context, optional};
use crate::config::error::Report;
use crate::config::raw;
use crate::dialect::{self, Shape};
use crate::target::Tls;
use crate::target::client_certificate::ClientCertificate;
use crate::text::input_file;

const MAX_CA_BYTES: u64 = 4 << 20;

/// A URL that cannot be used. It is not quoted: it may hold a password. What was expected comes last.
#[derive(Debug, thiserror::Error)]
pub(super) enum UrlError {
    #[error("not a URL ({0}), {1}")]
    NotAUrl(url::ParseError, &'static str),
    #[error("not a path ({0}), {1}")]
    NotAPath(url::ParseError, &'static str),
    #[error("not a path, {0}")]
    OfAnotherHost(&'static str),
    #[error("credentials in the URL (not shown here), expected them under `auth`")]
    Credentials,
    #[error("the URL's scheme is neither http nor https, {0}")]
    Scheme(&'static str),
    #[error("the URL has a query or a fragment, {0}")]
    Query(&'static str),
    #[error("the URL ends with the path of the API, which is added, {0}")]
    PathOfApi(&'static str),
}

/// A base URL.
pub(super) fn url(text: &str) -> Result<Url, UrlError> {
    const EXPECTED: &str = "expected a base URL such as http://host:8000/v1";
    let url = Url::parse(text).map_err(|why| UrlError::NotAUrl(why, EXPECTED))?;
    // A query is what some providers want on every request: `?api-version=…`.
    let mut plain = url.clone();
    plain.set_query(None);
    checked(plain, EXPECTED)?;
    let path = url.path().trim_end_matches('/');
    let places = dialect::all().map(|dialect| dialect.path("", Shape { stream: true }));
    // Where it is a single word, a server may well be found below the same: `/embed`.
    if places
        .filter(|place| place.contains('/'))
        .any(|place| path.strip_suffix(&*place).is_some_and(|base| base.ends_with('/')))
    {
        return Err(UrlError::PathOfApi(EXPECTED));
    }
    Ok(url)
}

/// Refuses what a URL of a server may not have.
pub(super) fn checked(url: Url, expected: &'static str) -> Result<Url, UrlError> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    if !["http", "https"].contains(&url.scheme()) {
        return Err(UrlError::Scheme(expected));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(UrlError::Query(expected));
    }
    Ok(url)
}

/// TLS settings; refused where they could not have any effect.
pub(super) fn tls(
    raw: Option<&Spanned<raw::Tls>>,
    url: Option<&Url>,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Option<Tls> {
    let Some(Spanned { value: raw, referenced, .. }) = raw else { return Some(Tls::default()) };
    if url.is_some_and(|url| url.scheme() != "https") {
        return report.add(*referenced, "`tls` without TLS, expected a URL with https");
    }
    let ca_file = optional(raw.ca_file.as_ref(), |file| ca_file(file, context, report));
    let server_name = optional(raw.server_name.as_ref(), |name| {
        let good = ServerName::try_from(name.value.as_str()).map(|_| name.value.clone());
        let why = "not a server name, expected a DNS name or an IP address";
        report.check(name.referenced, good.map_err(|_| why))
    });
    let certificate = client_certificate(raw, *referenced, context, report);
    Some(Tls {
        certificate: certificate.ok()?,
        ca_file: ca_file.ok()?,
        server_name: server_name.ok()?,
        insecure_skip_verify: raw.insecure_skip_verify.unwrap_or_default(),
    })
}

/// What is shown to a server that asks; an error is told already.
fn client_certificate(
    raw: &raw::Tls,
    whole: Location,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Result<Option<ClientCertificate>, ()> {
    let (cert, key) = match (&raw.cert_file, &raw.key_file) {
        (None, None) => return Ok(None),
        (Some(cert), Some(key)) => (cert, key),
        _ => {
            let why = "expected both cert_file and key_file, or neither";
            return report.add::<()>(whole, why).map(|()| None).ok_or(());
        }
    };
    let certificate = ClientCertificate {
        cert_file: context.path(&cert.value),
        key_file: context.path(&key.value),
    };
    report.check(cert.referenced, certificate.read()).map(|_| Some(certificate)).ok_or(())
}

fn ca_file(
    raw: &Spanned<PathBuf>,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Option<PathBuf> {
    let file = context.path(&raw.value);
    let checked = check_ca_file(&file).map_err(|why| format!("CA file {}: {why}", file.display()));
    report.check(raw.referenced, checked)?;
    Some(file)
}

/// Why a file holds no authorities.
#[derive(Debug, thiserror::Error)]
enum CaFileError {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("larger than {} MiB", MAX_CA_BYTES >> 20)]
    TooLarge,
    #[error("broken, expected PEM")]
    Broken,
    #[error("holds a certificate that cannot be used")]
    OfNoUse,
    #[error("holds no certificate, expected at least one in PEM")]
    None,
}

/// Only whether the file is of use; the transport reads it again when it connects.
fn check_ca_file(file: &Path) -> Result<(), CaFileError> {
    let bytes = input_file::read(file, MAX_CA_BYTES)?.ok_or(CaFileError::TooLarge)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|_| CaFileError::Broken)?;
        roots.add(certificate).map_err(|_| CaFileError::OfNoUse)?;
    }
    if roots.is_empty() {
        return Err(CaFileError::None);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_refused_without_being_quoted() {
        let check = |text: &str, part: &str| {
            let why = url(text).unwrap_err().to_string();
            assert!(why.contains(part), "{text}: {why}");
            assert!(!why.contains("hush"), "{why}");
        };
        check("https://me:hush@host/v1", "credentials");
        check("https://hush@host/v1", "credentials");
        check("https://me:hush/x@host/v1", "not a URL");
        check("https://host/v1?key=hush#hush", "fragment");
        check("https://host/v1/chat/completions?key=hush", "the path of the API");
        check("ftp://host", "neither http nor https");
        check("host:8000", "neither http nor https");
        check("hush", "not a URL");
        check("http://", "not a URL");
        check("http://host/v1/chat/completions", "the path of the API");
        assert!(url("http://host/embed").is_ok(), "the server of an ingress");
        assert!(url("http://[::1]:8000/v1/").is_ok());
        let kept = url("https://host/openai/v1?api-version=2024-10-21").unwrap();
        assert_eq!(kept.query(), Some("api-version=2024-10-21"));
    }
}
