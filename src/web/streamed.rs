//! An answer's body that is written on a thread of its own while the client reads it.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout_at};

/// Pieces that wait for the client.
const QUEUE: usize = 2;

/// How long a client is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// While it takes nothing.
    pub piece: Duration,
    /// From the beginning to the end of the answer.
    pub whole: Duration,
}

/// A body of what `write` writes, beside the threads of the runtime. If that fails or panics, or if
/// the client is too slow, the answer is cut off, so that nobody takes it for a whole one.
pub(super) fn body<F>(patience: Patience, write: F) -> Body
where
    F: FnOnce(Pieces) -> io::Result<()> + Send + 'static,
{
    let (sender, receiver) = channel(QUEUE);
    let pieces = Pieces {
        sender,
        runtime: Handle::current(),
        piece: patience.piece,
        end: Instant::now() + patience.whole,
        failed: false,
    };
    let writer = spawn_blocking(move || write(pieces));
    Body::from_stream(stream::unfold(Some((receiver, writer)), next))
}

type State = Option<(Receiver<Bytes>, JoinHandle<io::Result<()>>)>;

/// The next piece. After the last one the writer says whether it was the last one indeed.
async fn next(state: State) -> Option<(io::Result<Bytes>, State)> {
    let (mut receiver, writer) = state?;
    if let Some(piece) = receiver.recv().await {
        return Some((Ok(piece), Some((receiver, writer))));
    }
    let result = writer.await.map_err(io::Error::other).flatten();
    let error = result.err()?;
    tracing::warn!(%error, "an answer was cut off");
    Some((Err(error), None))
}

/// Where the body is written.
#[derive(Debug)]
pub(super) struct Pieces {
    sender: Sender<Bytes>,
    runtime: Handle,
    piece: Duration,
    end: Instant,
    /// Nobody is waited for twice.
    failed: bool,
}

impl Pieces {
    fn send(&self, piece: Bytes) -> io::Result<()> {
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "the client is gone");
        let piece = match self.sender.try_send(piece) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Closed(_)) => return Err(gone()),
            Err(TrySendError::Full(piece)) => piece,
        };
        let until = self.end.min(Instant::now() + self.piece);
        let sent = async { timeout_at(until, self.sender.send(piece)).await };
        match self.runtime.block_on(sent) {
            Ok(sent) => sent.map_err(|_| gone()),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads too slowly")),
        }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let result = self.send(Bytes::copy_from_slice(bytes));
        self.failed = result.is_err();
        result.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use http_body_util::BodyExt;

    use super::*;

    const PATIENT: Patience =
        Patience { piece: Duration::from_secs(600), whole: Duration::from_secs(600) };

    #[tokio::test]
    async fn everything_arrives() {
        let body =
            body(PATIENT, |mut pieces| (0..100_u8).try_for_each(|n| pieces.write_all(&[n; 1000])));
        let bytes = body.collect().await.unwrap().to_bytes();
        assert_eq!(bytes.len(), 100_000);
        assert!(bytes.chunks(1000).zip(0..).all(|(piece, n)| piece == [n; 1000]));
    }

    #[tokio::test]
    async fn what_fails_or_panics_is_no_whole_answer() {
        let fails = body(PATIENT, |mut pieces| {
            pieces.write_all(b"half")?;
            Err(io::Error::other("the other half"))
        });
        assert!(fails.collect().await.is_err());
        let panics = body(PATIENT, |_| panic!("a defect"));
        assert!(panics.collect().await.is_err());
    }

    /// Writes until it fails, and tells how.
    fn endless(patience: Patience) -> (Body, mpsc::Receiver<io::ErrorKind>) {
        let (tell, told) = mpsc::channel();
        let body = body(patience, move |mut pieces| {
            let error = std::iter::repeat(()).find_map(|()| pieces.write_all(b"more").err());
            tell.send(error.map(|e| e.kind()).unwrap()).unwrap();
            assert!(pieces.write_all(b"more").is_err());
            Err(io::ErrorKind::Other.into())
        });
        (body, told)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_that_takes_nothing_is_not_waited_for() {
        for short in [
            Patience { piece: Duration::from_millis(1), ..PATIENT },
            Patience { whole: Duration::from_millis(1), ..PATIENT },
        ] {
            let (body, told) = endless(short);
            assert_eq!(told.recv().unwrap(), io::ErrorKind::TimedOut);
            // What waits for it is not taken for the whole.
            assert!(body.collect().await.is_err());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_is_written_for_a_client_that_is_gone() {
        let (body, told) = endless(PATIENT);
        drop(body);
        assert_eq!(told.recv().unwrap(), io::ErrorKind::BrokenPipe);
    }
}
