//! The measured path: resolve → connect → TLS → send → read, on HTTP/1.1, written down as a
//! [`Recording`]. Nothing is interpreted here; the answer is read along beside it, so that its end
//! is known.

mod authority;
mod client_certificate;
mod connect;
pub mod control;
mod exchange;
mod idle;
pub mod inquiry;
mod io_threads;
#[cfg(target_os = "linux")]
mod kernel;
mod known;
mod lane;
mod live;
pub mod loop_lag;
pub mod model;
mod named_certificates;
mod names;
mod race;
mod refresh;
mod resolver;
pub mod resources;
mod setup_error;
mod socket;
pub mod spoken;
mod stamps;
mod standstill;
mod stream;
pub mod tls;
mod tls_client;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use authority::host_and_port;
use client_certificate::CurrentCertificate;
use connect::Dialer;
pub use connect::PipeDialer;
pub use io_threads::IoThreads;
pub use known::KnownAddress;
use lane::Lane;
use live::Live;
pub use live::{Answered, Reading};
use names::Names;
use refresh::Refresh;
pub use resolver::Lookup;
use resolver::Resolver;
pub use setup_error::SetupError;
use stamps::unix_at;
use tls_client::TlsClient;

use crate::answer::failure::FailureReason;
use crate::answer::outcome::Outcome;
use crate::answer::recording::{Ending, Recording};
use crate::target::{Addresses, Target};
use crate::workload::Cancel;

/// A target's way to its server, with its idle connections. Cheap to clone.
#[derive(Clone)]
pub struct Transport {
    /// One per I/O thread, at least one: a connection stays on the thread that made it.
    lanes: Arc<[Lane]>,
    /// The lane of the next exchange that finds no idle connection.
    next: Arc<AtomicUsize>,
    /// Where the server is; `None` over a pipe.
    places: Option<Places>,
    /// What is shown to a server that asks for a certificate.
    certificate: Option<Arc<CurrentCertificate>>,
}

/// The addresses of a target, and what keeps them new.
#[derive(Clone)]
struct Places {
    names: Arc<Names>,
    /// Which of them are probed.
    probed: Addresses,
    _refresh: Option<Arc<Refresh>>,
}

impl Transport {
    /// The transport of a target over the network, on one of the I/O threads.
    ///
    /// # Errors
    /// When the TLS settings or the host name cannot be used.
    pub fn network(target: &Target, io: &IoThreads) -> Result<Self, SetupError> {
        Self::network_over(target, io, Resolver::system())
    }

    /// The same with a resolver of one's own.
    ///
    /// # Errors
    /// As [`Transport::network`].
    pub fn network_by(target: &Target, io: &IoThreads, lookup: Lookup) -> Result<Self, SetupError> {
        Self::network_over(target, io, Resolver::of(lookup))
    }

    fn network_over(
        target: &Target,
        io: &IoThreads,
        resolver: Resolver,
    ) -> Result<Self, SetupError> {
        let (host, port) = host_and_port(&target.url)?;
        let tls = match target.url.scheme() {
            "https" => Some(TlsClient::new(target, &host, &io.trust)?),
            _ => None,
        };
        let certificate = tls.as_ref().and_then(TlsClient::certificate);
        let names = Arc::new(Names::new(host, port, resolver));
        let addresses = target.addresses;
        let dialer = Dialer::Network { names: Arc::clone(&names), addresses, tls };
        let transport = Self::new(target, &dialer, io.handles().map(Some));
        let refresh = Refresh::start(&names, &transport.lanes, target.resolve_every);
        let places = Places { names, probed: addresses, _refresh: refresh.map(Arc::new) };
        Ok(Self { places: Some(places), certificate, ..transport })
    }

    /// The transport of a target whose server runs in this process, over in-memory pipes and in
    /// the caller's task: on a paused clock every figure comes out exact.
    #[must_use]
    pub fn pipe(target: &Target, dial: PipeDialer) -> Self {
        Self::new(target, &Dialer::Pipe(dial), std::iter::once(None))
    }

    /// How a server in this process is reached; `None` for one on the network.
    #[must_use]
    pub fn pipe_dialer(&self) -> Option<PipeDialer> {
        match &self.lanes.first()?.inner.dialer {
            Dialer::Pipe(dial) => Some(Arc::clone(dial)),
            Dialer::Network { .. } => None,
        }
    }

