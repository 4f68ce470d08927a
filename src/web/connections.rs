//! The clients that are connected: how many there may be, and how long each may keep others waiting.
//!
//! Where all places are taken, the client with most connections loses that which has kept the prober
//! waiting for longest. Thousands of idle connections so never keep a scraper out, and no limit of
//! their time has to be short enough for that.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::web::places::client_of;

/// For a request's head, from its first byte or from the connection on.
const HEAD: Duration = Duration::from_secs(10);
/// Between two requests: as long as Prometheus waits, who scrapes once a minute at most.
const IDLE: Duration = Duration::from_secs(300);
/// While the client takes nothing of its answer.
const BLOCKED: Duration = Duration::from_secs(10);
/// For a whole answer, however small the steps in which it is taken.
const ANSWER: Duration = Duration::from_secs(120);
/// How often the limits are looked at; shorter than each of them.
const LOOK: Duration = Duration::from_secs(5);

/// Those that are open.
#[derive(Debug, Clone)]
pub(super) struct Connections(Arc<Registry>);

#[derive(Debug)]
struct Registry {
    most: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Arc<Connection>>,
}

/// One client's connection. Requests carry it among their extensions.
#[derive(Debug)]
pub(super) struct Connection {
    pub peer: IpAddr,
    /// Cancelled, it is cut off.
    pub cut: CancellationToken,
    /// The client has shown who it is.
    known: AtomicBool,
    pace: Mutex<Pace>,
}

#[derive(Debug)]
struct Pace {
    phase: Phase,
    since: Instant,
    /// Since when the client has taken nothing of what waits for it.
    blocked: Option<Instant>,
}

/// What a connection is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// A request begins.
    Head,
    /// Nothing was asked since the last answer.
    Idle,
    /// An answer is being made.
    Working,
    /// The answer is being sent.
    Answering,
    /// An answer without end is.
    Endless,
}

/// A place among the open connections, until it is dropped.
#[derive(Debug)]
pub(super) struct Entry {
    registry: Arc<Registry>,
    number: u64,
    pub connection: Arc<Connection>,
}

impl Connections {
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Registry { most, open: Mutex::default() }))
    }

    /// A place for a new connection; `None` where every one is busy.
    pub fn enter(&self, peer: IpAddr) -> Option<Entry> {
        let mut open = self.0.open.lock();
        if open.all.len() >= self.0.most && !open.make_room() {
            return None;
        }
        let number = open.next;
        open.next += 1;
        let connection = Arc::new(Connection::new(peer));
        open.all.insert(number, Arc::clone(&connection));
        Some(Entry { registry: Arc::clone(&self.0), number, connection })
    }

    /// Cuts off one that nothing is lost with; whether there was one.
    pub fn make_room(&self) -> bool {
        self.0.open.lock().make_room()
    }
}

impl Open {
    fn make_room(&mut self) -> bool {
        let mut each: HashMap<IpAddr, usize> = HashMap::new();
        for connection in self.all.values() {
            *each.entry(client_of(connection.peer)).or_default() += 1;
        }
        let waiting = self.all.iter().filter_map(|(number, connection)| {
            let since = connection.waiting_since()?;
            Some((each.get(&client_of(connection.peer)).copied(), since.elapsed(), *number))
        });
        let Some((.., number)) = waiting.max() else { return false };
        if let Some(connection) = self.all.remove(&number) {
            connection.cut.cancel();
        }
        true
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.registry.open.lock().all.remove(&self.number);
    }
}

impl Connection {
    fn new(peer: IpAddr) -> Self {
        let pace = Pace { phase: Phase::Head, since: Instant::now(), blocked: None };
        let (cut, known) = (CancellationToken::new(), AtomicBool::new(false));
        Self { peer, cut, known, pace: Mutex::new(pace) }
    }

    /// Somebody who is let in by name uses it.
    pub fn is_of_a_user(&self) {
        self.known.store(true, Ordering::Relaxed);
    }

    /// Whether somebody does who is.
    pub fn has_a_user(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }

    pub fn is_now(&self, phase: Phase) {
        let mut pace = self.pace.lock();
        (pace.phase, pace.since) = (phase, Instant::now());
    }

    fn has_sent(&self) {
        let mut pace = self.pace.lock();
        if pace.phase == Phase::Idle {
            (pace.phase, pace.since) = (Phase::Head, Instant::now());
        }
    }

    fn takes(&self, something: bool) {
        let mut pace = self.pace.lock();
        if something {
            pace.blocked = None;
        } else if pace.blocked.is_none() {
            pace.blocked = Some(Instant::now());
        }
    }

    /// Since when it has been the client's turn.
    fn waiting_since(&self) -> Option<Instant> {
        let pace = self.pace.lock();
        match pace.phase {
            Phase::Head | Phase::Idle => Some(pace.since),
            Phase::Working | Phase::Answering | Phase::Endless => pace.blocked,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let pace = self.pace.lock();
        let longest = match pace.phase {
            Phase::Head => Some(HEAD),
            Phase::Idle => Some(IDLE),
            Phase::Answering => Some(ANSWER),
            Phase::Working | Phase::Endless => None,
        };
        let of_phase = longest.map(|longest| pace.since + longest);
        of_phase.into_iter().chain(pace.blocked.map(|since| since + BLOCKED)).min()
    }

    /// Resolves when the client has taken too long.
    pub async fn too_slow(&self) {
        loop {
            let (now, deadline) = (Instant::now(), self.deadline());
            if deadline.is_some_and(|deadline| deadline <= now) {
                return;
            }
            let look = now + LOOK;
            sleep_until(deadline.map_or(look, |deadline| deadline.min(look))).await;
        }
    }
}

/// The client of a request; there is none where a test asks without a connection.
#[derive(Debug, Clone)]
pub(super) struct Client(pub Option<Arc<Connection>>);

impl Client {
    /// Its address.
    pub fn address(&self) -> IpAddr {
        self.0.as_ref().map_or(Ipv4Addr::UNSPECIFIED.into(), |connection| connection.peer)
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get().cloned()))
    }
}

/// A socket whose pace is noted.
#[derive(Debug)]
pub(super) struct Watched {
    tcp: TcpStream,
    connection: Arc<Connection>,
}

impl Watched {
    pub fn new(tcp: TcpStream, connection: Arc<Connection>) -> Self {
        Self { tcp, connection }
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    fn note(&self, written: &Poll<io::Result<usize>>) {
        self.connection.takes(written.is_ready());
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut me.tcp).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            me.connection.has_sent();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let written = Pin::new(&mut me.tcp).poll_write(cx, bytes);
        me.note(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let written = Pin::new(&mut me.tcp).poll_write_vectored(cx, slices);
        me.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}

/// An answer's body; when it is gone it is the client's turn again.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    connection: Arc<Connection>,
}

impl Answer {
    pub fn new(body: Body, connection: Arc<Connection>) -> Self {
        Self { body, connection }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.connection.is_now(Phase::Idle);
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
