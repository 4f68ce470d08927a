//! Why a TLS handshake failed, with the setting that helps.

use std::io;
use std::time::{Duration, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, OtherError};

use super::address::{shown, with_scheme};
use crate::target::Tls;

/// So many names of a certificate are shown.
const SHOWN_NAMES: usize = 5;

/// What ended a handshake in which `name` was to be verified with these settings.
#[must_use]
pub fn handshake(error: &io::Error, settings: &Tls, name: &str) -> String {
    if let Some(error) = rustls_error(error) {
        return refused(error, settings, name);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the server closed the connection in the middle".to_owned(),
        _ => error.to_string(),
    }
}

/// The TLS error that an I/O error is made of.
#[must_use]
pub fn rustls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// What TLS found wrong.
#[must_use]
pub fn refused(error: &Error, settings: &Tls, name: &str) -> String {
    match error {
        Error::InvalidCertificate(problem) => certificate(problem, settings, name),
        Error::AlertReceived(alert) => {
            about_the_client(*alert, settings).unwrap_or_else(|| alerted(*alert, name))
        }
        Error::InvalidMessage(_) => format!("what the server answers is not TLS ({error})"),
        Error::PeerIncompatible(_) => {
            format!("the server has no version or cipher of TLS 1.2 or 1.3 in common ({error})")
        }
        _ => error.to_string(),
    }
}

/// That the server understands plain HTTP, where TLS was spoken to it.
#[must_use]
pub fn plain_http(base: &url::Url) -> String {
    let plain = shown(&with_scheme(base, "http"));
    format!("the server speaks plain HTTP on this port, not TLS: expected url: {plain}")
}

/// That the server understands TLS, where plain HTTP was spoken to it.
pub(super) fn not_plain(base: &url::Url) -> String {
    let tls = shown(&with_scheme(base, "https"));
    format!("the server speaks TLS on this port, not plain HTTP: expected url: {tls}")
}

fn certificate(problem: &CertificateError, settings: &Tls, name: &str) -> String {
    match problem {
        CertificateError::UnknownIssuer => match &settings.ca_file {
            None => "no authority that this system trusts has signed the server's certificate \
                     (UnknownIssuer): name the certificate of its authority, or its own, with \
                     tls.ca_file"
                .to_owned(),
            Some(file) => format!(
                "no authority in tls.ca_file has signed the server's certificate (UnknownIssuer): \
                 add the certificate of its authority, or its own, to {}",
                file.display()
            ),
        },
        CertificateError::Other(other) if is_authority(other) => match &settings.ca_file {
            None => "the server's certificate is that of an authority, as `openssl req -x509` \
                     makes them (CaUsedAsEndEntity): name the certificate itself with tls.ca_file"
                .to_owned(),
            Some(file) => format!(
                "the server's certificate is that of an authority, as `openssl req -x509` makes \
                 them, and not the one in tls.ca_file (CaUsedAsEndEntity): add it to {}",
                file.display()
            ),
        },
        CertificateError::BadSignature => match &settings.ca_file {
            None => "an authority of the right name, but with another key, is trusted by this \
                     system (BadSignature): name the certificate of the server's authority with \
                     tls.ca_file"
                .to_owned(),
            Some(file) => format!(
                "tls.ca_file has an authority of the right name, but with another key \
                 (BadSignature): it was made anew, add its new certificate to {}",
                file.display()
            ),
        },
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the server's certificate expired at {}: renew it", time(*not_after))
        }
        CertificateError::Expired => "the server's certificate has expired: renew it".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the server's certificate is not valid before {}: look at both clocks",
            time(*not_before)
        ),
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "the server's certificate is for {}, not for {name}: name the one to expect with \
             tls.server_name",
            names(presented)
        ),
        CertificateError::NotValidForName => format!(
            "the server's certificate is not for {name}: name the one to expect with \
             tls.server_name"
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate is not made for servers (extended key usage)".to_owned()
        }
        _ => format!("the server's certificate cannot be accepted: {problem}"),
    }
}

