//! Threads that only read, stamp and store, so that a token never waits unread behind other work.

use std::future::Future;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

#[cfg(target_os = "linux")]
use super::kernel::Stamping;
use super::resources::raise_priority;
use super::tls::SystemTrust;
use crate::transport::loop_lag;

/// Where exchanges run.
#[derive(Debug)]
pub struct IoThreads {
    handles: Vec<Handle>,
    stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
    /// What the transports on these threads share.
    pub(super) trust: SystemTrust,
    #[cfg(target_os = "linux")]
    _stamping: Option<Stamping>,
}

impl IoThreads {
    /// Starts `count` threads, each with a runtime of its own and as much priority as the system
    /// grants.
    ///
    /// # Errors
    /// When the system refuses a thread or an event queue.
    pub fn start(count: usize) -> std::io::Result<Self> {
        let mut io = Self {
            handles: Vec::new(),
            stop: CancellationToken::new(),
            threads: Vec::new(),
            trust: SystemTrust::default(),
            #[cfg(target_os = "linux")]
            _stamping: Stamping::keep(),
        };
        for i in 0..count.max(1) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            io.handles.push(runtime.handle().clone());
            let stop = io.stop.clone();
            let thread = std::thread::Builder::new().name(format!("io-{i}"));
            io.threads.push(thread.spawn(move || {
                raise_priority();
                runtime.block_on(stop.cancelled());
                // Nothing that hangs is waited for.
                runtime.shutdown_background();
            })?);
        }
        Ok(io)
    }

    /// Tells `observe` now and then how late each thread's loop is, until the threads end.
    pub fn watch_lag(&self, observe: impl Fn(Duration) + Clone + Send + 'static) {
        for handle in &self.handles {
            // Ends with the thread's runtime.
            handle.spawn(loop_lag::watch(observe.clone()));
        }
    }

    /// The threads, at least one.
    pub(super) fn handles(&self) -> impl Iterator<Item = Handle> + '_ {
        self.handles.iter().cloned()
    }
}

impl Drop for IoThreads {
    fn drop(&mut self) {
        self.stop.cancel();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to release.
            let _ = thread.join();
        }
    }
}

/// The work panicked; where and why is in the log.
#[derive(Debug, thiserror::Error)]
#[error("the exchange panicked")]
pub(super) struct Panicked;

/// Runs `work` on the thread behind `handle`, or here if there is none; dropping the future
/// aborts it.
pub(super) async fn run_on<T: Send + 'static>(
    handle: Option<&Handle>,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Panicked> {
    let Some(handle) = handle else { return Ok(work.await) };
    let mut task = AbortOnDrop::spawn(handle, work);
    // Not the error itself: a panic's message may quote what was being read.
    (&mut task.0).await.map_err(|_| Panicked)
}

/// A task that ends with whoever holds this.
pub(super) struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T: Send + 'static> AbortOnDrop<T> {
    /// Starts it on the thread behind `handle`.
    pub fn spawn(handle: &Handle, work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(handle.spawn(work))
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
