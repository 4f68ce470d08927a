//! `/metrics`, in the format the scraper asks for.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::connections::Client;
use super::content_coding::ContentCoding;
use super::site::Site;
use crate::metrics::Format;

/// The scraper's patience, in seconds.
pub(super) const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";
/// Where it says nothing: Prometheus' default. Nobody is waited for longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of an answer that are kept in one piece.
const PIECE: usize = 64 << 10;

/// The answer is put together and compressed beside the threads that begin the probes (a thousand
/// targets take a good part of a second), and waits for its client packed, whatever is sent.
pub(super) async fn metrics(
    State(site): State<Site>,
    client: Client,
    headers: HeaderMap,
) -> Response {
    let until = Instant::now() + patience(&headers);
    let asked = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let format = Format::negotiate(asked(header::ACCEPT));
    let coding = ContentCoding::negotiate(asked(header::ACCEPT_ENCODING));
    let Some(admitted) = site.scrapes.enter(client.address(), until).await else {
        let message = "too many scrapes are under way, try again later\n";
        return (StatusCode::SERVICE_UNAVAILABLE, message).into_response();
    };
    site.daemon.look_at_gpus().await;
    site.daemon.metrics.set_history_records(site.daemon.history.len());
    site.daemon.metrics.set_tasks(Handle::current().metrics().num_alive_tasks());
    let daemon = Arc::clone(&site.daemon);
    let packed = put_together(coding.packed(), move |sink| {
        let _admitted = admitted;
        daemon.metrics.write(format, sink)
    });
    let body = packed.await.and_then(|pieces| match coding {
        ContentCoding::Identity => site.held.unpacked(pieces, &client),
        ContentCoding::Gzip | ContentCoding::Zstd => Ok(site.held.body(pieces, &client)),
    });
    let mut response = match body {
        Ok(body) => Body::new(body).into_response(),
        Err(error) => {
            tracing::warn!(%error, "the metrics cannot be put together");
            return (StatusCode::INTERNAL_SERVER_ERROR, "a defect\n").into_response();
        }
    };
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    set.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    if let Some(name) = coding.name() {
        set.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}

/// What is written, compressed, on a thread beside those of the runtime.
async fn put_together(
    coding: ContentCoding,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> io::Result<VecDeque<Bytes>> {
    let packed = spawn_blocking(move || {
        let mut pieces = Pieces::default();
        coding.compress(&mut pieces, write)?;
        Ok(pieces.all())
    });
    packed.await.map_err(io::Error::other).flatten()
}

/// How long a scraper waits for its answer to begin.
fn patience(headers: &HeaderMap) -> Duration {
    let said = headers.get(SCRAPE_TIMEOUT).and_then(|value| value.to_str().ok()?.parse().ok());
    let said = said.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    said.map_or(PATIENCE, |said| said.min(PATIENCE))
}

/// Takes what is written, in pieces of some size.
#[derive(Debug, Default)]
struct Pieces {
    full: VecDeque<Bytes>,
    open: Vec<u8>,
}

impl Pieces {
    fn all(mut self) -> VecDeque<Bytes> {
        self.close();
        self.full
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.full.push_back(std::mem::take(&mut self.open).into_boxed_slice().into());
        }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.open.capacity() == 0 {
            self.open.reserve_exact(PIECE);
        }
        let taken = bytes.len().min(PIECE - self.open.len());
        self.open.extend_from_slice(&bytes[..taken]);
        if self.open.len() == PIECE {
            self.close();
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_longer_than_the_scraper() {
        let check = |said: Option<&'static str>, expect: f64| {
            let said = said.map(|s| (SCRAPE_TIMEOUT.parse().unwrap(), HeaderValue::from_static(s)));
            let headers = HeaderMap::from_iter(said);
            assert_eq!(patience(&headers), Duration::from_secs_f64(expect), "{headers:?}");
        };
        check(None, 10.0);
        check(Some("2.5"), 2.5);
        check(Some("0"), 0.0);
        for senseless in ["60", "soon", "-1", "1e300", "NaN"] {
            check(Some(senseless), 10.0);
        }
    }

    /// The only thread of this runtime is free meanwhile: what is written waits for a word from it.
    #[tokio::test]
    async fn an_answer_is_put_together_beside_the_runtime() {
        for coding in [ContentCoding::Identity, ContentCoding::Gzip, ContentCoding::Zstd] {
            let (go_on, told) = std::sync::mpsc::channel();
            let write = move |sink: &mut dyn Write| {
                told.recv_timeout(Duration::from_secs(30)).map_err(io::Error::other)?;
                sink.write_all(b"figures")
            };
            let mut packed = Box::pin(put_together(coding, write));
            assert!(futures_util::poll!(&mut packed).is_pending(), "{coding:?}");
            go_on.send(()).unwrap();
            assert!(!packed.await.unwrap().is_empty(), "{coding:?}");
        }
    }

    #[test]
    fn what_is_written_is_there_in_order() {
        let mut pieces = Pieces::default();
        let text: Vec<u8> = (0..=u8::MAX).cycle().take(3 * PIECE + 5).collect();
        for part in text.chunks(1_000) {
            pieces.write_all(part).unwrap();
        }
        let pieces = pieces.all();
        assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [PIECE, PIECE, PIECE, 5]);
        assert!(pieces.iter().flatten().eq(&text));
    }
}
