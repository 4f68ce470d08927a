//! A target's name and the addresses behind it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::known::{Known, KnownAddress};
use super::resolver::{LookupError, Resolver};
use super::resources::is_exhausted;
use crate::answer::outcome::Outcome;
use crate::answer::recording::Ending;

/// A name and port with what is known of it.
pub(super) struct Names {
    host: String,
    port: u16,
    resolver: Resolver,
    /// Counts the addresses that were taken in turn.
    turn: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Known,
    /// The answer that was noted last: several may have waited for it.
    noted: Option<Arc<[SocketAddr]>>,
}

impl Names {
    pub fn new(host: String, port: u16, resolver: Resolver) -> Self {
        let (turn, state) = (AtomicUsize::new(0), Mutex::default());
        let names = Self { host, port, resolver, turn, state };
        if let Some(address) = names.literal() {
            names.state().known.note(&[(address, true)], Instant::now());
        }
        names
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The address that stands in the place of a name.
    pub fn literal(&self) -> Option<SocketAddr> {
        let ip: IpAddr = self.host.parse().ok()?;
        Some(SocketAddr::new(ip, self.port))
    }

    /// Looks the name up, or waits for the look-up under way.
    pub async fn resolve(&self) -> Result<Arc<[SocketAddr]>, Ending> {
        if let Some(address) = self.literal() {
            return Ok(Arc::new([address]));
        }
        let found = self.resolver.resolve(&self.host, self.port).await;
        let found = found.map_err(|why| match why {
            LookupError::Resolver(error) if is_exhausted(&error) => Ending::NoDescriptor,
            why => self.unresolved(&why),
        })?;
        self.note(&found);
        Ok(found)
    }

    /// The end of a probe whose name has no address, in these words.
    pub fn unresolved(&self, why: &dyn std::fmt::Display) -> Ending {
        Ending::ResolveFailed(format!("{}: {why}", self.host))
    }

    fn note(&self, found: &Arc<[SocketAddr]>) {
        let is_noted = |noted: &Arc<_>| Arc::ptr_eq(noted, found);
        if self.state().noted.as_ref().is_some_and(is_noted) {
            return;
        }
        let routed: Vec<_> = found.iter().map(|address| (*address, has_route(*address))).collect();
        let mut state = self.state();
        state.known.note(&routed, Instant::now());
        state.noted = Some(Arc::clone(found));
    }

    /// Whether connections to this address are still of use.
    pub fn has(&self, address: SocketAddr) -> bool {
        self.state().known.has(address)
    }

    /// The next address of those that are probed in turn; `None` before the first look-up.
    pub fn next_in_turn(&self) -> Option<SocketAddr> {
        let mut state = self.state();
        if state.known.in_turn().is_empty() {
            return None;
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        state.known.next(turn)
    }

    /// See [`Known::judge`].
    pub fn judge(&self, address: SocketAddr, outcome: &mut Outcome) -> bool {
        self.state().known.judge(address, outcome)
    }

    pub fn list(&self) -> Vec<KnownAddress> {
        self.state().known.list()
    }
}

/// Whether the system would know where to send packets: nothing is sent.
fn has_route(address: SocketAddr) -> bool {
    let unspecified: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    UdpSocket::bind((unspecified, 0)).and_then(|socket| socket.connect(address)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc;

    use super::super::resolver::{LOOKUP_TIMEOUT, Lookup};
    use super::*;

    fn names(
        lookup: impl Fn() -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Arc<Names> {
        let resolver = Resolver::of(Arc::new(move |_, _| lookup()));
        Arc::new(Names::new("llm.test".to_owned(), 80, resolver))
    }

    fn one() -> SocketAddr {
        "127.0.0.1:80".parse().unwrap()
    }

    #[tokio::test]
    async fn an_address_needs_no_look_up() {
        let never: Lookup = Arc::new(|_, _| panic!("looked up"));
        for (host, address) in [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80")] {
            let resolver = Resolver::of(Arc::clone(&never));
            let names = Arc::new(Names::new(host.to_owned(), 80, resolver));
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(*names.resolve().await.unwrap(), [address]);
            assert_eq!(names.next_in_turn(), Some(address));
        }
    }

    #[tokio::test]
    async fn failures_say_why_and_harm_nothing() {
        let (tell, told) = mpsc::channel();
        let told = Mutex::new(told);
        let names = names(move || told.lock().recv().unwrap());
        tell.send(Ok(vec![one()])).unwrap();
        assert_eq!(*names.resolve().await.unwrap(), [one()]);
        for (answer, why) in [
            (Err(io::Error::other("no such host")), "llm.test: no such host"),
            (Ok(vec![]), "llm.test: the name has no address"),
        ] {
            tell.send(answer).unwrap();
            assert_eq!(names.resolve().await, Err(Ending::ResolveFailed(why.to_owned())));
            assert!(names.has(one()));
        }
    }

    /// However many wait for a resolver that hangs, one thread does.
    #[tokio::test]
    async fn there_is_one_look_up_at_a_time() {
        let (release, held) = mpsc::channel::<()>();
        let (held, begun) = (Mutex::new(held), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&begun);
        let names = names(move || {
            count.fetch_add(1, Ordering::SeqCst);
            held.lock().recv().unwrap();
            Ok(vec![one()])
        });
        let mut waiting: Vec<_> = (0..50).map(|_| Box::pin(names.resolve())).collect();
        for resolving in &mut waiting {
            assert!(futures_util::poll!(resolving).is_pending());
        }
        release.send(()).unwrap();
        for resolving in waiting {
            assert_eq!(*resolving.await.unwrap(), [one()]);
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        release.send(()).unwrap();
        names.resolve().await.unwrap();
        assert_eq!(begun.load(Ordering::SeqCst), 2, "the next one looks anew");
    }

    /// On the test's clock: the resolver itself never answers.
    #[tokio::test(start_paused = true)]
    async fn a_resolver_that_hangs_is_not_waited_for() {
        let (release, held) = mpsc::channel::<()>();
        let held = Mutex::new(held);
        let names =
            names(move || held.lock().recv().map(|()| vec![one()]).map_err(io::Error::other));
        for _ in 0..2 {
            let mut resolving = Box::pin(names.resolve());
            assert!(futures_util::poll!(&mut resolving).is_pending());
            tokio::time::advance(LOOKUP_TIMEOUT).await;
            let why = "llm.test: no answer from the resolver in 5s";
            assert_eq!(resolving.await, Err(Ending::ResolveFailed(why.to_owned())));
        }
        drop(release);
    }

    #[tokio::test]
    async fn a_look_up_that_panics_is_no_end() {
        let first = AtomicUsize::new(0);
        let names = names(move || match first.fetch_add(1, Ordering::SeqCst) {
            0 => panic!("for a test"),
            _ => Ok(vec![one()]),
        });
        assert!(matches!(names.resolve().await, Err(Ending::ResolveFailed(_))));
        assert_eq!(*names.resolve().await.unwrap(), [one()]);
    }
}
