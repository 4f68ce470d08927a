//! Resolve → connect → TLS, each phase's end noted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::DuplexStream;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::socket::StampedSocket;
use super::stamps::{Stamps, since};
use super::stream::{Layer, Stream, Wire};
use super::tls_client::TlsClient;
use crate::recording::{ConnectionPhases, Ending};

/// Addresses of one name that are tried in turn.
const MAX_ADDRESSES: usize = 8;

/// Makes in-memory connections to a server in the same process.
pub type PipeDialer = Arc<dyn Fn() -> DuplexStream + Send + Sync>;

/// How to reach a target.
#[derive(Clone)]
pub(super) enum Dialer {
    /// By name and port; with TLS if there is a configuration for it.
    Network {
        /// Host name or address, without brackets.
        host: String,
        /// TCP port.
        port: u16,
        /// `None` for plain HTTP.
        tls: Option<TlsClient>,
    },
    /// Over a pipe in memory.
    Pipe(PipeDialer),
}

impl Dialer {
    /// Connects; what was reached of the phases is noted even on failure.
    pub async fn dial(
        &self,
        epoch: Instant,
        timeout: Duration,
        phases: &mut ConnectionPhases,
    ) -> Result<(Stream, Stamps), Ending> {
        let stamps = Stamps::new(epoch);
        let layer = match self {
            Self::Pipe(dial) => Layer::Plain(Wire::Pipe(dial(), stamps.clone())),
            Self::Network { host, port, tls } => {
                let addresses = resolve(host, *port).await?;
                phases.resolved = Some(since(epoch));
                let tcp = connect(&addresses, timeout).await?;
                phases.connected = Some(since(epoch));
                let peer = tcp.peer_addr();
                let wire = Wire::Socket(StampedSocket::new(tcp, stamps.clone()));
                match tls {
                    None => Layer::Plain(wire),
                    Some(tls) => {
                        let peer = peer.map_err(|e| Ending::ConnectFailed(e.to_string()))?;
                        let stream = tls.handshake(wire, peer).await?;
                        phases.tls_done = Some(since(epoch));
                        phases.certificate_expiry = certificate_expiry(&stream);
                        Layer::Tls(Box::new(stream))
                    }
                }
            }
        };
        Ok((Stream::new(layer, stamps.clone()), stamps))
    }
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Ending> {
    let found = tokio::net::lookup_host((host, port)).await;
    let addresses: Vec<_> = match found {
        Ok(addresses) => addresses.take(MAX_ADDRESSES).collect(),
        Err(e) => return Err(Ending::ResolveFailed(format!("{host}: {e}"))),
    };
    if addresses.is_empty() {
        return Err(Ending::ResolveFailed(format!("{host}: the name has no address")));
    }
    Ok(addresses)
}

/// Tries the addresses in turn, each with its share of the time.
async fn connect(addresses: &[SocketAddr], timeout: Duration) -> Result<TcpStream, Ending> {
    let share = timeout / u32::try_from(addresses.len()).unwrap_or(1);
    let mut problems = Vec::new();
    for address in addresses {
        let problem = match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => match tcp.set_nodelay(true) {
                Ok(()) => return Ok(tcp),
                Err(e) => e.to_string(),
            },
            Ok(Err(e)) => e.to_string(),
            Err(_) => format!("no answer in {share:?}"),
        };
        problems.push(format!("{address}: {problem}"));
    }
    Err(Ending::ConnectFailed(problems.join("; ")))
}

fn certificate_expiry(stream: &TlsStream<Wire>) -> Option<i64> {
    let certificate = stream.get_ref().1.peer_certificates()?.first()?;
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp())
}
