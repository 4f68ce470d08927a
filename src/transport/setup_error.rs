//! Why connections to a target cannot be prepared.

use std::path::PathBuf;

use rustls::client::VerifierBuilderError;
use rustls::pki_types::{InvalidDnsNameError, pem};
use thiserror::Error;

use crate::target::client_certificate::ClientCertificateError;

/// What of a target's URL or TLS settings cannot be used.
#[derive(Debug, Error)]
pub enum SetupError {
    /// Of a URL.
    #[error("the URL has no host")]
    NoHost,
    /// Neither in the URL nor by its scheme.
    #[error("the URL has no port")]
    NoPort,
    /// The name that the certificate shall be for.
    #[error("TLS server name `{name}`: {error}")]
    ServerName {
        /// As it is configured, or the URL's host.
        name: String,
        /// What is wrong with it.
        error: InvalidDnsNameError,
    },
    /// Of the cryptography that is built in.
    #[error(transparent)]
    Provider(rustls::Error),
    /// On this machine.
    #[error("the system has no certificate authorities; name some with tls.ca_file")]
    NoAuthorities,
    /// It cannot be read.
    #[error("CA file {}: {error}", file.display())]
    CaFile {
        /// Where it is.
        file: PathBuf,
        /// What is wrong with it.
        error: pem::Error,
    },
    /// It was read.
    #[error("CA file {}: holds no PEM certificate", .0.display())]
    NoCertificate(PathBuf),
    /// One of the file's certificates cannot be an authority's.
    #[error("tls.ca_file: {0}")]
    Authority(rustls::Error),
    /// What a server may ask for.
    #[error("tls.{0}")]
    ClientCertificate(#[from] ClientCertificateError),
    /// All of them together.
    #[error("tls.ca_file: {0}")]
    Authorities(#[from] VerifierBuilderError),
}
