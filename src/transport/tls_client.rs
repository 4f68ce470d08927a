//! The TLS side of a target's connections: the handshake, and why it failed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig, Error};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

use super::client_certificate::CurrentCertificate;
use super::setup_error::SetupError;
use super::spoken;
use super::stream::Wire;
use super::tls::SystemTrust;
use crate::answer::recording::Ending;
use crate::explain::{self, Spoken};
use crate::target::{Target, Tls};

/// What a target's handshakes need. Cheap to clone.
#[derive(Clone)]
pub(super) struct TlsClient(Arc<Inner>);

struct Inner {
    config: Arc<ClientConfig>,
    certificate: Option<Arc<CurrentCertificate>>,
    name: ServerName<'static>,
    settings: Tls,
    base: Url,
}

impl TlsClient {
    /// For a target whose URL's host is `host`.
    ///
    /// # Errors
    /// When the TLS settings or the name to verify cannot be used.
    pub fn new(target: &Target, host: &str, trust: &SystemTrust) -> Result<Self, SetupError> {
        let verified = target.tls.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(verified.to_owned())
            .map_err(|error| SetupError::ServerName { name: verified.to_owned(), error })?;
        let (config, certificate) = trust.client_config(&target.tls)?;
        let (settings, base) = (target.tls.clone(), target.url.clone());
        Ok(Self(Arc::new(Inner { config, certificate, name, settings, base })))
    }

    /// What is shown to a server that asks for a certificate.
    pub fn certificate(&self) -> Option<Arc<CurrentCertificate>> {
        self.0.certificate.clone()
    }

    /// Makes a new connection one of TLS. A server at the other end that turns out to speak plain
    /// HTTP ends it at once: it may wait for the end of a request for ever.
    pub async fn handshake(&self, wire: Wire, peer: SocketAddr) -> Result<TlsStream<Wire>, Ending> {
        let Inner { config, name, settings, base, .. } = &*self.0;
        let shown = name.to_str();
        let connector = TlsConnector::from(Arc::clone(config));
        let shaking = connector.connect(name.clone(), wire);
        let plain = || Err(Ending::TlsFailed(explain::tls::plain_http(base)));
        let Some(shaken) = spoken::unless_plain(shaking, peer, &shown).await else {
            return plain();
        };
        match shaken {
            Ok(stream) => Ok(stream),
            Err(error) if !is_tls(&error) && self.speaks_plainly(peer).await => plain(),
            Err(error) => Err(Ending::TlsFailed(explain::tls::handshake(&error, settings, &shown))),
        }
    }

    /// Why the server did not take the client's certificate, if that is what its alert is about.
    pub fn refused_the_client(&self, alert: AlertDescription) -> Option<String> {
        explain::tls::about_the_client(alert, &self.0.settings)
    }

    async fn speaks_plainly(&self, peer: SocketAddr) -> bool {
        spoken::look(peer, &self.0.name.to_str()).await == Spoken::PlainHttp
    }
}

/// Whether the other end has answered in TLS before the handshake failed.
fn is_tls(error: &io::Error) -> bool {
    let found = explain::tls::rustls_error(error);
    found.is_some_and(|error| !matches!(error, Error::InvalidMessage(_)))
}
