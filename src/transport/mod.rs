//! The measured path: resolve → connect → TLS → send → read, on HTTP/1.1, written down as a
//! [`Recording`]. Nothing is interpreted here.

mod connect;
mod exchange;
mod io_threads;
#[cfg(target_os = "linux")]
mod kernel;
mod named_certificates;
pub mod resources;
mod socket;
pub mod spoken;
mod stamps;
mod stream;
pub mod tls;
mod tls_client;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use connect::Dialer;
pub use connect::PipeDialer;
use exchange::Connection;
pub use io_threads::IoThreads;
use stamps::{Stamps, since, unix_at};
use tls_client::TlsClient;

use crate::recording::{ConnectionPhases, Ending, Recording};
use crate::target::{ConnectionMode, Limits, Target};

/// An idle connection older than this may have been forgotten by a middlebox.
const MAX_IDLE_AGE: Duration = Duration::from_secs(90);

/// A close of an idle connection that crosses a request shows after a round trip, and this much
/// for busy machines. What a server loses later it has lost while working on it.
const CROSSING_SLACK: Duration = Duration::from_millis(100);

/// A target's way to its server, with its idle connections. Cheap to clone.
#[derive(Clone)]
pub struct Transport {
    /// One per I/O thread, at least one: a connection stays on the thread that made it.
    lanes: Arc<[Lane]>,
    /// The lane of the next exchange that finds no idle connection.
    next: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Lane {
    inner: Arc<Inner>,
    /// The I/O thread; `None` runs in the caller's task.
    io: Option<Handle>,
}

struct Inner {
    dialer: Dialer,
    mode: ConnectionMode,
    limits: Limits,
    idle: Mutex<Vec<(Instant, Connection)>>,
    max_idle: usize,
}

impl Transport {
    /// The transport of a target over the network, on one of the I/O threads.
    ///
    /// # Errors
    /// When the TLS settings or the host name cannot be used.
    pub fn network(target: &Target, io: &IoThreads) -> Result<Self, String> {
        let (host, port) = host_and_port(&target.url)?;
        let tls = match target.url.scheme() {
            "https" => Some(TlsClient::new(target, &host, &io.trust)?),
            _ => None,
        };
        Ok(Self::new(target, &Dialer::Network { host, port, tls }, io.handles().map(Some)))
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
        let inner = || Inner {
            dialer: dialer.clone(),
            mode: target.connection,
            limits: target.limits,
            idle: Mutex::default(),
            max_idle: target.max_in_flight,
        };
        let lanes = threads.map(|io| Lane { inner: Arc::new(inner()), io }).collect();
        Self { lanes, next: Arc::default() }
    }

    /// Sends one request and writes down what happens until the answer's end, a time-out or
    /// `cancel`. Never fails: every end is an [`Ending`].
    pub async fn exchange(
        &self,
        request: http::Request<Full<Bytes>>,
        cancel: CancellationToken,
    ) -> Recording {
        let lane = self.lane();
        let inner = Arc::clone(&lane.inner);
        let work = async move { inner.exchange(request, &cancel).await };
        match io_threads::run_on(lane.io.as_ref(), work).await {
            Ok(recording) => recording,
            Err(problem) => Recording { ending: Ending::Internal(problem), ..not_sent() },
        }
    }
}

/// Where a URL's server is: its name or address, without brackets, and its port.
///
/// # Errors
/// When the URL has no host, or no port that its scheme would imply.
pub(crate) fn host_and_port(url: &url::Url) -> Result<(String, u16), String> {
    let host = url.host_str().ok_or("the URL has no host")?;
    let port = url.port_or_known_default().ok_or("the URL has no port")?;
    Ok((host.trim_start_matches('[').trim_end_matches(']').to_owned(), port))
}

impl Transport {
    /// Where an idle connection waits, else the next in turn.
    fn lane(&self) -> &Lane {
        let idle = self.lanes.iter().find(|lane| !lane.inner.idle().is_empty());
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.lanes.len();
        idle.unwrap_or(&self.lanes[turn])
    }
}

/// The recording of a probe that never reached the network.
#[must_use]
pub fn not_sent() -> Recording {
    let nothing = Ending::Internal("nothing was sent".to_owned());
    Recording { ending: nothing, ..Recording::begin(unix_at(Instant::now())) }
}

/// The recording in progress and the notebook of the connection it runs over, kept outside of the
/// work that a time-out may drop.
struct Progress {
    epoch: Instant,
    recording: Recording,
    stamps: Option<Stamps>,
}

impl Progress {
    /// Whether nothing of an answer was seen, and no longer ago than this the request was sent.
    fn crossed_within(&self, longest: Duration) -> bool {
        let noted = self.stamps.as_ref().map(Stamps::noted).unwrap_or_default();
        let waited = noted.send.map(|send| since(self.epoch).since(send));
        noted.first_byte.is_none() && waited.is_none_or(|waited| waited <= longest)
    }
}

impl Inner {
    async fn exchange(
        &self,
        request: http::Request<Full<Bytes>>,
        cancel: &CancellationToken,
    ) -> Recording {
        let epoch = Instant::now();
        let recording = Recording::begin(unix_at(epoch));
        let mut progress = Progress { epoch, recording, stamps: None };
        let ending = tokio::select! {
            biased;
            ending = self.send_and_read(request, &mut progress) => ending,
            () = cancel.cancelled() => Ending::Cancelled,
            () = tokio::time::sleep_until(epoch + self.limits.timeout) => Ending::TimedOut,
        };
        let Progress { mut recording, stamps, .. } = progress;
        if let Some(stamps) = stamps {
            note(&stamps, &mut recording);
        }
        recording.ending = ending;
        recording.ended = since(epoch);
        recording.clock.unix_at_end = unix_at(epoch);
        recording
    }

