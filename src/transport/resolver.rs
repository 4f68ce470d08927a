//! Names are looked up on threads of their own. The system's resolver blocks, and may hang: then the
//! threads that read, scrape and reload go on, and so do the look-ups of other names.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;
use tokio::time::timeout;

/// The longest wait for the resolver.
pub(super) const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Look-ups under way that may still answer in time.
const AT_WORK: usize = 32;
/// Together with those that hang. With so many names that hang nothing else is looked up.
const MOST_THREADS: usize = 256;
/// Names that are asked for at a time.
const MOST_NAMES: usize = 16_384;
/// A thread without work ends after this.
const IDLE: Duration = Duration::from_secs(10);
/// Of a thread: enough for the modules that the C library loads.
const STACK: usize = 512 << 10;

/// Asks for the addresses of a host; blocks. The system's resolver, or a test's.
pub type Lookup = Arc<dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// Why a look-up found no address.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum LookupError {
    #[error(transparent)]
    Resolver(Arc<io::Error>),
    #[error("the name has no address")]
    NoAddress,
    #[error("no answer from the resolver in {LOOKUP_TIMEOUT:?}")]
    TimedOut,
    #[error("the look-up was given up")]
    GivenUp,
    #[error("the resolver was asked for {MOST_NAMES} other names and has not answered")]
    TooMany,
}

/// What a look-up found, for all who waited for it.
pub(super) type Found = Result<Arc<[SocketAddr]>, LookupError>;

/// The addresses, with the port of whoever asked first.
#[derive(Debug, Clone)]
struct Answer {
    port: u16,
    found: Found,
}

type Told = watch::Receiver<Option<Answer>>;

/// Looks names up. A clone does it on the same threads.
#[derive(Clone)]
pub(super) struct Resolver(Arc<Pool>);

struct Pool {
    lookup: Lookup,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    /// By host: who is told. One look-up of a host at a time.
    asked: HashMap<String, (u16, watch::Sender<Option<Answer>>)>,
    /// Those of them that no thread has taken yet.
    queue: VecDeque<String>,
    /// The look-ups under way, and whether somebody has waited for each in vain.
    under_way: HashMap<String, bool>,
    threads: usize,
    idle: usize,
}

/// As the system resolves, for the whole process.
static SYSTEM: LazyLock<Resolver> = LazyLock::new(|| {
    Resolver::of(Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect())))
});

impl Resolver {
    /// The system's.
    pub fn system() -> Self {
        SYSTEM.clone()
    }

    /// One that asks `lookup`, on threads of its own.
    pub fn of(lookup: Lookup) -> Self {
        Self(Arc::new(Pool { lookup, state: Mutex::default(), work: Condvar::new() }))
    }

    /// The addresses of a host, at least one. Whoever asks while it is being looked up waits for the
    /// same answer.
    pub async fn resolve(&self, host: &str, port: u16) -> Found {
        let mut told = self.ask(host, port)?;
        let waited = timeout(LOOKUP_TIMEOUT, told.wait_for(Option::is_some)).await;
        let answer = match waited {
            Err(_) => {
                self.0.hangs(host);
                return Err(LookupError::TimedOut);
            }
            Ok(Err(_)) => None,
            Ok(Ok(answer)) => answer.clone(),
        };
        let Answer { port: asked, found } = answer.ok_or(LookupError::GivenUp)?;
        let found = found?;
        if asked == port {
            return Ok(found);
        }
        let mine = |address: &SocketAddr| {
            let own = if address.port() == asked { port } else { address.port() };
            SocketAddr::new(address.ip(), own)
        };
        Ok(found.iter().map(mine).collect())
    }

    fn ask(&self, host: &str, port: u16) -> Result<Told, LookupError> {
        let mut state = self.0.state.lock();
        if let Some((_, asked)) = state.asked.get(host) {
            return Ok(asked.subscribe());
        }
        if state.asked.len() >= MOST_NAMES {
            return Err(LookupError::TooMany);
        }
        let (tell, told) = watch::channel(None);
        state.asked.insert(host.to_owned(), (port, tell));
        state.queue.push_back(host.to_owned());
        self.0.work.notify_one();
        self.0.hire(&mut state);
        Ok(told)
    }
}

impl Pool {
    /// Another thread, where the queue needs one and may have it.
    fn hire(self: &Arc<Self>, state: &mut State) {
        let hanging = state.under_way.values().filter(|hangs| **hangs).count();
        let at_work = state.threads.saturating_sub(hanging);
        if state.queue.len() <= state.idle || at_work >= AT_WORK || state.threads >= MOST_THREADS {
            return;
        }
        let pool = Arc::clone(self);
        let thread = std::thread::Builder::new().name("resolve".to_owned()).stack_size(STACK);
        match thread.spawn(move || pool.work()) {
            Ok(_) => state.threads += 1,
            Err(error) => {
                tracing::debug!(%error, "no thread to look a name up on");
                if state.threads == 0 {
                    // Nobody would come for them.
                    state.queue.clear();
                    state.asked.clear();
                }
            }
        }
    }

