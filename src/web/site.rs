//! What every page and every answer is made from.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::FromRef;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::access::Access;
use super::connections::Connections;
use super::entrance::Entrance;
use super::held::Held;
use super::places::Places;
use crate::daemon::Daemon;

/// Listeners of the live events at a time, and at one address.
const LISTENERS: usize = 64;
const LISTENERS_EACH: usize = 16;
/// Probes on demand at a time.
const PROBES: usize = 8;
/// Connections at a time, as Prometheus has them.
pub const MAX_CONNECTIONS: usize = 512;

/// What is served beyond figures, all off where nobody asks for it, and to how many.
#[derive(Debug, Clone, Copy)]
pub struct WebOptions {
    /// Recordings and failures' own words, which quote answers.
    pub recordings: bool,
    /// `/probe`: anybody who can reach the page can have targets probed.
    pub probe: bool,
    /// What acts may be asked for from other machines: reloads, references, runs of comparisons.
    pub lifecycle: bool,
    /// Connections at a time.
    pub max_connections: usize,
}

impl WebOptions {
    /// Figures alone.
    pub const FIGURES: Self = Self {
        recordings: false,
        probe: false,
        lifecycle: false,
        max_connections: MAX_CONNECTIONS,
    };
}

impl Default for WebOptions {
    fn default() -> Self {
        Self::FIGURES
    }
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
    /// Who is let in.
    pub(super) access: Access,
    /// Where the pages are reached: `https://host:port`.
    pub(super) origin: Option<String>,
    pub(super) connections: Connections,
    pub(super) held: Held,
    pub(super) listeners: Arc<Places>,
    pub(super) probes: Arc<Semaphore>,
    pub(super) scrapes: Arc<Entrance>,
}

impl Site {
    /// For those whom `access` lets in, reached at `origin` where that is not where they are served.
    #[must_use]
    pub fn reached(self, origin: Option<String>, access: Access) -> Self {
        Self { access, origin, ..self }
    }

    /// The pages of `daemon`. Answers without end are cut off at `stop`.
    #[must_use]
    pub fn new(daemon: Arc<Daemon>, options: WebOptions, stop: CancellationToken) -> Self {
        Self {
            daemon,
            options,
            access: Access::default(),
            origin: None,
            started: SystemTime::now(),
            stop,
            connections: Connections::new(options.max_connections),
            held: Held::default(),
            listeners: Places::new(LISTENERS, LISTENERS_EACH),
            probes: Arc::new(Semaphore::new(PROBES)),
            scrapes: Arc::default(),
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
