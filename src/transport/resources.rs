//! What the process asks of the system so that measuring is not held up. Refusal is no error.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Kept for all that has no limit of its own: files, pipes, questions beside the probes.
const KEPT: usize = 64;

/// The connections of probes that are open, all targets together.
static OPEN: AtomicUsize = AtomicUsize::new(0);
/// As many there may be.
static MOST: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Asks for as many open files as the hard limit allows: many systems start with 1,024. So many are
/// kept for others than probes, half of all at most. The number that probes may have; `None` where
/// there is no limit.
pub fn raise_open_files(others: usize) -> Option<usize> {
    let limit = open_files()?;
    let kept = others.saturating_add(KEPT).min(limit / 2);
    MOST.store(limit - kept, Ordering::Relaxed);
    Some(limit - kept)
}

#[cfg(target_os = "linux")]
fn open_files() -> Option<usize> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current;
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
        limit.current = before;
    }
    limit.current.and_then(|limit| usize::try_from(limit).ok())
}

#[cfg(not(target_os = "linux"))]
fn open_files() -> Option<usize> {
    None
}

/// A connection of a probe, counted for as long as it lives.
#[derive(Debug)]
pub(super) struct Descriptor(());

impl Descriptor {
    /// `None` where probes have all that they may have.
    pub fn take() -> Option<Self> {
        let most = MOST.load(Ordering::Relaxed);
        let another = |open: usize| (open < most).then_some(open + 1);
        let taken = OPEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, another);
        taken.ok().map(|_| Self(()))
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the process or the system has no file descriptor left: no server is to blame for that.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::io::Errno;
        let exhausted = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
        error.raw_os_error().is_some_and(|code| exhausted.contains(&code))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = error;
        false
    }
}

/// Lets the calling thread go before all others. Without the right to it the thread keeps its
/// priority: measured error grows only when the machine is overloaded, and then shows in the count
/// of coalesced events.
pub(super) fn raise_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, -20) {
        tracing::debug!(%error, "an I/O thread keeps its priority");
    }
}

/// Asks for pages of 4 KiB only: where the allocator asks for large ones, each that it has begun with
/// is 2 MiB, and there are dozens with a few KiB in them.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "memory may be taken in large pages");
    }
}

/// Processor time that this process has taken since it began, in seconds; `None` where nobody says.
#[must_use]
#[allow(clippy::cast_precision_loss)] // ticks are far below 2^53
pub fn cpu_seconds() -> Option<f64> {
    #[cfg(target_os = "linux")]
    {
        let stat = procfs::process::Process::myself().and_then(|process| process.stat()).ok()?;
        Some((stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64)
    }
    #[cfg(not(target_os = "linux"))]
    None
}
