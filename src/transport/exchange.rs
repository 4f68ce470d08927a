//! One request and its answer over one connection, written down as bytes and instants.
//!
//! Connection and body are polled in the same task, the body first: hyper then reads the socket
//! again only after everything of the last read has been handed out, so the stamp of the latest
//! read is exact for every frame taken.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::AlertDescription;
use tokio::time::Instant;

use super::live::Live;
use super::stamps::Stamps;
use super::stream::Stream;
use crate::answer::recording::{Arrival, Chunk, Ending, Head, Recording};

const MAX_HEADERS: usize = 128;
/// Status line and headers together; also how much hyper buffers of a body.
const MAX_HEAD_BYTES: usize = 64 * 1024;

type HttpConnection = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// A connection between two requests. The HTTP layer's buffers, 16 KiB, are given back meanwhile, and
/// so is the task that carried the last request, 7 KiB: a fleet has thousands of connections, of
/// which a few are busy.
pub(super) struct Parked {
    stream: Stream,
    stamps: Stamps,
    round_trip: Duration,
    /// Where it leads; `None` over a pipe.
    pub address: Option<SocketAddr>,
    generation: u64,
}

impl Parked {
    /// Whether it leads to this address; any will do for `None`.
    pub fn leads_to(&self, address: Option<SocketAddr>) -> bool {
        address.is_none() || self.address == address
    }

    /// The connection, if it can carry a request.
    pub async fn wake(self) -> Option<Connection> {
        let Self { stream, stamps, round_trip, address, generation } = self;
        let awake = Connection::new(stream, stamps).await.ok()?;
        let mut connection = Connection { round_trip, address, generation, ..awake };
        connection.is_usable().await.then_some(connection)
    }
}

/// An HTTP/1.1 connection that nobody else polls.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    http: HttpConnection,
    stamps: Stamps,
    /// What one way to the server and back took when it was connected.
    pub round_trip: Duration,
    /// Where it leads; `None` over a pipe.
    pub address: Option<SocketAddr>,
    /// What the server said in TLS in the place of an answer.
    pub alert: Option<AlertDescription>,
    /// Which connections of its time it was made with; see [`super::idle::Idle::forget`].
    pub generation: u64,
}

