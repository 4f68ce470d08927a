//! The measured path: resolve → connect → TLS → send → read, on HTTP/1.1, written down as a
//! [`Recording`]. Nothing is interpreted here.

mod connect;
mod exchange;
mod io_threads;
#[cfg(target_os = "linux")]
mod kernel;
mod live;
pub mod resources;
mod socket;
mod stamps;
mod stream;
pub mod tls;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use rustls::pki_types::ServerName;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use connect::Dialer;
pub use connect::PipeDialer;
use exchange::Connection;
pub use io_threads::IoThreads;
use live::Live;
pub use live::{Answered, Reading};
use stamps::{Stamps, since, unix_at};

use crate::recording::{Chunk, ConnectionPhases, Ending, Head, Offset, Recording};
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
        let tls = if target.url.scheme() == "https" {
            let verified = target.tls.server_name.as_ref().unwrap_or(&host);
            let name = ServerName::try_from(verified.clone())
                .map_err(|e| format!("TLS server name `{verified}`: {e}"))?;
            Some((io.trust.client_config(&target.tls)?, name))
        } else {
            None
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
    /// `cancel`. Never fails: every end is an [`Ending`]. Meanwhile the answer is read here, beside
    /// the I/O threads, and `answered` says when it has come to its own end.
    pub async fn exchange(
        &self,
        request: http::Request<Full<Bytes>>,
        reading: Reading,
        answered: &Answered,
        cancel: CancellationToken,
    ) -> Recording {
        let lane = self.lane();
        let (inner, live) = (Arc::clone(&lane.inner), Live::default());
        let stored = live.clone();
        let work = async move { inner.exchange(request, &stored, &cancel).await };
        let exchanged = tokio::select! {
            biased;
            exchanged = io_threads::run_on(lane.io.as_ref(), work) => exchanged,
            () = live::read_along(&live, reading, answered) => Err("reading ended".to_owned()),
        };
        match exchanged {
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
struct Underway {
    epoch: Instant,
    recording: Recording,
    stamps: Option<Stamps>,
    /// The server closes the connection, or it broke.
    closed: bool,
    live: Live,
}

impl Underway {
    /// Whether the server was closing the idle connection when the request was sent: it closed
    /// without an answer, or with a word about the request that it had waited for in vain, and no
    /// later after the request than this.
    fn crossed_within(&self, longest: Duration, ending: &Ending) -> bool {
        let noted = self.stamps.as_ref().map(Stamps::noted).unwrap_or_default();
        let after = |at: Offset| noted.send.is_none_or(|send| at.since(send) <= longest);
        match (noted.first_byte, &self.recording.head) {
            (None, _) => matches!(ending, Ending::CutOff(_)) && after(since(self.epoch)),
            (Some(first), Some(head)) => {
                self.closed && is_parting(head, &self.recording.chunks) && after(first.task)
            }
            (Some(_), None) => false,
        }
    }

    /// Forgets what was seen of a connection that was being closed.
    fn again(&mut self) {
        self.live.again();
        self.recording.connection.reused = false;
        self.recording.head = None;
        self.recording.chunks.clear();
        self.stamps = None;
    }
}

/// What servers say to a connection on which no request came in time: 408, or some 400 without a
/// word.
fn is_parting(head: &Head, body: &[Chunk]) -> bool {
    head.status == 408 || (head.status == 400 && body.is_empty())
}

impl Inner {
    async fn exchange(
        &self,
        request: http::Request<Full<Bytes>>,
        live: &Live,
        cancel: &CancellationToken,
    ) -> Recording {
        let epoch = Instant::now();
        live.begin(epoch);
        let recording = Recording::begin(unix_at(epoch));
        let mut progress =
            Underway { epoch, recording, stamps: None, closed: false, live: live.clone() };
        let ending = tokio::select! {
            biased;
            ending = self.send_and_read(request, &mut progress) => ending,
            ending = live.verdict() => ending,
            () = cancel.cancelled() => Ending::Cancelled,
            () = tokio::time::sleep_until(epoch + self.limits.timeout) => Ending::TimedOut,
        };
        let Underway { mut recording, stamps, .. } = progress;
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
        progress: &mut Underway,
    ) -> Ending {
        if let Some(connection) = self.take_idle().await {
            progress.recording.connection.reused = true;
            let longest_crossing = 2 * connection.round_trip + CROSSING_SLACK;
            let ending = self.run(connection, request.clone(), progress).await;
            if !progress.crossed_within(longest_crossing, &ending) {
                return ending;
            }
            progress.again();
        }
        match self.connect(progress).await {
            Ok(connection) => self.run(connection, request, progress).await,
            Err(ending) => ending,
        }
    }

    async fn connect(&self, progress: &mut Underway) -> Result<Connection, Ending> {
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
        progress: &mut Underway,
    ) -> Ending {
        let stamps = connection.begin(progress.epoch);
        progress.stamps = Some(stamps);
        let ending = connection
            .exchange(request, self.limits.max_body_bytes, &progress.live, &mut progress.recording)
            .await;
        progress.closed = ending != Ending::Complete || !connection.is_usable().await;
        if !progress.closed && self.mode == ConnectionMode::Reuse {
            self.park(connection);
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

    fn park(&self, connection: Connection) {
        let mut idle = self.idle();
        idle.retain(|(parked, _)| parked.elapsed() < MAX_IDLE_AGE);
        if idle.len() < self.max_idle {
            idle.push((Instant::now(), connection));
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
