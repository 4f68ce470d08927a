//! The certificate that a server knows the prober by: named by its files, read at the moment of use.

use std::io;
use std::path::{Path, PathBuf};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use thiserror::Error;

use crate::text::input_file;

/// Largest file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Where it is found, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate, and those of the authorities between it and the one that the server knows.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// Why there is none. Never any content of the files.
#[derive(Debug, Error)]
pub enum ClientCertificateError {
    /// One of the files cannot be read.
    #[error("{key} {}: cannot be read: {error}", file.display())]
    Unreadable {
        /// Which setting names it.
        key: &'static str,
        /// Where it is.
        file: PathBuf,
        /// Of the system.
        error: io::Error,
    },
    /// No certificate is so large.
    #[error("{key} {}: larger than {} MiB", file.display(), MAX_BYTES >> 20)]
    TooLarge {
        /// Which setting names it.
        key: &'static str,
        /// Where it is.
        file: PathBuf,
    },
    /// The file was read.
    #[error("cert_file {}: holds no certificate, expected at least one in PEM", .0.display())]
    NoCertificate(PathBuf),
    /// The file was read.
    #[error("key_file {}: holds no private key, expected one in PEM", .0.display())]
    NoKey(PathBuf),
    /// Each file is as it should be.
    #[error("key_file {}: is not the key of the certificate in cert_file ({error})", file.display())]
    NotItsKey {
        /// Where the key is.
        file: PathBuf,
        /// Of the cryptography.
        error: rustls::Error,
    },
}

impl ClientCertificate {
    /// Reads both files.
    ///
    /// # Errors
    /// Says which file cannot be used, and why.
    pub fn read(&self) -> Result<CertifiedKey, ClientCertificateError> {
        let pem = bytes("cert_file", &self.cert_file)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain =
            chain.ok_or_else(|| ClientCertificateError::NoCertificate(self.cert_file.clone()))?;
        let pem = bytes("key_file", &self.key_file)?;
        let key = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|_| ClientCertificateError::NoKey(self.key_file.clone()))?;
        CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
            ClientCertificateError::NotItsKey { file: self.key_file.clone(), error }
        })
    }
}

fn bytes(key: &'static str, path: &Path) -> Result<Vec<u8>, ClientCertificateError> {
    let file = path.to_owned();
    match input_file::read(path, MAX_BYTES) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(ClientCertificateError::TooLarge { key, file }),
        Err(error) => Err(ClientCertificateError::Unreadable { key, file, error }),
    }
}
