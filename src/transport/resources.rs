//! What the process asks of the system so that measuring is not held up. Refusal is no error.

/// Asks for as many open files as the hard limit allows: many systems start with 1,024.
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

/// Lets the calling thread go before all others. Without the right to it the thread keeps its
/// priority: measured error grows only when the machine is overloaded, and then shows in the count
/// of coalesced events.
pub(super) fn raise_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, -20) {
        tracing::debug!(%error, "an I/O thread keeps its priority");
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
