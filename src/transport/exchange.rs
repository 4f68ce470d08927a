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
use tokio::time::Instant;

use super::live::Live;
use super::stamps::Stamps;
use super::stream::Stream;
use crate::answer::recording::{Chunk, Ending, Head, Recording};

const MAX_HEADERS: usize = 128;
/// Status line and headers together; also how much hyper buffers of a body.
const MAX_HEAD_BYTES: usize = 64 * 1024;

type HttpConnection = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// A connection between two requests. The HTTP layer's buffers, 16 KiB, are given back meanwhile: a
/// fleet has thousands of connections, of which a few are busy.
pub(super) struct Parked {
    stream: Stream,
    stamps: Stamps,
    round_trip: Duration,
    /// Where it leads; `None` over a pipe.
    pub address: Option<SocketAddr>,
}

impl Parked {
    /// Whether it leads to this address; any will do for `None`.
    pub fn leads_to(&self, address: Option<SocketAddr>) -> bool {
        address.is_none() || self.address == address
    }

    /// The connection, if it can carry a request.
    pub async fn wake(self) -> Option<Connection> {
        let Self { stream, stamps, round_trip, address } = self;
        let awake = Connection::new(stream, stamps).await.ok()?;
        let mut connection = Connection { round_trip, address, ..awake };
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
        Ok(Self { sender, http, stamps, round_trip: Duration::ZERO, address: None })
    }

    /// For the next request, which is not to come before [`Connection::is_usable`]. `None` where the
    /// server has sent more than its answer.
    pub fn park(self) -> Option<Parked> {
        let Self { sender: _, http, stamps, round_trip, address } = self;
        let http1::Parts { io, read_buf, .. } = http.into_parts();
        let stream = io.into_inner();
        read_buf.is_empty().then_some(Parked { stream, stamps, round_trip, address })
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
        max_body_bytes: usize,
        live: &Live,
        recording: &mut Recording,
    ) -> Ending {
        match self.send(request).await {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let head = head(&parts);
                live.answer(&head);
                recording.head = Some(head);
                self.read_body(body, max_body_bytes, live, recording).await
            }
            Err(ending) => ending,
        }
    }

    async fn send(
        &mut self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<Incoming>, Ending> {
        let mut response = pin!(self.sender.send_request(request));
        let http = &mut self.http;
        poll_fn(|cx| {
            if let Poll::Ready(answer) = response.as_mut().poll(cx) {
                return Poll::Ready(answer.map_err(|e| ending_of(&e)));
            }
            let over = Pin::new(&mut *http).poll(cx).is_ready();
            match response.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(answer.map_err(|e| ending_of(&e))),
                // It ended before it took the request, which waits in it for ever.
                Poll::Pending if over => {
                    Poll::Ready(Err(Ending::CutOff("the connection was closed".to_owned())))
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    async fn read_body(
        &mut self,
        mut body: Incoming,
        max_body_bytes: usize,
        live: &Live,
        recording: &mut Recording,
    ) -> Ending {
        let mut size = 0_usize;
        loop {
            let frame = match poll_fn(|cx| self.poll_frame(&mut body, cx)).await {
                Some(Ok(frame)) => frame,
                Some(Err(e)) => return ending_of(&e),
                None => return Ending::Complete,
            };
            let Ok(bytes) = frame.into_data() else { continue }; // trailers
            size = size.saturating_add(bytes.len());
            if size > max_body_bytes {
                return Ending::TooLarge(format!("the body exceeds {max_body_bytes} bytes"));
            }
            if let Some(arrival) = self.stamps.noted().last_read {
                // A copy: holding hyper's own buffer would make it allocate a new one per read.
                let bytes = Bytes::copy_from_slice(&bytes);
                let chunk = Chunk { bytes, arrival };
                live.stored(&chunk);
                recording.chunks.push(chunk);
            }
        }
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
        let (ending, ()) =
            tokio::join!(connection.exchange(request(), most, &live, &mut recording), async {
                assert_ne!(server.read(&mut [0; 1024]).await.unwrap(), 0);
                server.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx").await.unwrap();
            });
        assert_eq!(ending, Ending::Complete);
        assert!(connection.is_usable().await);
        drop(server);
        let exchange = connection.exchange(request(), most, &live, &mut recording);
        let ending = tokio::time::timeout(limits.timeout, exchange).await;
        assert!(matches!(ending, Ok(Ending::CutOff(_))), "{ending:?}");
    }
}
