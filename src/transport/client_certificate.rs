//! The certificate that is shown to servers that ask for one, read again when its files change.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

use crate::target::client_certificate::{ClientCertificate, ClientCertificateError};

/// When a file was written last, and its size; `None` where that cannot be told.
type Written = Option<(SystemTime, u64)>;

/// What is shown from now on.
#[derive(Debug)]
pub(super) struct CurrentCertificate {
    files: ClientCertificate,
    current: Mutex<(Arc<CertifiedKey>, [Written; 2])>,
}

impl CurrentCertificate {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn read(files: &ClientCertificate) -> Result<Self, ClientCertificateError> {
        let written = written(files);
        let current = Mutex::new((Arc::new(files.read()?), written));
        Ok(Self { files: files.clone(), current })
    }

    /// Reads the files again if they were written since. Not to be called on an I/O thread. While they
    /// are of no use, as between the writing of one and of the other, what was read before is shown.
    /// Says whether another one is shown from now on.
    pub fn refresh(&self) -> bool {
        let written = written(&self.files);
        if self.current.lock().1 == written {
            return false;
        }
        let read = self.files.read();
        let mut current = self.current.lock();
        current.1 = written;
        match read {
            Ok(key) => {
                current.0 = Arc::new(key);
                true
            }
            Err(error) => {
                tracing::warn!("tls.{error}: the client's certificate from before is shown");
                false
            }
        }
    }
}

fn written(files: &ClientCertificate) -> [Written; 2] {
    let of = |file: &Path| {
        let found = std::fs::metadata(file).ok()?;
        Some((found.modified().ok()?, found.len()))
    };
    [of(&files.cert_file), of(&files.key_file)]
}

impl ResolvesClientCert for CurrentCertificate {
    /// Whatever the server names as its authorities: it knows best which it takes.
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.lock().0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
