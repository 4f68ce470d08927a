//! What the process asks of the system so that measuring is not held up.

/// Asks for as many open files as the hard limit allows (many systems start with 1,024) and for a
/// higher priority of this thread and those it will start. Refusal is no error.
pub fn claim() {
    raise_open_files();
    raise_priority(Priority::Working);
}

fn raise_open_files() {
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
pub(super) enum Priority {
    /// A token waits to be read.
    Reading = -20,
    /// Everything else. Above normal all the same: a thread that is put aside while it holds a
    /// lock of the runtime would keep the I/O threads waiting.
    Working = -10,
}

/// Raises the calling thread's priority. Without the right to it the thread keeps its own:
/// measured error grows only when the machine is overloaded, and then shows in the count of
/// coalesced events.
pub(super) fn raise_priority(priority: Priority) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, priority as i32) {
        tracing::debug!(%error, ?priority, "a thread keeps its priority");
    }
}
