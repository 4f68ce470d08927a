//! Resolve → connect → TLS, each phase's end noted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::DuplexStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::names::Names;
use super::race::{self, Buffer};
use super::socket::StampedSocket;
use super::stamps::{Stamps, since};
use super::stream::{Layer, Stream, Wire};
use super::tls_client::TlsClient;
use crate::answer::recording::{Ending, Recording};
use crate::target::Addresses;

/// Makes in-memory connections to a server in the same process.
pub type PipeDialer = Arc<dyn Fn() -> DuplexStream + Send + Sync>;

/// How to reach a target.
#[derive(Clone)]
pub(super) enum Dialer {
    /// By name and port; with TLS if there is a configuration for it.
    Network {
        /// Host and port, and the addresses behind them.
        names: Arc<Names>,
        /// Which of those.
        addresses: Addresses,
        /// `None` for plain HTTP.
        tls: Option<TlsClient>,
    },
    /// Over a pipe in memory.
    Pipe(PipeDialer),
}

/// A connection that was made.
pub(super) struct Dialled {
    pub stream: Stream,
    pub stamps: Stamps,
    /// What one way to the server and back took.
    pub round_trip: Duration,
}

impl Dialer {
    /// Connects, to this address if one is wanted. What was reached of the phases is noted even on
    /// failure, and so is the address.
    pub async fn dial(
        &self,
        epoch: Instant,
        wanted: Option<SocketAddr>,
        buffer: Buffer,
        recording: &mut Recording,
    ) -> Result<Dialled, Ending> {
        let stamps = Stamps::new(epoch);
        let mut round_trip = Duration::ZERO;
        let layer = match self {
            Self::Pipe(dial) => Layer::Plain(Wire::Pipe(dial(), stamps.clone())),
            Self::Network { names, addresses, tls } => {
                let found = names.resolve().await?;
                recording.connection.resolved = Some(since(epoch));
                let candidates = match addresses {
                    Addresses::First => race::interleaved(&found),
                    Addresses::Each => one_of(names, wanted),
                };
                recording.address = candidates.first().filter(|_| candidates.len() == 1).copied();
                let winner = race::connect(&candidates, buffer).await?;
                recording.connection.connected = Some(since(epoch));
                recording.address = Some(winner.address);
                round_trip = winner.handshake;
                let wire =
                    Wire::Socket(StampedSocket::new(winner.tcp, winner.descriptor, stamps.clone()));
                match tls {
                    None => Layer::Plain(wire),
                    Some(tls) => {
                        let stream = tls.handshake(wire, winner.address).await?;
                        recording.connection.tls_done = Some(since(epoch));
                        recording.connection.certificate_expiry = certificate_expiry(&stream);
                        Layer::Tls(Box::new(stream))
                    }
                }
            }
        };
        Ok(Dialled { stream: Stream::new(layer, stamps.clone()), stamps, round_trip })
    }
}

/// The wanted address while it is there; else, and where none could be wanted before the first
/// look-up, the next in turn.
fn one_of(names: &Names, wanted: Option<SocketAddr>) -> Vec<SocketAddr> {
    let wanted = wanted.filter(|address| names.has(*address));
    wanted.or_else(|| names.next_in_turn()).into_iter().collect()
}

fn certificate_expiry(stream: &TlsStream<Wire>) -> Option<i64> {
    let certificate = stream.get_ref().1.peer_certificates()?.first()?;
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp())
}