/// An authority's certificate in the place of a server's.
#[must_use]
pub fn is_authority(error: &OtherError) -> bool {
    error.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
}

fn names(presented: &[String]) -> String {
    let plain = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        inner.unwrap_or(name).trim_matches('"').to_owned()
    };
    let shown: Vec<_> = presented.iter().take(SHOWN_NAMES).map(plain).collect();
    match (shown.is_empty(), presented.len().saturating_sub(SHOWN_NAMES)) {
        (true, _) => "no name at all".to_owned(),
        (false, 0) => shown.join(", "),
        (false, more) => format!("{} and {more} more names", shown.join(", ")),
    }
}

fn time(at: UnixTime) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(at.as_secs());
    humantime::format_rfc3339_seconds(at).to_string()
}

/// What the server says of the client's own certificate, if that is what its alert is about. In TLS 1.3
/// it comes after the handshake, in the place of an answer.
#[must_use]
pub fn about_the_client(alert: AlertDescription, settings: &Tls) -> Option<String> {
    use AlertDescription as A;
    let what = match (alert, &settings.certificate) {
        (A::CertificateRequired | A::BadCertificate | A::UnknownCA | A::AccessDenied, None) => {
            "it demands a certificate of its clients: name one with tls.cert_file and tls.key_file"
                .to_owned()
        }
        (A::CertificateExpired, Some(files)) => {
            format!("the certificate in {} has expired: renew it", files.cert_file.display())
        }
        (
            A::CertificateRequired
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied
            | A::DecryptError,
            Some(files),
        ) => format!(
            "it does not accept the certificate in {}: let an authority that the server knows sign \
             it, and put those between them into the file, too",
            files.cert_file.display()
        ),
        _ => return None,
    };
    Some(format!("the server refused it with the alert {alert:?}: {what}"))
}

