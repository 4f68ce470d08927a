//! Which servers are being swept: one sweep of each at a time, and probes beside it are marked.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;
use url::Url;

/// Whether a server, by its host and port, is being swept. Shared by the sweeps and the probers of all
/// targets there.
#[derive(Debug, Default)]
pub struct Sweeping {
    /// Whose turn it is; the others wait in the order of their coming.
    turn: Arc<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    under_way: bool,
    /// When the last one was over.
    ended: Option<Instant>,
}

/// A sweep that is under way, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    sweeping: Arc<Sweeping>,
    _turn: OwnedMutexGuard<()>,
}

impl Sweeping {
    /// Waits until no other sweep is under way, and begins one.
    pub async fn begin(self: &Arc<Self>) -> Turn {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        self.state.lock().under_way = true;
        Turn { sweeping: Arc::clone(self), _turn: turn }
    }

    /// Whether a sweep was under way at any time from `began` until now.
    #[must_use]
    pub fn since(&self, began: Instant) -> bool {
        let state = self.state.lock();
        state.under_way || state.ended.is_some_and(|ended| ended >= began)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.sweeping.state.lock();
        (state.under_way, state.ended) = (false, Some(Instant::now()));
    }
}

/// Every server that a target is at.
#[derive(Debug, Default)]
pub struct Servers(HashMap<(String, u16), Arc<Sweeping>>);

/// Host and port, which tell servers apart.
#[must_use]
pub fn server_of(url: &Url) -> (String, u16) {
    let host = url.host_str().unwrap_or_default().to_owned();
    (host, url.port_or_known_default().unwrap_or_default())
}

impl Servers {
    /// The one behind a target's URL.
    pub fn at(&mut self, url: &Url) -> Arc<Sweeping> {
        Arc::clone(self.0.entry(server_of(url)).or_default())
    }

    /// Forgets those that nobody has to do with any more.
    pub fn forget_unused(&mut self) {
        self.0.retain(|_, sweeping| Arc::strong_count(sweeping) > 1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn whoever_met_a_part_of_a_sweep_was_beside_it() {
        let sweeping = Arc::new(Sweeping::default());
        let before = Instant::now();
        assert!(!sweeping.since(before));
        tokio::time::advance(SECOND).await;
        let turn = sweeping.begin().await;
        assert!(sweeping.since(before) && sweeping.since(Instant::now()));
        let during = Instant::now();
        tokio::time::advance(SECOND).await;
        drop(turn);
        tokio::time::advance(SECOND).await;
        assert!(sweeping.since(before) && sweeping.since(during), "it is over meanwhile");
        assert!(!sweeping.since(Instant::now()));
    }

    #[tokio::test]
    async fn one_at_a_time_at_each_server() {
        let mut servers = Servers::default();
        let mut at = |url: &str| servers.at(&url.parse().unwrap());
        let (one, same) = (at("http://h/v1"), at("http://H:80/other"));
        let other = at("https://h/v1");
        let turn = one.begin().await;
        assert!(same.begin().now_or_never().is_none());
        assert!(other.begin().now_or_never().is_some());
        drop(turn);
        assert!(same.begin().now_or_never().is_some());
        drop((one, same));
        servers.forget_unused();
        assert_eq!(servers.0.len(), 1);
    }
}
