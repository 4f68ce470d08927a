//! What the operating system knows about this process. Linux only; absent elsewhere.

/// Read at every scrape.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ProcessStats {
    pub cpu_seconds: f64,
    pub resident_bytes: u64,
    pub virtual_bytes: u64,
    pub open_fds: u64,
    /// `None`: no limit.
    pub max_fds: Option<u64>,
    pub start_time_seconds: f64,
    pub threads: i64,
}

#[cfg(target_os = "linux")]
impl ProcessStats {
    /// Reads `/proc/self`; `None` where it cannot be read.
    pub fn read() -> Option<Self> {
        Self::try_read().inspect_err(|e| tracing::debug!("no process metrics: {e}")).ok()
    }

    #[allow(clippy::cast_precision_loss)] // ticks are far below 2^53
    fn try_read() -> procfs::ProcResult<Self> {
        use procfs::process::{LimitValue, Process};

        let process = Process::myself()?;
        let stat = process.stat()?;
        let seconds = |ticks: u64| ticks as f64 / procfs::ticks_per_second() as f64;
        Ok(Self {
            cpu_seconds: seconds(stat.utime + stat.stime),
            resident_bytes: stat.rss * procfs::page_size(),
            virtual_bytes: stat.vsize,
            open_fds: process.fd_count()? as u64,
            max_fds: match process.limits()?.max_open_files.soft_limit {
                LimitValue::Unlimited => None,
                LimitValue::Value(most) => Some(most),
            },
            start_time_seconds: procfs::boot_time_secs()? as f64 + seconds(stat.starttime),
            threads: stat.num_threads,
        })
    }
}

#[cfg(not(target_os = "linux"))]
impl ProcessStats {
    /// There is no `/proc`.
    pub fn read() -> Option<Self> {
        None
    }
}
