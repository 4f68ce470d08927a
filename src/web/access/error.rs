//! What is wrong with the file of `--web.config.file`: never a word of a key or a password.

use std::io;
use std::path::PathBuf;

use rustls::pki_types::pem;
use rustls::server::VerifierBuilderError;
use thiserror::Error;

/// Why nobody can be let in by this file.
#[derive(Debug, Error)]
pub enum AccessError {
    /// What was asked of clients is asked no more.
    #[error("it would ask for no TLS or for no user any more; restart the program for that")]
    Opened,
    /// Of the file itself.
    #[error("{}: cannot be read: {error}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Of the file itself.
    #[error("{}: larger than 1 MiB", .0.display())]
    TooLarge(PathBuf),
    /// Of the file itself.
    #[error("{}: not UTF-8", .0.display())]
    NotText(PathBuf),
    /// It is no YAML, or has something else than expected.
    #[error("{}:{line}:{column}: {why}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// From 1; 0 where nobody knows.
        line: u64,
        /// In characters, from 1.
        column: u64,
        /// What was found and expected.
        why: String,
    },
    /// Not both of certificate and key.
    #[error("tls_server_config: expected {0}")]
    Missing(&'static str),
    /// A file that it names, or a text in it.
    #[error("tls_server_config.{key}: {error}")]
    Pem {
        /// Which.
        key: &'static str,
        /// What is wrong.
        error: pem::Error,
    },
    /// Without any certificate.
    #[error("tls_server_config.{0}: holds no PEM certificate")]
    NoCertificate(&'static str),
    /// Certificate, key or versions do not go together.
    #[error("tls_server_config: {0}")]
    Tls(#[from] rustls::Error),
    /// The clients' authorities.
    #[error("tls_server_config.client_ca: {0}")]
    Authorities(#[from] VerifierBuilderError),
    /// One of the words is none that is known.
    #[error("tls_server_config.{key}: `{word}` is not known, expected {expected}")]
    Word {
        /// Where.
        key: &'static str,
        /// What was found.
        word: String,
        /// What could be.
        expected: &'static str,
    },
    /// None of several can be used.
    #[error("tls_server_config.{0}: none of them is supported")]
    NoneSupported(&'static str),
    /// A version that is not spoken.
    #[error(
        "tls_server_config: no version is left between min_version and max_version; TLS12 and \
             TLS13 are spoken"
    )]
    Versions,
    /// Authorities that nobody is held against.
    #[error(
        "tls_server_config: client authorities without a client_auth_type that asks for \
             certificates"
    )]
    AuthoritiesUnused,
    /// Nobody's certificates to hold against.
    #[error("tls_server_config: client_auth_type verifies certificates, expected client_ca_file")]
    NoAuthorities,
    /// Names that nobody is held against.
    #[error(
        "tls_server_config: client_allowed_sans needs the client_auth_type RequireAnyClientCert or \
             RequireAndVerifyClientCert"
    )]
    NamesUnused,
    /// Not one of those that may be set.
    #[error("http_server_config.headers: the header {0} cannot be configured")]
    Header(String),
    /// Not what it may say.
    #[error("http_server_config.headers.{name}: expected {expected}")]
    HeaderValue {
        /// Which.
        name: &'static str,
        /// What it may say.
        expected: String,
    },
    /// Nothing that can be sent.
    #[error("http_server_config.headers: a value that no header can carry")]
    HeaderText,
    /// A password is not hashed.
    #[error("basic_auth_users: the password of `{0}` is no bcrypt hash")]
    NoHash(String),
    /// No duration.
    #[error("rate_limit.interval: expected a duration such as 1s")]
    Interval,
}
