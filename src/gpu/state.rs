//! What is known about one GPU. Whatever the driver did not tell is absent: `None`, or no entry.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::xid::XidLog;

/// What a scrape shows.
#[derive(Debug, Clone, Default)]
pub struct GpuView {
    /// Whether the driver is there and answers.
    pub up: bool,
    /// Every GPU, by index.
    pub gpus: Vec<Seen>,
}

/// A GPU as a scrape shows it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What was seen last.
    pub state: Arc<GpuState>,
    /// Whether the driver has not answered for so long that it must be taken to hang.
    pub hangs: bool,
}

impl Seen {
    /// Whether the driver gives this GPU's values.
    #[must_use]
    pub fn success(&self) -> bool {
        self.state.success && !self.hangs
    }

    /// Whether the state is that of a look at all.
    #[must_use]
    pub fn was_looked_at(&self) -> bool {
        self.state.answers > 0
    }
}

/// A GPU as it was seen last.
#[derive(Debug, Clone)]
pub struct GpuState {
    /// The driver's index.
    pub index: u32,
    /// What does not change; empty before the driver told it.
    pub facts: Arc<Facts>,
    /// The driver's version, if it tells one.
    pub driver_version: Option<Arc<str>>,
    /// Whether the driver gave values.
    pub success: bool,
    /// The values; empty without success.
    pub reading: Arc<Reading>,
    /// Events so far; absent where the driver does not report them.
    pub xids: Option<XidLog>,
    /// When the values were read.
    pub at: SystemTime,
    /// How long reading them took.
    pub took: Duration,
    /// The number of the newest request that this answers.
    pub answers: u64,
}

impl GpuState {
    /// A GPU that was never looked at.
    #[must_use]
    pub fn unseen(index: u32) -> Self {
        Self {
            index,
            facts: Arc::default(),
            driver_version: None,
            success: false,
            reading: Arc::default(),
            xids: None,
            at: SystemTime::UNIX_EPOCH,
            took: Duration::ZERO,
            answers: 0,
        }
    }
}

/// What does not change while a GPU is in use.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// `GPU-…`.
    pub uuid: Option<String>,
    /// The product's name.
    pub name: Option<String>,
    /// `00000000:3B:00.0`.
    pub pci_bus_id: Option<String>,
    /// The number of its device file.
    pub minor: Option<u32>,
    /// Version of the VBIOS.
    pub vbios_version: Option<String>,
    /// `Hopper` and the like.
    pub architecture: Option<String>,
    /// `none`, `passthrough`, `vgpu`, `host_vgpu`, `host_vsga`.
    pub virtualization: Option<&'static str>,
    /// By what happens there: `slowdown`, `shutdown`, `gpu_max`, `memory_max`; degrees Celsius.
    pub temperature_limits: Vec<(&'static str, f64)>,
}

/// The values of one look.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// 0–1: share of the driver's sample period with a kernel running.
    pub utilization: Option<f64>,
    /// 0–1: share of the driver's sample period with memory being read or written.
    pub memory_copy_utilization: Option<f64>,
    /// 0–1.
    pub encoder_utilization: Option<f64>,
    /// 0–1.
    pub decoder_utilization: Option<f64>,
    /// Device memory.
    pub memory: Option<Memory>,
    /// By sensor (`gpu`, `memory`), degrees Celsius.
    pub temperatures: Vec<(&'static str, f64)>,
    /// Power draw.
    pub power_watts: Option<f64>,
    /// The limit that is enforced.
    pub power_limit_watts: Option<f64>,
    /// Since the driver was loaded.
    pub energy_joules: Option<f64>,
    /// By domain (`graphics`, `sm`, `memory`, `video`), hertz.
    pub clocks: Vec<(&'static str, f64)>,
    /// By reason: whether it holds the clocks down now.
    pub clock_events: Vec<(&'static str, bool)>,
    /// By reason: for how long it has held the clocks down.
    pub clock_event_seconds: Vec<(&'static str, f64)>,
    /// Bytes sent over PCIe.
    pub pcie_tx_bytes: Option<u64>,
    /// Bytes received over PCIe.
    pub pcie_rx_bytes: Option<u64>,
    /// Packets that had to be sent again.
    pub pcie_replays: Option<u64>,
    /// Links to other GPUs or switches.
    pub nvlink_links: Option<u64>,
    /// By kind, over all links.
    pub nvlink_errors: Vec<(&'static str, u64)>,
    /// By link: bytes sent.
    pub nvlink_tx_bytes: Vec<(&'static str, u64)>,
    /// By link: bytes received.
    pub nvlink_rx_bytes: Vec<(&'static str, u64)>,
    /// Memory errors.
    pub ecc: Vec<EccCount>,
    /// By kind of the error that was their reason.
    pub remapped_rows: Vec<(&'static str, u64)>,
    /// Whether rows wait for a reset to be remapped.
    pub remap_pending: Option<bool>,
    /// Whether a row could not be remapped.
    pub remap_failure: Option<bool>,
    /// By fan: 0–1 of its top speed, which it may exceed.
    pub fans: Vec<f64>,
    /// 0 (fastest) to 15.
    pub performance_state: Option<u32>,
    /// Whether the GPU is divided into instances (MIG).
    pub mig_enabled: Option<bool>,
    /// The instances.
    pub instances: Vec<Instance>,
    /// Who uses its memory; only if wanted.
    pub processes: Vec<Process>,
}

/// Bytes of device memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Installed.
    pub total: u64,
    /// Allocated.
    pub used: u64,
    /// Not allocated.
    pub free: u64,
    /// Kept by the driver, if it tells.
    pub reserved: Option<u64>,
}

/// A count of memory errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EccCount {
    /// `corrected`, `uncorrected`.
    pub kind: &'static str,
    /// `volatile` (since the driver was loaded), `aggregate` (since the board was made).
    pub scope: &'static str,
    /// How many.
    pub count: u64,
}

/// A part of a divided GPU.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Its number as `nvidia-smi -L` shows it.
    pub index: u32,
    /// `MIG-…`.
    pub uuid: Option<String>,
    /// `1g.10gb` and the like.
    pub profile: Option<String>,
    /// Its memory.
    pub memory: Option<Memory>,
    /// Its memory errors.
    pub ecc: Vec<EccCount>,
}

/// A process on the GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// As the driver numbers it.
    pub pid: u32,
    /// The program's file name; empty where it cannot be seen.
    pub name: String,
    /// `compute`, `graphics`.
    pub kind: &'static str,
    /// Bytes.
    pub used: u64,
}