fn alerted(alert: AlertDescription, name: &str) -> String {
    let why = match alert {
        AlertDescription::UnrecognisedName => {
            return format!(
                "the server refused it with the alert {alert:?}: it does not know the name {name}; \
                 tls.server_name sends another"
            );
        }
        AlertDescription::NoApplicationProtocol => {
            "it has no HTTP/1.1 here, which is all that llm-prober speaks"
        }
        AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure => {
            "it has no version or cipher of TLS 1.2 or 1.3 in common, does not know the name, or \
             demands a certificate of its clients (tls.cert_file)"
        }
        _ => return format!("the server refused it with the alert {alert:?}"),
    };
    format!("the server refused it with the alert {alert:?}: {why}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::InvalidMessage;

    use super::*;

    fn check(error: impl Into<Error>, ca_file: Option<&str>, expect: &str) {
        let settings = Tls { ca_file: ca_file.map(Into::into), ..Tls::default() };
        let error = io::Error::new(io::ErrorKind::InvalidData, error.into());
        assert_eq!(handshake(&error, &settings, "llm.test"), expect);
    }

    #[test]
    fn certificates_are_told_with_the_option_that_helps() {
        check(
            CertificateError::UnknownIssuer,
            None,
            "no authority that this system trusts has signed the server's certificate \
             (UnknownIssuer): name the certificate of its authority, or its own, with tls.ca_file",
        );
        check(
            CertificateError::UnknownIssuer,
            Some("/etc/ca.pem"),
            "no authority in tls.ca_file has signed the server's certificate (UnknownIssuer): add \
             the certificate of its authority, or its own, to /etc/ca.pem",
        );
        let authority =
            || CertificateError::Other(OtherError(Arc::new(webpki::Error::CaUsedAsEndEntity)));
        check(
            authority(),
            None,
            "the server's certificate is that of an authority, as `openssl req -x509` makes them \
             (CaUsedAsEndEntity): name the certificate itself with tls.ca_file",
        );
        check(
            authority(),
            Some("/etc/ca.pem"),
            "the server's certificate is that of an authority, as `openssl req -x509` makes them, \
             and not the one in tls.ca_file (CaUsedAsEndEntity): add it to /etc/ca.pem",
        );
        check(
            CertificateError::BadSignature,
            None,
            "an authority of the right name, but with another key, is trusted by this system \
             (BadSignature): name the certificate of the server's authority with tls.ca_file",
        );
        check(
            CertificateError::BadSignature,
            Some("/etc/ca.pem"),
            "tls.ca_file has an authority of the right name, but with another key (BadSignature): \
             it was made anew, add its new certificate to /etc/ca.pem",
        );
        let time = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
        check(
            CertificateError::ExpiredContext { time, not_after: time },
            None,
            "the server's certificate expired at 2023-11-14T22:13:20Z: renew it",
        );
        check(
            CertificateError::NotValidYetContext { time, not_before: time },
            None,
            "the server's certificate is not valid before 2023-11-14T22:13:20Z: look at both clocks",
        );
        check(
            CertificateError::Revoked,
            None,
            "the server's certificate cannot be accepted: Revoked",
        );
    }

    #[test]
    fn names_of_certificates_are_listed_within_limits() {
        let for_names = |presented: Vec<String>| CertificateError::NotValidForNameContext {
            expected: "llm.test".try_into().unwrap(),
            presented,
        };
        check(
            for_names(vec!["DnsName(\"a.test\")".to_owned(), "IpAddress(10.0.0.1)".to_owned()]),
            None,
            "the server's certificate is for a.test, 10.0.0.1, not for llm.test: name the one to \
             expect with tls.server_name",
        );
        check(
            for_names(Vec::new()),
            None,
            "the server's certificate is for no name at all, not for llm.test: name the one to \
             expect with tls.server_name",
        );
        check(
            for_names((0..8).map(|i| format!("DnsName(\"n{i}\")")).collect()),
            None,
            "the server's certificate is for n0, n1, n2, n3, n4 and 3 more names, not for \
             llm.test: name the one to expect with tls.server_name",
        );
    }

    #[test]
    fn what_is_wrong_with_the_clients_own_certificate() {
        use crate::target::client_certificate::ClientCertificate;

        let certificate =
            ClientCertificate { cert_file: "/etc/me.pem".into(), key_file: "/etc/me.key".into() };
        let settings = Tls { certificate: Some(certificate), ..Tls::default() };
        let check = |alert, expect: Option<&str>| {
            assert_eq!(about_the_client(alert, &settings).as_deref(), expect);
        };
        check(
            AlertDescription::CertificateExpired,
            Some(
                "the server refused it with the alert CertificateExpired: the certificate in \
                 /etc/me.pem has expired: renew it",
            ),
        );
        check(
            AlertDescription::UnknownCA,
            Some(
                "the server refused it with the alert UnknownCA: it does not accept the certificate \
                 in /etc/me.pem: let an authority that the server knows sign it, and put those \
                 between them into the file, too",
            ),
        );
        check(AlertDescription::UnrecognisedName, None);
    }

    #[test]
    fn what_else_ends_a_handshake() {
        check(
            Error::AlertReceived(AlertDescription::CertificateRequired),
            None,
            "the server refused it with the alert CertificateRequired: it demands a certificate of \
             its clients: name one with tls.cert_file and tls.key_file",
        );
        check(
            Error::AlertReceived(AlertDescription::UnrecognisedName),
            None,
            "the server refused it with the alert UnrecognisedName: it does not know the name \
             llm.test; tls.server_name sends another",
        );
        check(
            Error::AlertReceived(AlertDescription::InternalError),
            None,
            "the server refused it with the alert InternalError",
        );
        check(
            InvalidMessage::InvalidContentType,
            None,
            "what the server answers is not TLS (received corrupt message of type \
             InvalidContentType)",
        );
        let closed = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
        assert_eq!(
            handshake(&closed, &Tls::default(), "h"),
            "the server closed the connection in the middle"
        );
    }
}