    /// What hangs makes room for another thread.
    fn hangs(self: &Arc<Self>, host: &str) {
        let mut state = self.state.lock();
        if let Some(hangs) = state.under_way.get_mut(host) {
            *hangs = true;
        }
        self.hire(&mut state);
    }

    fn work(&self) {
        while let Some((host, port)) = self.next() {
            let looked_up = catch_unwind(AssertUnwindSafe(|| (self.lookup)(&host, port)));
            let mut state = self.state.lock();
            state.under_way.remove(&host);
            let asked = state.asked.remove(&host);
            drop(state);
            // Where it panicked, that nobody tells says so.
            if let (Some((_, tell)), Ok(found)) = (asked, looked_up) {
                let found = found.map_err(|e| LookupError::Resolver(Arc::new(e)));
                let some = |all: Vec<_>| (!all.is_empty()).then(|| all.into());
                let found = found.and_then(|all| some(all).ok_or(LookupError::NoAddress));
                tell.send_replace(Some(Answer { port, found }));
            }
        }
    }

    /// The next name that somebody still waits for; `None` ends the thread.
    fn next(&self) -> Option<(String, u16)> {
        let mut state = self.state.lock();
        loop {
            let Some(host) = state.queue.pop_front() else {
                state.idle += 1;
                let waited = self.work.wait_for(&mut state, IDLE);
                state.idle -= 1;
                if waited.timed_out() && state.queue.is_empty() {
                    state.threads -= 1;
                    return None;
                }
                continue;
            };
            let Some((port, tell)) = state.asked.get(&host) else { continue };
            let port = *port;
            if tell.is_closed() {
                state.asked.remove(&host);
                continue;
            }
            state.under_way.insert(host.clone(), false);
            return Some((host, port));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    fn one() -> SocketAddr {
        "127.0.0.1:80".parse().unwrap()
    }

    /// A resolver that hangs for the names that begin so, until the sender is gone; and how many
    /// look-ups have begun.
    fn hanging() -> (Resolver, mpsc::Sender<()>, Arc<AtomicUsize>) {
        let (release, held) = mpsc::channel::<()>();
        let (held, begun) = (Mutex::new(held), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&begun);
        let resolver = Resolver::of(Arc::new(move |host, _| {
            count.fetch_add(1, Ordering::SeqCst);
            if host.starts_with("hangs") {
                let _ = held.lock().recv();
            }
            Ok(vec![one()])
        }));
        (resolver, release, begun)
    }

    /// The threads are no part of the test's clock.
    async fn until_begun(begun: &AtomicUsize, look_ups: usize) {
        while begun.load(Ordering::SeqCst) < look_ups {
            tokio::task::yield_now().await;
        }
    }

    /// On the test's clock: the resolver itself never answers.
    #[tokio::test(start_paused = true)]
    async fn names_that_hang_leave_others_their_threads() {
        let (resolver, release, begun) = hanging();
        let names: Vec<_> = (0..AT_WORK + 8).map(|n| format!("hangs-{n}")).collect();
        let all = names.iter().map(|name| resolver.resolve(name, 80));
        let mut all: Vec<_> = all.map(Box::pin).collect();
        for waiting in &mut all {
            assert!(futures_util::poll!(waiting).is_pending());
        }
        until_begun(&begun, AT_WORK).await;
        tokio::time::advance(LOOKUP_TIMEOUT).await;
        for waiting in all {
            assert!(matches!(waiting.await, Err(LookupError::TimedOut)));
        }
        // Awaited by the clock outside: a paused one would run on.
        tokio::time::resume();
        assert_eq!(*resolver.resolve("answers", 80).await.unwrap(), [one()]);
        drop(release);
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_hangs_takes_one_thread_however_often_it_is_asked_for() {
        let (resolver, release, begun) = hanging();
        for _ in 0..10 {
            let mut waiting = Box::pin(resolver.resolve("hangs", 80));
            assert!(futures_util::poll!(&mut waiting).is_pending());
            until_begun(&begun, 1).await;
            tokio::time::advance(LOOKUP_TIMEOUT).await;
            assert!(matches!(waiting.await, Err(LookupError::TimedOut)));
        }
        assert_eq!((begun.load(Ordering::SeqCst), resolver.0.state.lock().threads), (1, 1));
        drop(release);
    }

    #[tokio::test]
    async fn each_gets_its_own_port() {
        let (resolver, release, begun) = hanging();
        let mut first = Box::pin(resolver.resolve("hangs", 80));
        let mut second = Box::pin(resolver.resolve("hangs", 443));
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(release);
        let ports = [first.await.unwrap()[0].port(), second.await.unwrap()[0].port()];
        assert_eq!((ports, begun.load(Ordering::SeqCst)), ([80, 443], 1));
    }
}
