//! Answers that wait for their clients, all together within a limit of memory.
//!
//! A client that never reads holds what it was answered until its time is over. Where all that is
//! held becomes too much, the oldest answer is cut off: who reads has taken its own long before.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::{Request, Response};
use axum::middleware::Next;
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use super::connections::Client;

/// Bytes of all answers together that wait for their clients. One alone may be larger.
const MOST: usize = 64 << 20;

/// Answers below this are not counted: connections have their limit.
const SMALL: usize = 16 << 10;

/// So much is unpacked at once.
const PORTION: usize = 64 << 10;

/// All that is held. A clone is the same.
#[derive(Debug, Clone)]
pub(super) struct Held(Arc<Mutex<Ledger>>);

#[derive(Debug)]
struct Ledger {
    most: usize,
    next: u64,
    bytes: usize,
    /// The oldest first.
    answers: BTreeMap<u64, (usize, CancellationToken)>,
    /// Those before this number have waited since the look before the last one: who reads has taken
    /// its answer meanwhile.
    waiting: u64,
    /// The next number at the last look.
    looked: u64,
}

impl Default for Held {
    fn default() -> Self {
        Self::of(MOST)
    }
}

impl Held {
    fn of(most: usize) -> Self {
        let answers = BTreeMap::new();
        let ledger = Ledger { most, next: 0, bytes: 0, answers, waiting: 0, looked: 0 };
        Self(Arc::new(Mutex::new(ledger)))
    }

    /// A body of these pieces for this client; as they are.
    pub fn body(&self, pieces: VecDeque<Bytes>, client: &Client) -> HeldBody {
        HeldBody::new(self, pieces, client, None)
    }

    /// A body of what these pieces are, which zstd has packed. It is unpacked as the client takes it.
    ///
    /// # Errors
    /// The library's.
    pub fn unpacked(&self, pieces: VecDeque<Bytes>, client: &Client) -> io::Result<HeldBody> {
        Ok(HeldBody::new(self, pieces, client, Some(Decoder::new()?)))
    }

    /// Looks at what waits: the bytes of answers that were there at the last look already.
    pub fn look(&self) -> usize {
        let mut ledger = self.0.lock();
        (ledger.waiting, ledger.looked) = (ledger.looked, ledger.next);
        ledger.answers.range(..ledger.waiting).map(|(_, (bytes, _))| bytes).sum()
    }

    /// Cuts those off that the last look has counted, the oldest first, until so many bytes are free.
    pub fn cut_off(&self, bytes: usize) {
        let mut ledger = self.0.lock();
        let most = ledger.bytes.saturating_sub(bytes);
        let waiting = ledger.waiting;
        ledger.cut_off_to(most, waiting);
    }

    fn enter(&self, bytes: usize, cut: CancellationToken) -> Share {
        let mut ledger = self.0.lock();
        let number = ledger.next;
        ledger.next += 1;
        ledger.bytes += bytes;
        let most = ledger.most;
        ledger.cut_off_to(most, number);
        ledger.answers.insert(number, (bytes, cut));
        Share { held: self.clone(), number }
    }
}

impl Ledger {
    /// Cuts the oldest answers before this number off until no more than so many bytes are held by the
    /// others.
    fn cut_off_to(&mut self, most: usize, before: u64) {
        while self.bytes > most
            && let Some(oldest) = self.answers.first_entry().filter(|e| *e.key() < before)
        {
            let (bytes, cut) = oldest.remove();
            self.bytes -= bytes;
            cut.cancel();
        }
    }
}

/// What an answer has of all that is held.
struct Share {
    held: Held,
    number: u64,
}

impl Share {
    fn release(&self, bytes: usize) {
        let mut ledger = self.held.0.lock();
        let Some((held, _)) = ledger.answers.get_mut(&self.number) else { return };
        let bytes = bytes.min(*held);
        *held -= bytes;
        ledger.bytes -= bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut ledger = self.held.0.lock();
        if let Some((bytes, _)) = ledger.answers.remove(&self.number) {
            ledger.bytes -= bytes;
        }
    }
}

/// A body that is held until it is taken.
pub(super) struct HeldBody {
    pieces: VecDeque<Bytes>,
    /// Of the first piece.
    read: usize,
    decoder: Option<Decoder<'static>>,
    share: Share,
    cut: CancellationToken,
    /// Nothing comes any more.
    over: bool,
}