    fn new(
        target: &Target,
        dialer: &Dialer,
        threads: impl Iterator<Item = Option<Handle>>,
    ) -> Self {
        let lanes = threads.map(|io| Lane::new(target, dialer.clone(), io)).collect();
        Self { lanes, next: Arc::default(), places: None, certificate: None }
    }

    /// Sends one request and writes down what happens until the answer's end, a time-out or
    /// `cancel`. Never fails: every end is an [`Ending`]. Meanwhile the answer is read here, beside
    /// the I/O threads, and `answered` says when it has come to its own end.
    pub async fn exchange(
        &self,
        request: http::Request<Full<Bytes>>,
        reading: Reading,
        answered: &Answered,
        cancel: CancellationToken,
    ) -> Recording {
        if self.certificate.as_ref().is_some_and(|certificate| certificate.refresh()) {
            self.lanes.iter().for_each(|lane| lane.inner.idle.forget());
        }
        let address = self.next_address();
        let lane = self.lane(address);
        let (inner, live) = (Arc::clone(&lane.inner), Live::default());
        let stored = live.clone();
        let rate = match reading.cancel {
            Some(Cancel::Slow { bytes_per_second }) => Some(bytes_per_second),
            _ => None,
        };
        let work = async move { inner.exchange(request, address, rate, &stored, &cancel).await };
        let exchanged = tokio::select! {
            biased;
            exchanged = io_threads::run_on(lane.io.as_ref(), work) => {
                exchanged.map_err(|panicked| panicked.to_string())
            }
            () = live::read_along(&live, reading, answered) => Err("reading ended".to_owned()),
        };
        match exchanged {
            Ok(recording) => recording,
            Err(problem) => Recording { ending: Ending::Internal(problem), ..not_sent() },
        }
    }
}

impl Transport {
    /// Where the next request goes; `None` is anywhere.
    fn next_address(&self) -> Option<SocketAddr> {
        let places = self.places.as_ref().filter(|p| p.probed == Addresses::Each)?;
        places.names.next_in_turn()
    }

    /// What is known of the server's addresses.
    #[must_use]
    pub fn addresses(&self) -> ServerAddresses {
        ServerAddresses(self.places.clone())
    }

    /// Where an idle connection waits, else the next in turn.
    fn lane(&self, address: Option<SocketAddr>) -> &Lane {
        let idle = self.lanes.iter().find(|lane| lane.inner.idle.has(address));
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.lanes.len();
        idle.unwrap_or(&self.lanes[turn])
    }
}

/// The addresses behind a target's name.
#[derive(Clone)]
pub struct ServerAddresses(Option<Places>);

impl ServerAddresses {
    /// All of them, at most 16, as the resolver's newest answers say; none over a pipe, nor before
    /// the first look-up.
    #[must_use]
    pub fn list(&self) -> Vec<KnownAddress> {
        self.0.as_ref().map(|places| places.names.list()).unwrap_or_default()
    }

    /// Where each address is probed by itself: takes what a probe amounts to, and takes away the
    /// verdicts of those SLOs that it missed while another address keeps them. What the prober
    /// itself gave up says nothing about an address. Says whether it tells nothing new of the
    /// target: see [`crate::probe::Probe::no_news`].
    pub fn judge(&self, recording: &Recording, outcome: &mut Outcome) -> bool {
        let each = self.0.as_ref().filter(|places| places.probed == Addresses::Each);
        let own =
            matches!(outcome.reason(), Some(FailureReason::Cancelled | FailureReason::Internal));
        match (each, recording.address, own) {
            (Some(places), Some(address), false) => places.names.judge(address, outcome),
            _ => false,
        }
    }
}

#[cfg(test)]
impl ServerAddresses {
    /// One address, probed by itself, that answered.
    pub(crate) fn of_one(address: SocketAddr) -> Self {
        let names = Names::new(address.ip().to_string(), address.port(), Resolver::system());
        let probed = Addresses::Each;
        let addresses = Self(Some(Places { names: Arc::new(names), probed, _refresh: None }));
        let recording = Recording { address: Some(address), ..not_sent() };
        let figures = crate::answer::measure::Measurement::default();
        addresses.judge(&recording, &mut crate::testing::outcome(figures));
        addresses
    }
}

impl std::fmt::Debug for ServerAddresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.list()).finish()
    }
}

/// The recording of a probe that never reached the network.
#[must_use]
pub fn not_sent() -> Recording {
    let nothing = Ending::Internal("nothing was sent".to_owned());
    Recording { ending: nothing, ..Recording::begin(unix_at(Instant::now())) }
}
