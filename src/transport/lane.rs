//! A target's exchanges on one I/O thread: which connection, once more or not, and what is written
//! down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connect::{Dialer, Dialled};
use super::exchange::{BodyReading, Connection};
use super::idle::Idle;
use super::live::Live;
use super::race::Buffer;
use super::stamps::{Stamps, since, unix_at};
use super::standstill::Standstill;
use crate::answer::recording::{Chunk, ConnectionPhases, Ending, Head, Offset, Recording};
use crate::target::{ConnectionMode, Limits, Target};

/// A close of an idle connection that crosses a request shows after a round trip, and this much
/// for busy machines. What a server loses later it has lost while working on it.
const CROSSING_SLACK: Duration = Duration::from_millis(100);

/// A target's connections on one I/O thread.
#[derive(Clone)]
pub(super) struct Lane {
    pub inner: Arc<Inner>,
    /// The I/O thread; `None` runs in the caller's task.
    pub io: Option<Handle>,
}

impl Lane {
    pub fn new(target: &Target, dialer: Dialer, io: Option<Handle>) -> Self {
        let inner = Inner {
            dialer,
            mode: target.connection,
            limits: target.limits,
            idle: Idle::new(target.max_in_flight),
        };
        Self { inner: Arc::new(inner), io }
    }
}

pub(super) struct Inner {
    pub dialer: Dialer,
    mode: ConnectionMode,
    limits: Limits,
    pub idle: Idle,
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
    /// Where the reader is slower than the server.
    bytes_per_second: Option<u32>,
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
    pub async fn exchange(
        &self,
        request: http::Request<Full<Bytes>>,
        address: Option<SocketAddr>,
        bytes_per_second: Option<u32>,
        live: &Live,
        cancel: &CancellationToken,
    ) -> Recording {
        let epoch = Instant::now();
        live.begin(epoch);
        let mut standstill = Standstill::new();
        let recording = Recording { address, ..Recording::begin(unix_at(epoch)) };
        let mut progress = Underway {
            epoch,
            recording,
            stamps: None,
            closed: false,
            live: live.clone(),
            bytes_per_second,
        };
        let ending = tokio::select! {
            biased;
            ending = self.send_and_read(request, address, &mut progress) => ending,
            ending = live.verdict() => ending,
            never = standstill.watch() => match never {},
            () = cancel.cancelled() => Ending::Cancelled,
            () = tokio::time::sleep_until(epoch + self.limits.timeout) => Ending::TimedOut,
        };
        let ending = self.unless_unresolved(ending, &progress.recording);
        let Underway { mut recording, stamps, .. } = progress;
        if let Some(stamps) = stamps {
            note(&stamps, &mut recording);
        }
        recording.ending = ending;
        recording.ended = since(epoch);
        recording.clock.unix_at_end = unix_at(epoch);
        let own = matches!(
            recording.ending,
            Ending::Cancelled | Ending::NoDescriptor | Ending::Internal(_)
        );
        if !own && let Some(still) = standstill.spoilt(&recording, self.limits.stall_timeout) {
            recording.ending = Ending::StoodStill(still);
        }
        recording
    }

    /// A time-out during the look-up of the name is not the server's.
    fn unless_unresolved(&self, ending: Ending, recording: &Recording) -> Ending {
        let Dialer::Network { names, .. } = &self.dialer else { return ending };
        let ConnectionPhases { reused, resolved, .. } = recording.connection;
        match ending {
            Ending::TimedOut | Ending::FirstTokenTimedOut if !reused && resolved.is_none() => {
                names.unresolved(&"no answer from the resolver within the time-out of the probe")
            }
            ending => ending,
        }
    }

    /// On an idle connection if there is one. Where the server was just closing that one, and
    /// nothing of an answer was seen, once more on a new connection.
    async fn send_and_read(
        &self,
        request: http::Request<Full<Bytes>>,
        address: Option<SocketAddr>,
        progress: &mut Underway,
    ) -> Ending {
        if progress.bytes_per_second.is_none()
            && let Some(connection) = self.idle.take(address).await
        {
            progress.recording.connection.reused = true;
            progress.recording.address = connection.address;
            let longest_crossing = 2 * connection.round_trip + CROSSING_SLACK;
            let ending = self.run(connection, request.clone(), progress).await;
            if !progress.crossed_within(longest_crossing, &ending) {
                return ending;
            }
            progress.again();
        }
        match self.connect(address, progress).await {
            Ok(connection) => self.run(connection, request, progress).await,
            Err(ending) => ending,
        }
    }

    async fn connect(
        &self,
        address: Option<SocketAddr>,
        progress: &mut Underway,
    ) -> Result<Connection, Ending> {
        progress.recording.connection = ConnectionPhases::default();
        progress.recording.address = address;
        let buffer = progress.bytes_per_second.map_or(Buffer::Usual, |_| Buffer::Small);
        let generation = self.idle.generation();
        // On the heap, and only for as long as it takes: what reads an answer needs no room for it.
        let dialling = self.dialer.dial(progress.epoch, address, buffer, &mut progress.recording);
        let dialled = Box::pin(dialling).await?;
        let Dialled { stream, stamps, round_trip } = dialled;
        let mut connection = Connection::new(stream, stamps).await?;
        (connection.round_trip, connection.address) = (round_trip, progress.recording.address);
        connection.generation = generation;
        Ok(connection)
    }

    /// Where the server did not take the client's certificate, which it says after the handshake.
    fn refused(&self, connection: &Connection) -> Option<Ending> {
        let Dialer::Network { tls: Some(tls), .. } = &self.dialer else { return None };
        tls.refused_the_client(connection.alert?).map(Ending::TlsFailed)
    }

    async fn run(
        &self,
        mut connection: Connection,
        request: http::Request<Full<Bytes>>,
        progress: &mut Underway,
    ) -> Ending {
        let stamps = connection.begin(progress.epoch);
        progress.stamps = Some(stamps);
        let bytes_per_second = progress.bytes_per_second;
        let reading = BodyReading { max_bytes: self.limits.max_body_bytes, bytes_per_second };
        let ending =
            connection.exchange(request, reading, &progress.live, &mut progress.recording).await;
        let ending = self.refused(&connection).unwrap_or(ending);
        progress.closed = ending != Ending::Complete || !connection.is_usable().await;
        let usual = progress.bytes_per_second.is_none();
        if usual && !progress.closed && self.mode == ConnectionMode::Reuse {
            self.idle.park(connection);
        }
        ending
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