impl HeldBody {
    fn new(
        held: &Held,
        pieces: VecDeque<Bytes>,
        client: &Client,
        decoder: Option<Decoder<'static>>,
    ) -> Self {
        // The whole connection is cut off: it may hold some of it, too.
        let cut = client.0.as_ref().map(|connection| connection.cut.clone()).unwrap_or_default();
        let bytes = pieces.iter().map(Bytes::len).sum();
        let share = held.enter(bytes, cut.clone());
        Self { pieces, read: 0, decoder, share, cut, over: false }
    }

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.cut.is_cancelled() {
            self.pieces.clear();
            return Some(Err(io::Error::other("too much waits for clients that do not read")));
        }
        let Some(decoder) = &mut self.decoder else { return self.pop().map(Ok) };
        loop {
            let piece = self.pieces.front()?;
            let mut input = InBuffer::around(&piece[self.read..]);
            let mut unpacked = Vec::with_capacity(PORTION);
            let run = decoder.run(&mut input, &mut OutBuffer::around(&mut unpacked));
            if let Err(error) = run {
                return Some(Err(error));
            }
            let taken = input.pos();
            self.read += taken;
            let whole = self.read == piece.len();
            if !unpacked.is_empty() {
                return Some(Ok(unpacked.into()));
            }
            if !whole && taken == 0 {
                return Some(Err(io::Error::other("the answer cannot be unpacked")));
            }
            if whole {
                self.read = 0;
                let piece = self.pieces.pop_front();
                self.share.release(piece.map_or(0, |piece| piece.len()));
            }
        }
    }

    fn pop(&mut self) -> Option<Bytes> {
        let piece = self.pieces.pop_front()?;
        self.share.release(piece.len());
        Some(piece)
    }
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let me = self.get_mut();
        if me.over {
            return Poll::Ready(None);
        }
        let next = me.next();
        me.over = !matches!(next, Some(Ok(_)));
        Poll::Ready(next.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.decoder.is_some() {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.pieces.iter().map(|piece| piece.len() as u64).sum())
    }
}

/// Counts whatever is answered in one piece.
pub(super) async fn hold(
    State(held): State<Held>,
    client: Client,
    request: Request<Body>,
    next: Next,
) -> Response<Body> {
    let response = next.run(request).await;
    let exact = response.body().size_hint().exact();
    if exact.is_none_or(|bytes| bytes < SMALL as u64) {
        return response;
    }
    let (parts, body) = response.into_parts();
    // It is there already, so that nothing is waited for.
    let body = match axum::body::to_bytes(body, usize::MAX).await {
        Ok(whole) => Body::new(held.body(VecDeque::from([whole]), &client)),
        Err(error) => Body::from_stream(futures_util::stream::iter([Err::<Bytes, _>(error)])),
    };
    Response::from_parts(parts, body)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use http_body_util::BodyExt;

    use super::*;

    fn pieces(n: usize, size: usize) -> VecDeque<Bytes> {
        (0..n).map(|n| vec![u8::try_from(n).unwrap(); size].into()).collect()
    }

    #[tokio::test]
    async fn the_oldest_answer_is_cut_off() {
        let (held, client) = (Held::of(100), Client(None));
        let first = held.body(pieces(3, 10), &client);
        let mut second = held.body(pieces(3, 10), &client);
        assert_eq!(second.frame().await.unwrap().unwrap().into_data().unwrap().len(), 10);
        let third = held.body(pieces(6, 10), &client);
        assert!(first.collect().await.is_err(), "not taken for the whole");
        let second = second.collect().await.unwrap().to_bytes();
        assert_eq!(second, [[1; 10], [2; 10]].concat());
        assert_eq!(third.collect().await.unwrap().to_bytes().len(), 60);
        let ledger = held.0.lock();
        assert_eq!((ledger.bytes, ledger.answers.len()), (0, 0));
    }

    #[tokio::test]
    async fn as_much_is_cut_off_as_memory_is_short_of() {
        let (held, client) = (Held::of(1000), Client(None));
        let [first, second, third] = [1, 2, 3].map(|n| held.body(pieces(n, 10), &client));
        assert_eq!(held.look(), 0, "they have just come");
        held.cut_off(usize::MAX);
        let fourth = held.body(pieces(4, 10), &client);
        assert_eq!(held.look(), 60, "all but the last were there");
        held.cut_off(15);
        assert!(first.collect().await.is_err() && second.collect().await.is_err());
        assert_eq!(third.collect().await.unwrap().to_bytes().len(), 30);
        held.cut_off(usize::MAX);
        assert_eq!(fourth.collect().await.unwrap().to_bytes().len(), 40, "not looked at yet");
    }

    #[tokio::test]
    async fn one_alone_may_be_too_large() {
        let held = Held::of(100);
        let body = held.body(pieces(3, 100), &Client(None));
        assert_eq!(body.size_hint().exact(), Some(300));
        assert_eq!(body.collect().await.unwrap().to_bytes().len(), 300);
    }

    #[tokio::test]
    async fn what_is_packed_is_unpacked_on_the_way() {
        let text = "a metric 1\n".repeat(100_000);
        let mut packed = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        packed.write_all(text.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        for size in [7, 1 << 20] {
            let pieces = packed.chunks(size).map(Bytes::copy_from_slice).collect();
            let body = Held::default().unpacked(pieces, &Client(None)).unwrap();
            assert!(body.collect().await.unwrap().to_bytes() == text.as_bytes());
        }
        let broken = [Bytes::from_static(b"no zstd at all")].into();
        let body = Held::default().unpacked(broken, &Client(None)).unwrap();
        assert!(body.collect().await.is_err());
    }
}
