//! When a target's metrics page is looked at: right before each probe is sent, and right after it
//! ended.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::{FutureExt, join};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::chosen::Selector;
use super::fetch::Fetch;
use super::notices::Notices;
use super::page::Page;
use super::problem::{Failed, Problem};
use super::sample::Sample;
use crate::target::{ServerMetrics, Target};
use crate::transport::PipeDialer;

/// How long a probe may wait for the look before it. A page that takes longer is not waited for
/// again until it was seen to be quicker, so that it delays one probe and no more.
pub const SEND_LIMIT: Duration = Duration::from_millis(100);
/// How often a page that was too slow is tried again, beside a probe.
const RETRY: Duration = Duration::from_secs(10);

/// One look at a page.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// When the answer was complete, for telling the newer of two looks.
    pub at: Instant,
    /// The same by the wall clock, Unix seconds.
    pub unix_seconds: f64,
    /// What was seen.
    pub result: Result<Sample, Problem>,
}

/// The looks around one probe.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around {
    /// Seen right before it was sent; absent where that look failed or came late.
    pub before: Option<Sample>,
    /// Seen right after it ended; absent where there was none before.
    pub after: Option<Sample>,
    /// The newest look of all.
    pub newest: Option<Look>,
}

/// Looks at one target's metrics page.
pub struct Observer {
    target: Arc<Target>,
    source: ServerMetrics,
    fetch: Fetch,
    notices: Notices,
    /// Set while the page is too slow: when it is tried again.
    slow: Mutex<Option<Instant>>,
}

impl Observer {
    /// An observer of the target's server, if it has `server_metrics`. `pipe` reaches a server in
    /// this process.
    #[must_use]
    pub fn new(target: &Arc<Target>, pipe: Option<PipeDialer>) -> Option<Self> {
        let source = target.server_metrics.clone()?;
        let fetch = Fetch::new(Arc::clone(target), source.clone(), pipe);
        let (notices, slow) = (Notices::default(), Mutex::default());
        Some(Self { target: Arc::clone(target), source, fetch, notices, slow })
    }

    /// Runs a probe between two looks. `model` is what the probe asks for. After `cancel` there is
    /// no second look.
    pub async fn around<T>(
        &self,
        model: &str,
        probe: impl Future<Output = T> + Send,
        cancel: &CancellationToken,
    ) -> (T, Around) {
        // On the heap, because it is large and a probe holds it for long.
        let mut look = self.look(model).boxed();
        let in_time = match self.turn() {
            Turn::Skip => return (probe.await, Around::default()),
            Turn::Beside => None,
            Turn::Wait => timeout(SEND_LIMIT, &mut look).await.ok(),
        };
        let Some(before) = in_time else {
            self.set_slow(true);
            let (result, late) = join(probe, look).await;
            return (result, Around { newest: Some(late), ..Around::default() });
        };
        let result = probe.await;
        let mut around = Around { before: before.result.ok(), after: None, newest: Some(before) };
        if around.before.is_some() && !cancel.is_cancelled() {
            let after = self.look(model).boxed().await;
            around.after = after.result.ok();
            around.newest = Some(after);
        }
        (result, around)
    }

    fn turn(&self) -> Turn {
        let slow = self.slow.lock();
        match *slow {
            None => Turn::Wait,
            Some(again) if Instant::now() < again => Turn::Skip,
            Some(_) => Turn::Beside,
        }
    }

    fn set_slow(&self, is: bool) {
        let until = is.then(|| Instant::now() + RETRY);
        *self.slow.lock() = until;
    }

    async fn look(&self, model: &str) -> Look {
        let began = Instant::now();
        let page = timeout(self.source.timeout, self.fetch.get()).await;
        let at = Instant::now();
        let in_time = at - began <= SEND_LIMIT;
        self.set_slow(!in_time);
        let text = page.unwrap_or_else(|_| Err(Problem::Timeout.into()));
        let result = text.and_then(|text| self.read(&text, model));
        self.notices.hear(&self.target.name, &result);
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Look {
            at,
            unix_seconds: unix.as_secs_f64(),
            result: result.map_err(|failed| failed.problem),
        }
    }

    fn read(&self, text: &str, model: &str) -> Result<Sample, Failed> {
        let selector = Selector {
            only_model: self.source.model.as_deref(),
            model: Some(model),
            labels: Some(&self.source.labels),
        };
        let sample = Page::parse(text).and_then(|page| page.sample(&selector));
        sample.map_err(Failed::from)
    }
}

/// What the next probe does about the page.
enum Turn {
    /// Looks first, and is sent then.
    Wait,
    /// Looks while it is under way: at nothing but the values of the page.
    Beside,
    /// Does not look.
    Skip,
}
