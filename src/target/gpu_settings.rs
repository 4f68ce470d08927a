//! How this machine's GPUs are watched, and which of them a target runs on.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Whether GPUs are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Watch {
    /// Where there are any; a machine without is nothing to speak of.
    #[default]
    Auto,
    /// They are expected: a machine without is worth a warning.
    Always,
    /// No.
    Never,
}

/// The settings of the file's `gpu`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuSettings {
    /// Whether.
    pub watch: Watch,
    /// Whether each process's memory is exported.
    pub processes: bool,
    /// NVIDIA's library, where it is not the system's `libnvidia-ml.so.1`.
    pub library: Option<PathBuf>,
    /// How long after a failure the driver is looked for again.
    pub retry: Duration,
}

/// See [`GpuSettings::retry`].
pub const RETRY: Duration = Duration::from_secs(60);

impl Default for GpuSettings {
    fn default() -> Self {
        Self { watch: Watch::Auto, processes: false, library: None, retry: RETRY }
    }
}

/// How a configuration names a GPU of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GpuId {
    /// The driver's index, from 0.
    Index(u32),
    /// `GPU-…`.
    Uuid(String),
}

impl fmt::Display for GpuId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            Self::Uuid(uuid) => uuid.fmt(f),
        }
    }
}

/// The GPUs of this machine that a target runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetGpus {
    /// None: it runs elsewhere, or it is not known where.
    pub ids: Vec<GpuId>,
    /// Whether the target serves nobody but this prober, so that nothing else runs there.
    pub exclusive: bool,
}
