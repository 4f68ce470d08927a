//! A target's name and the addresses behind it. One look-up at a time: a resolver that hangs takes
//! one thread of each target, not all there are.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;
use tokio::time::Instant;

use super::known::{Known, KnownAddress};
use crate::answer::outcome::Outcome;
use crate::answer::recording::Ending;

/// The longest wait for the resolver.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks for the addresses of a host; blocks. The system's resolver, or a test's.
pub type Lookup = Arc<dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// What a look-up found, for all who waited for it.
type Answer = Result<Arc<[SocketAddr]>, LookupError>;

/// A look-up found no address.
#[derive(Debug, Clone, thiserror::Error)]
enum LookupError {
    #[error(transparent)]
    Resolver(Arc<io::Error>),
    #[error("the name has no address")]
    NoAddress,
}

/// A name and port with what is known of it.
pub(super) struct Names {
    host: String,
    port: u16,
    lookup: Lookup,
    /// Counts the addresses that were taken in turn.
    turn: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Known,
    /// The look-up under way.
    pending: Option<watch::Receiver<Option<Answer>>>,
}

/// As the system resolves.
pub(super) fn system() -> Lookup {
    Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect()))
}

impl Names {
    pub fn new(host: String, port: u16, lookup: Lookup) -> Self {
        let names = Self { host, port, lookup, turn: AtomicUsize::new(0), state: Mutex::default() };
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
    pub async fn resolve(self: &Arc<Self>) -> Result<Arc<[SocketAddr]>, Ending> {
        if let Some(address) = self.literal() {
            return Ok(Arc::new([address]));
        }
        let failed = |why: String| Ending::ResolveFailed(format!("{}: {why}", self.host));
        let mut pending = self.pending();
        let answer = tokio::time::timeout(LOOKUP_TIMEOUT, pending.wait_for(Option::is_some)).await;
        match answer {
            Err(_) => Err(failed(format!("no answer from the resolver in {LOOKUP_TIMEOUT:?}"))),
            Ok(Err(_)) => Err(failed("the look-up was given up".to_owned())),
            Ok(Ok(answer)) => match &*answer {
                Some(Ok(addresses)) => Ok(Arc::clone(addresses)),
                Some(Err(why)) => Err(failed(why.to_string())),
                None => Err(failed("no answer".to_owned())),
            },
        }
    }

    fn pending(self: &Arc<Self>) -> watch::Receiver<Option<Answer>> {
        let mut state = self.state();
        // One whose thread is gone will never answer.
        if let Some(pending) = state.pending.as_ref().filter(|p| p.has_changed().is_ok()) {
            return pending.clone();
        }
        let (answered, pending) = watch::channel(None);
        state.pending = Some(pending.clone());
        let names = Arc::clone(self);
        // Bounded: there is no other for this name until it has ended.
        tokio::task::spawn_blocking(move || {
            let answer = names.look_up();
            names.state().pending = None;
            answered.send_replace(Some(answer));
        });
        pending
    }

    fn look_up(&self) -> Answer {
        let found =
            (self.lookup)(&self.host, self.port).map_err(|e| LookupError::Resolver(Arc::new(e)))?;
        if found.is_empty() {
            return Err(LookupError::NoAddress);
        }
        let routed: Vec<_> = found.iter().map(|address| (*address, has_route(*address))).collect();
        self.state().known.note(&routed, Instant::now());
        Ok(found.into())
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
    use super::*;
    use std::sync::mpsc;

    fn names(
        lookup: impl Fn() -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Arc<Names> {
        Arc::new(Names::new("llm.test".to_owned(), 80, Arc::new(move |_, _| lookup())))
    }

    fn one() -> SocketAddr {
        "127.0.0.1:80".parse().unwrap()
    }

    #[tokio::test]
    async fn an_address_needs_no_look_up() {
        let never: Lookup = Arc::new(|_, _| panic!("looked up"));
        for (host, address) in [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80")] {
            let names = Arc::new(Names::new(host.to_owned(), 80, Arc::clone(&never)));
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
