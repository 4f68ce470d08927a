//! Threads that only read, stamp and store, so that a token never waits unread behind other work.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// Where exchanges run.
#[derive(Debug)]
pub struct IoThreads {
    handles: Vec<Handle>,
    next: AtomicUsize,
    stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
    /// Held open, never used; see [`keep_stamping`].
    #[cfg(target_os = "linux")]
    _stamping: Option<std::net::UdpSocket>,
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
            next: AtomicUsize::new(0),
            stop: CancellationToken::new(),
            threads: Vec::new(),
            #[cfg(target_os = "linux")]
            _stamping: keep_stamping(),
        };
        for i in 0..count.max(1) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            io.handles.push(runtime.handle().clone());
            let stop = io.stop.clone();
            let thread = std::thread::Builder::new().name(format!("io-{i}"));
            io.threads.push(thread.spawn(move || {
                raise_priority(Priority::Reading);
                runtime.block_on(stop.cancelled());
            })?);
        }
        Ok(io)
    }

    /// A thread for a new user; in turn.
    #[must_use]
    pub fn assign(&self) -> Handle {
        let i = self.next.fetch_add(1, Ordering::Relaxed) % self.handles.len();
        self.handles[i].clone()
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

/// Runs `work` on the thread behind `handle`, or here if there is none; dropping the future
/// aborts it.
pub(super) async fn run_on<T: Send + 'static>(
    handle: Option<&Handle>,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, String> {
    let Some(handle) = handle else { return Ok(work.await) };
    let mut task = AbortOnDrop(handle.spawn(work));
    (&mut task.0).await.map_err(|e| e.to_string())
}

struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The kernel stamps packets only while some socket asks for it, and begins a moment after the
/// first one does: too late for a quick answer on a fresh connection. One socket that always asks
/// keeps it stamping.
#[cfg(target_os = "linux")]
fn keep_stamping() -> Option<std::net::UdpSocket> {
    use nix::sys::socket::{setsockopt, sockopt::ReceiveTimestampns};
    let socket = std::net::UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0)).ok()?;
    setsockopt(&socket, ReceiveTimestampns, &true).ok()?;
    Some(socket)
}

/// Lets the process open as many connections as its hard limit allows: many systems start with
/// a soft limit of 1,024.
pub fn raise_open_files() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
    }
}

/// How urgent a thread's work is, as a nice value.
#[derive(Debug, Clone, Copy)]
pub enum Priority {
    /// A token waits to be read.
    Reading = -20,
    /// Everything else. Above normal all the same: a thread that is put aside while it holds a
    /// lock of the runtime would keep the I/O threads waiting.
    Working = -10,
}

/// Raises the calling thread's priority. Without the right to it the thread keeps its normal one:
/// measured error grows only when the machine is overloaded, and then shows in the count of
/// coalesced events.
pub fn raise_priority(priority: Priority) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, priority as i32) {
        tracing::debug!(%error, ?priority, "a thread keeps its normal priority");
    }
}
