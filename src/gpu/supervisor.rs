//! Finds the driver and its GPUs, and looks again for what was not there.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use arc_swap::ArcSwap;
use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::worker::{OVERDUE, Worker};
use crate::target::gpu_settings::{GpuSettings, Watch};

/// GPUs that are watched, at most.
const MAX_GPUS: u32 = 64;

/// The driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Driver {
    /// Whether it was looked for at all.
    pub sought: bool,
    /// Whether it answers.
    pub up: bool,
}

/// What the threads share with the outside.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub driver: watch::Sender<Driver>,
    pub workers: ArcSwap<Vec<Arc<Worker>>>,
    /// Since when a question to the driver is open.
    asked_at: Mutex<Option<Instant>>,
}

impl Shared {
    /// Whether the driver answers.
    pub fn up(&self) -> bool {
        let asked = self.asked_at.lock();
        self.driver.borrow().up && asked.is_none_or(|at| at.elapsed() <= OVERDUE)
    }

    fn set_asked(&self, at: Option<Instant>) {
        *self.asked_at.lock() = at;
    }
}

/// The supervising thread.
pub(super) struct Supervisor {
    pub settings: GpuSettings,
    pub shared: Arc<Shared>,
    pub threads: TaskTracker,
    /// The complaint that was logged last: each is logged once.
    pub complaint: Option<String>,
    /// The driver's version and the number of GPUs that were logged last.
    pub told: Option<(String, u32)>,
}

impl Supervisor {
    /// Until the other end of `stop` is dropped.
    pub fn run(mut self, stop: &Receiver<()>) {
        let mut nvml: Option<Arc<Nvml>> = None;
        loop {
            match self.seek(&mut nvml) {
                Ok(()) => self.complaint = None,
                Err(error) => self.complain(&error),
            }
            match stop.recv_timeout(self.settings.retry) {
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.shared.workers.store(Arc::default());
    }

    /// Loads the library if it is not loaded, counts the GPUs, starts threads for new ones.
    fn seek(&mut self, loaded: &mut Option<Arc<Nvml>>) -> Result<(), NvmlError> {
        self.shared.set_asked(Some(Instant::now()));
        let found = self.find(loaded);
        self.shared.set_asked(None);
        let up = found.is_ok();
        self.shared.driver.send_replace(Driver { sought: true, up });
        found
    }

    fn find(&mut self, loaded: &mut Option<Arc<Nvml>>) -> Result<(), NvmlError> {
        if let Some(error) = loaded.as_ref().and_then(|nvml| nvml.device_count().err()) {
            if !self.is_exchanged(&error) {
                return Err(error);
            }
            // Only a library that was ended begins anew.
            self.shared.workers.store(Arc::default());
            *loaded = None;
        }
        let nvml = match loaded {
            Some(nvml) => Arc::clone(nvml),
            None => Arc::clone(loaded.insert(self.load()?)),
        };
        let count = nvml.device_count()?.min(MAX_GPUS);
        let known = self.shared.workers.load_full();
        let version = nvml.sys_driver_version().ok();
        let driver = version.clone().unwrap_or_else(|| "unknown".to_owned());
        let news = (driver, count);
        if self.told.as_ref() != Some(&news) {
            tracing::info!(driver = news.0, gpus = count, "watching GPUs");
            self.told = Some(news);
        }
        let version: Option<Arc<str>> = version.map(Into::into);
        let mut workers = Vec::clone(&known);
        for index in (0..count).skip(known.len()) {
            let processes = self.settings.processes;
            match Worker::start(&nvml, index, version.clone(), processes, &self.threads) {
                Ok(worker) => workers.push(Arc::new(worker)),
                Err(error) => {
                    tracing::warn!(gpu = index, %error, "no thread for a GPU");
                    break;
                }
            }
        }
        self.shared.workers.store(Arc::new(workers));
        Ok(())
    }

    /// Whether the library that is loaded will never answer again: it says so, or neither it nor any
    /// GPU answered since the time before.
    fn is_exchanged(&self, error: &NvmlError) -> bool {
        let workers = self.shared.workers.load();
        let answer = workers.iter().any(|worker| worker.seen().success);
        for worker in workers.iter() {
            worker.ask();
        }
        let says_so = matches!(
            error,
            NvmlError::Uninitialized | NvmlError::DriverNotLoaded | NvmlError::LibRmVersionMismatch
        );
        says_so || !answer
    }

    fn load(&self) -> Result<Arc<Nvml>, NvmlError> {
        let nvml = Arc::new(self.open()?);
        if nvml.lib().nvmlShutdown.is_err() {
            // Its end would be a panic in the binding.
            std::mem::forget(Arc::clone(&nvml));
        }
        Ok(nvml)
    }

    fn open(&self) -> Result<Nvml, NvmlError> {
        match &self.settings.library {
            Some(path) => {
                // The loader would look for a name without a folder elsewhere.
                let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                Nvml::builder().lib_path(path.as_os_str()).init()
            }
            None => Nvml::init(),
        }
    }

    /// A machine without a GPU is no reason for a warning, unless one is expected there.
    fn complain(&mut self, error: &NvmlError) {
        let text = error.to_string();
        if self.complaint.as_ref() == Some(&text) {
            return;
        }
        self.told = None;
        let absent = matches!(error, NvmlError::LibloadingError(_) | NvmlError::DriverNotLoaded);
        if absent && self.settings.watch == Watch::Auto {
            tracing::info!(error = %text, "no GPUs to watch");
        } else {
            tracing::warn!(error = %text, "GPUs cannot be watched");
        }
        self.complaint = Some(text);
    }
}