impl Connection {
    pub async fn new(stream: Stream, stamps: Stamps) -> Result<Self, Ending> {
        let handshake = http1::Builder::new()
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD_BYTES)
            // What every other client puts up with is no failure of the server.
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .handshake(TokioIo::new(stream));
        let (sender, http) = handshake.await.map_err(|e| ending_of(&e))?;
        Ok(Self {
            sender,
            http,
            stamps,
            round_trip: Duration::ZERO,
            address: None,
            alert: None,
            generation: 0,
        })
    }

    /// For the next request, which is not to come before [`Connection::is_usable`]. `None` where the
    /// server has sent more than its answer.
    pub fn park(self) -> Option<Parked> {
        let Self { sender: _, http, stamps, round_trip, address, alert: _, generation } = self;
        let http1::Parts { io, read_buf, .. } = http.into_parts();
        let stream = io.into_inner();
        stream.forget_waiting();
        read_buf.is_empty().then_some(Parked { stream, stamps, round_trip, address, generation })
    }

    /// Whether the connection can carry another request; notices that the server has closed it.
    pub async fn is_usable(&mut self) -> bool {
        poll_fn(|cx| {
            let closed = Pin::new(&mut self.http).poll(cx).is_ready();
            Poll::Ready(!closed && self.sender.is_ready())
        })
        .await
    }

    /// Starts a new page in the connection's notebook, counting from `epoch`.
    pub fn begin(&self, epoch: Instant) -> Stamps {
        self.stamps.begin(epoch);
        self.stamps.clone()
    }

    /// Sends `request` and writes down the answer's head and body; the caller reads the notebook.
    pub async fn exchange(
        &mut self,
        request: http::Request<Full<Bytes>>,
        reading: BodyReading,
        live: &Live,
        recording: &mut Recording,
    ) -> Ending {
        match self.send(request).await {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let head = head(&parts);
                live.answer(&head);
                recording.head = Some(head);
                self.read_body(body, reading, live, recording).await
            }
            Err(ending) => ending,
        }
    }

    async fn send(
        &mut self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<Incoming>, Ending> {
        let mut response = pin!(self.sender.send_request(request));
        let (http, alert) = (&mut self.http, &mut self.alert);
        let mut ending = |error: hyper::Error| {
            *alert = alert_of(&error);
            ending_of(&error)
        };
        poll_fn(|cx| {
            if let Poll::Ready(answer) = response.as_mut().poll(cx) {
                return Poll::Ready(answer.map_err(&mut ending));
            }
            let over = Pin::new(&mut *http).poll(cx).is_ready();
            match response.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(answer.map_err(&mut ending)),
                // It ended before it took the request, which waits in it for ever.
                Poll::Pending if over => {
                    Poll::Ready(Err(Ending::CutOff("the connection was closed".to_owned())))
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    #[allow(clippy::cast_precision_loss)] // of a read's bytes
    async fn read_body(
        &mut self,
        mut body: Incoming,
        reading: BodyReading,
        live: &Live,
        recording: &mut Recording,
    ) -> Ending {
        let mut pieces = Pieces::new(reading.max_bytes);
        let ending = loop {
            let next = poll_fn(|cx| {
                let polled = self.poll_frame(&mut body, cx);
                if polled.is_pending() {
                    pieces.close(live, recording);
                }
                polled
            });
            let frame = match next.await {
                Some(Ok(frame)) => frame,
                Some(Err(e)) => break ending_of(&e),
                None => break Ending::Complete,
            };
            let Ok(bytes) = frame.into_data() else { continue }; // trailers
            if let Err(too_large) =
                pieces.add(&bytes, self.stamps.noted().last_read, live, recording)
            {
                break too_large;
            }
            if let Some(bytes_per_second) = reading.bytes_per_second {
                pieces.close(live, recording);
                let seconds = bytes.len() as f64 / f64::from(bytes_per_second);
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            }
        };
        pieces.close(live, recording);
        ending
    }

    fn poll_frame(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<hyper::body::Frame<Bytes>>>> {
        if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        // A connection that has ended is reported by the body.
        let _ = Pin::new(&mut self.http).poll(cx);
        Pin::new(body).poll_frame(cx)
    }
}

/// How a body is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyReading {
    /// Its largest size.
    pub max_bytes: usize,
    /// No more than this: the server waits meanwhile. `None` is as fast as it comes.
    pub bytes_per_second: Option<u32>,
}

/// What the bookkeeping of a stored piece takes beside its bytes.
const PIECE_OVERHEAD: usize = 128;

/// With its bookkeeping a body takes so many times the bytes that it may have. No answer whose pieces
/// have 43 bytes on average comes near: a token with its framing has more.
const MOST_HELD: usize = 4;

/// However small a body may be.
const LEAST_HELD: usize = 1 << 16;

/// Puts a body into the recording: what came with one read is one piece, into however many frames the
/// server has cut it.
struct Pieces {
    max_body_bytes: usize,
    /// Bytes so far.
    size: usize,
    /// What they take in memory.
    held: usize,
    /// Of the newest read.
    open: Vec<u8>,
    arrival: Option<Arrival>,
}

impl Pieces {
    fn new(max_body_bytes: usize) -> Self {
        Self { max_body_bytes, size: 0, held: 0, open: Vec::new(), arrival: None }
    }

    /// Takes a frame that came with this read.
    fn add(
        &mut self,
        bytes: &[u8],
        arrival: Option<Arrival>,
        live: &Live,
        recording: &mut Recording,
    ) -> Result<(), Ending> {
        if arrival != self.arrival {
            self.close(live, recording);
            self.arrival = arrival;
            self.held = self.held.saturating_add(PIECE_OVERHEAD);
        }
        self.size = self.size.saturating_add(bytes.len());
        self.held = self.held.saturating_add(bytes.len());
        if self.size > self.max_body_bytes {
            return Err(Ending::TooLarge(format!(
                "the body exceeds {} bytes",
                self.max_body_bytes
            )));
        }
        if self.held > self.max_body_bytes.saturating_mul(MOST_HELD).max(LEAST_HELD) {
            return Err(Ending::TooLarge(format!(
                "the body comes in so many small pieces that {} bytes of it take more memory than \
                 {MOST_HELD} times the largest body",
                self.size
            )));
        }
        if arrival.is_some() {
            self.open.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Stores what is open.
    fn close(&mut self, live: &Live, recording: &mut Recording) {
        let Some(arrival) = self.arrival.filter(|_| !self.open.is_empty()) else { return };
        // A copy: as large as what is in it, and what it was put together in is used again.
        let chunk = Chunk { bytes: Bytes::copy_from_slice(&self.open), arrival };
        self.open.clear();
        live.stored(&chunk);
        recording.chunks.push(chunk);
    }
}

fn head(parts: &http::response::Parts) -> Head {
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    Head {
        status: parts.status.as_u16(),
        headers: parts.headers.iter().filter_map(header).collect(),
    }
}

/// What an error of the HTTP layer says about the exchange.
fn ending_of(error: &hyper::Error) -> Ending {
    let text = chain(error);
    if error.is_parse_too_large() {
        Ending::TooLarge(format!("the response's head exceeds {MAX_HEAD_BYTES} bytes: {text}"))
    } else if error.is_parse() || is_bad_framing(error) {
        Ending::NotHttp(text)
    } else if error.is_user() {
        Ending::Internal(text)
    } else {
        Ending::CutOff(text)
    }
}

/// What the server said in TLS in the place of an answer.
fn alert_of(error: &hyper::Error) -> Option<AlertDescription> {
    let mut cause = error.source()?;
    let io = loop {
        match cause.downcast_ref::<io::Error>() {
            Some(io) => break io,
            None => cause = cause.source()?,
        }
    };
    match io.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}

/// Whether the body's own framing is wrong: hyper says so with an I/O error that no I/O made. One
/// that TLS made is the connection's end.
fn is_bad_framing(error: &hyper::Error) -> bool {
    let Some(cause) = error.source().and_then(|e| e.downcast_ref::<io::Error>()) else {
        return false;
    };
    let is_tls = |inner: &(dyn Error + Send + Sync + 'static)| inner.is::<rustls::Error>();
    matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
        && !cause.get_ref().is_some_and(is_tls)
}

/// An error with its causes, on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::stream::{Layer, Wire};
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn request() -> http::Request<Full<Bytes>> {
        http::Request::post("/").header("host", "h").body(Full::default()).unwrap()
    }

    fn reading(max_bytes: usize) -> BodyReading {
        BodyReading { max_bytes, bytes_per_second: None }
    }

    /// The server may close an idle connection just after it was found to be usable.
    #[tokio::test(start_paused = true)]
    async fn a_close_that_shows_only_while_sending() {
        let limits = crate::testing::target("t").limits;
        let (most, live) = (limits.max_body_bytes, Live::default());
        let (client, mut server) = tokio::io::duplex(1024);
        let stamps = Stamps::new(Instant::now());
        let stream = Stream::new(Layer::Plain(Wire::Pipe(client, stamps.clone())), stamps.clone());
        let mut connection = Connection::new(stream, stamps).await.unwrap();
        let mut recording = Recording::begin(0);
        let (ending, ()) = tokio::join!(
            connection.exchange(request(), reading(most), &live, &mut recording),
            async {
                assert_ne!(server.read(&mut [0; 1024]).await.unwrap(), 0);
                server.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx").await.unwrap();
            }
        );
        assert_eq!(ending, Ending::Complete);
        assert!(connection.is_usable().await);
        drop(server);
        let exchange = connection.exchange(request(), reading(most), &live, &mut recording);
        let ending = tokio::time::timeout(limits.timeout, exchange).await;
        assert!(matches!(ending, Ok(Ending::CutOff(_))), "{ending:?}");
    }

    /// A recording of what `server` sends after a head of a chunked body, and how it ended.
    async fn received(
        most: usize,
        server: impl AsyncFnOnce(&mut tokio::io::DuplexStream),
    ) -> (Recording, Ending) {
        let (client, mut far) = tokio::io::duplex(1 << 16);
        let stamps = Stamps::new(Instant::now());
        let stream = Stream::new(Layer::Plain(Wire::Pipe(client, stamps.clone())), stamps.clone());
        let mut connection = Connection::new(stream, stamps).await.unwrap();
        let (mut recording, live) = (Recording::begin(0), Live::default());
        let ending = tokio::join!(
            connection.exchange(request(), reading(most), &live, &mut recording),
            async {
                assert_ne!(far.read(&mut [0; 1024]).await.unwrap(), 0);
                far.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                    .await
                    .unwrap();
                server(&mut far).await;
            }
        );
        (recording, ending.0)
    }

    #[tokio::test(start_paused = true)]
    async fn one_read_is_one_piece_however_small_its_frames() {
        let (recording, ending) = received(1 << 20, async |far| {
            far.write_all("1\r\nx\r\n".repeat(5_000).as_bytes()).await.unwrap();
            far.write_all(b"0\r\n\r\n").await.unwrap();
        })
        .await;
        let size: usize = recording.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        assert_eq!((ending, size), (Ending::Complete, 5_000));
        let mut reads: Vec<_> = recording.chunks.iter().map(|chunk| chunk.arrival.read).collect();
        reads.dedup();
        assert_eq!(reads.len(), recording.chunks.len());
        assert!(reads.len() < 100, "{}", reads.len());
    }

    /// Each with a read of its own.
    #[tokio::test(start_paused = true)]
    async fn more_pieces_than_memory_are_too_many() {
        let (recording, ending) = received(10_000, async |far| {
            for _ in 0..5_000 {
                if far.write_all(b"1\r\nx\r\n").await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(
            matches!(&ending, Ending::TooLarge(why) if why.contains("small pieces")),
            "{ending:?}"
        );
        assert!(recording.chunks.len() < 1_000, "{}", recording.chunks.len());
    }
}