    /// On an idle connection if there is one. Where the server was just closing that one, and
    /// nothing of an answer was seen, once more on a new connection.
    async fn send_and_read(
        &self,
        request: http::Request<Full<Bytes>>,
        progress: &mut Progress,
    ) -> Ending {
        if let Some(connection) = self.take_idle().await {
            progress.recording.connection.reused = true;
            let longest_crossing = 2 * connection.round_trip + CROSSING_SLACK;
            let ending = self.run(connection, request.clone(), progress).await;
            if !matches!(ending, Ending::CutOff(_)) || !progress.crossed_within(longest_crossing) {
                return ending;
            }
            progress.recording.connection.reused = false;
            progress.stamps = None;
        }
        match self.connect(progress).await {
            Ok(connection) => self.run(connection, request, progress).await,
            Err(ending) => ending,
        }
    }

    async fn connect(&self, progress: &mut Progress) -> Result<Connection, Ending> {
        let phases = &mut progress.recording.connection;
        *phases = ConnectionPhases::default();
        let dialled = self.dialer.dial(progress.epoch, self.limits.timeout, phases);
        let (stream, stamps) = dialled.await?;
        let dialled = phases.resolved.zip(phases.connected);
        let mut connection = Connection::new(stream, stamps).await?;
        connection.round_trip =
            dialled.map_or(Duration::ZERO, |(resolved, connected)| connected.since(resolved));
        Ok(connection)
    }

    async fn run(
        &self,
        mut connection: Connection,
        request: http::Request<Full<Bytes>>,
        progress: &mut Progress,
    ) -> Ending {
        let stamps = connection.begin(progress.epoch);
        progress.stamps = Some(stamps);
        let ending = connection.exchange(request, self.limits, &mut progress.recording).await;
        if ending == Ending::Complete && self.mode == ConnectionMode::Reuse {
            self.park(connection).await;
        }
        ending
    }

    async fn take_idle(&self) -> Option<Connection> {
        loop {
            let (parked, mut connection) = self.idle().pop()?;
            if parked.elapsed() < MAX_IDLE_AGE && connection.is_usable().await {
                return Some(connection);
            }
        }
    }

    async fn park(&self, mut connection: Connection) {
        if connection.is_usable().await {
            let mut idle = self.idle();
            idle.retain(|(parked, _)| parked.elapsed() < MAX_IDLE_AGE);
            if idle.len() < self.max_idle {
                idle.push((Instant::now(), connection));
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, Connection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Copies what the stream noted into the recording.
fn note(stamps: &Stamps, recording: &mut Recording) {
    let noted = stamps.noted();
    recording.send = noted.send;
    recording.sent = noted.sent;
    recording.first_byte = noted.first_byte;
    recording.last_read = noted.first_byte.and(noted.last_read);
}
