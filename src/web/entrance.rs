//! How many scrapes are put together at a time, and how many may wait for it.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::places::{Place, Places};

/// Scrapes that are put together or wait for it, of all clients and of one address.
const WAITING: usize = 40;
const WAITING_EACH: usize = 10;
/// Those that are put together at a time.
const ENCODING: usize = 2;

/// The entrance of scrapes.
#[derive(Debug)]
pub(super) struct Entrance {
    waiting: Arc<Places>,
    encoding: Arc<Semaphore>,
}

impl Default for Entrance {
    fn default() -> Self {
        let encoding = Arc::new(Semaphore::new(ENCODING));
        Self { waiting: Places::new(WAITING, WAITING_EACH), encoding }
    }
}

/// Held while a scrape is put together: never by a client that is slow.
pub(super) struct Admitted {
    _place: Place,
    _encoding: OwnedSemaphorePermit,
}

impl Entrance {
    /// Waits until then for its turn; `None` where there is none, or too many wait already.
    pub async fn enter(&self, address: IpAddr, until: Instant) -> Option<Admitted> {
        let place = self.waiting.take(address)?;
        let encoding = timeout_at(until, Arc::clone(&self.encoding).acquire_owned()).await;
        Some(Admitted { _place: place, _encoding: encoding.ok()?.ok()? })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn two_are_put_together_and_some_wait() {
        let entrance = Entrance::default();
        let address = |n: u8| IpAddr::from([127, 0, 0, n]);
        let until = Instant::now() + Duration::from_secs(3);
        let first = entrance.enter(address(1), until).await.unwrap();
        let _second = entrance.enter(address(1), until).await.unwrap();
        let mut next = Box::pin(entrance.enter(address(2), until));
        assert!(futures_util::poll!(&mut next).is_pending());
        let mut others: Vec<_> =
            (2..WAITING_EACH).map(|_| Box::pin(entrance.enter(address(1), until))).collect();
        for other in &mut others {
            assert!(futures_util::poll!(other).is_pending());
        }
        assert!(entrance.enter(address(1), until).await.is_none(), "enough of one address");
        assert!(Instant::now() < until, "at once");
        drop(first);
        let _next = next.await.unwrap();
        for other in others {
            assert!(other.await.is_none());
        }
        assert_eq!(Instant::now(), until);
    }
}
