//! What every page and every answer is made from.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::FromRef;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::daemon::Daemon;

/// Listeners of the live events at a time.
const LISTENERS: usize = 64;
/// Probes on demand at a time.
const PROBES: usize = 8;
/// Scrapes under way at a time, each with at most 2 MB of its own; further ones wait.
const SCRAPES: usize = 8;

/// What is served beyond figures; all off where nobody asks for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebOptions {
    /// Recordings and failures' own words, which quote answers.
    pub recordings: bool,
    /// `/probe`: anybody who can reach the page can have targets probed.
    pub probe: bool,
}

/// The running program, as its pages see it.
#[derive(Clone)]
pub struct Site {
    /// Everything measured.
    pub daemon: Arc<Daemon>,
    /// What may be served.
    pub options: WebOptions,
    /// When serving began.
    pub started: SystemTime,
    /// Ends the answers that would never end.
    pub stop: CancellationToken,
    pub(super) listeners: Arc<Semaphore>,
    pub(super) probes: Arc<Semaphore>,
    pub(super) scrapes: Arc<Semaphore>,
}

impl Site {
    /// The pages of `daemon`. Answers without end are cut off at `stop`.
    #[must_use]
    pub fn new(daemon: Arc<Daemon>, options: WebOptions, stop: CancellationToken) -> Self {
        Self {
            daemon,
            options,
            started: SystemTime::now(),
            stop,
            listeners: Arc::new(Semaphore::new(LISTENERS)),
            probes: Arc::new(Semaphore::new(PROBES)),
            scrapes: Arc::new(Semaphore::new(SCRAPES)),
        }
    }
}

impl FromRef<Site> for Arc<Daemon> {
    fn from_ref(site: &Site) -> Self {
        Self::clone(&site.daemon)
    }
}

/// The wall clock, Unix nanoseconds.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |t| i64::try_from(t.as_nanos()).unwrap_or(i64::MAX))
}
