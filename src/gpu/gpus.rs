//! The GPUs being watched.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;

use super::state::{GpuView, Seen};
use super::supervisor::{Shared, Supervisor};
use super::worker::Worker;
use crate::target::gpu_settings::{GpuId, GpuSettings, Watch};

/// How long a scrape waits for a fresh look.
pub const PATIENCE: Duration = Duration::from_millis(30);
/// How long the end waits for the threads; one in a driver that hangs is left behind.
const GRACE: Duration = Duration::from_millis(500);

/// The GPUs being watched.
#[derive(Debug)]
pub struct Gpus {
    shared: Arc<Shared>,
    /// The supervisor ends when it is dropped.
    stop: Mutex<Option<SyncSender<()>>>,
    threads: TaskTracker,
}

impl Gpus {
    /// Starts to watch; `None` if GPUs shall not be watched.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(settings: &GpuSettings) -> std::io::Result<Option<Arc<Self>>> {
        if settings.watch == Watch::Never {
            return Ok(None);
        }
        let (shared, threads) = (Arc::<Shared>::default(), TaskTracker::new());
        let (stop, stopped) = sync_channel(0);
        let supervisor = Supervisor {
            settings: settings.clone(),
            shared: Arc::clone(&shared),
            threads: threads.clone(),
            complaint: None,
            told: None,
        };
        let running = threads.token();
        std::thread::Builder::new().name("gpus".to_owned()).spawn(move || {
            supervisor.run(&stopped);
            drop(running);
        })?;
        Ok(Some(Arc::new(Self { shared, stop: Mutex::new(Some(stop)), threads })))
    }

    /// Asks every GPU for a look and waits for the answers, at most [`PATIENCE`]. A GPU that hangs
    /// is not waited for.
    pub async fn refresh(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut driver = self.shared.driver.subscribe();
        // Without an answer in time there is nothing to show yet.
        let sought = async { drop(driver.wait_for(|d| d.sought).await) };
        let _ = timeout_at(deadline, sought).await;
        let workers = self.shared.workers.load_full();
        let answers = workers.iter().filter(|w| !w.overdue()).map(|w| w.answered(w.ask()));
        let _ = timeout_at(deadline, join_all(answers)).await;
    }

    /// What there is to show.
    #[must_use]
    pub fn view(&self) -> GpuView {
        let workers = self.shared.workers.load();
        let seen = |w: &Arc<Worker>| Seen { state: w.seen(), hangs: w.hangs() };
        let mut gpus: Vec<_> = workers.iter().map(seen).collect();
        let found: HashSet<_> = gpus
            .iter()
            .filter(|g| g.success())
            .filter_map(|g| g.state.facts.uuid.clone())
            .collect();
        // One that moved to another index is not lost at its old one as well.
        gpus.retain(|g| {
            g.success() || !g.state.facts.uuid.as_ref().is_some_and(|u| found.contains(u))
        });
        GpuView { up: self.shared.up(), gpus }
    }

    /// The driver's index of a GPU; `None` if there is no such GPU.
    pub(super) fn index_of(&self, id: &GpuId) -> Option<u32> {
        self.worker(id).map(|w| w.seen().index)
    }

    fn worker(&self, id: &GpuId) -> Option<Arc<Worker>> {
        let workers = self.shared.workers.load();
        let named = workers.iter().filter(|w| {
            let seen = w.seen();
            match id {
                GpuId::Index(index) => seen.index == *index,
                GpuId::Uuid(uuid) => seen.facts.uuid.as_ref() == Some(uuid),
            }
        });
        named.max_by_key(|w| w.seen().success).cloned()
    }

    /// Whether the GPU is divided into instances.
    pub(super) fn is_divided(&self, id: &GpuId) -> bool {
        self.worker(id).is_some_and(|w| w.seen().reading.mig_enabled == Some(true))
    }

    /// Joules since the driver was loaded; may never resolve if the driver hangs.
    pub(super) async fn energy(&self, id: &GpuId) -> Option<f64> {
        self.worker(id).filter(|worker| !worker.overdue())?.energy().await
    }

    /// Ends the threads, and waits for them for at most half a second.
    pub async fn stop(&self) {
        drop(self.stop.lock().take());
        self.shared.workers.store(Arc::default());
        self.threads.close();
        if timeout(GRACE, self.threads.wait()).await.is_err() {
            tracing::warn!("the GPU driver hangs: leaving its threads behind");
        }
    }
}
