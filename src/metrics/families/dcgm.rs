//! The GPU values once more, under the names, units and labels of NVIDIA's dcgm-exporter, so that
//! dashboards made for it work. Only if asked for.
//!
//! Two differences: what it calls a counter is a gauge here, because a counter's name would have to
//! end in `_total`; and what NVML cannot give, or not in the same meaning (profiling fields, NVLink
//! bandwidth of all links, sampled PCIe throughput, instances by the driver's own id), is absent.

use super::family::{Family, gauge};
use crate::gpu::state::{Reading, Seen};

const MIB: f64 = 1_048_576.0;

/// A figure of the board.
const fn field(
    name: &'static str,
    help: &'static str,
    samples: super::family::Samples<Seen>,
) -> Family<Seen> {
    gauge(name, &[], help, samples)
}

/// Writes what a closure finds in the reading.
macro_rules! reading {
    ($find:expr) => {
        |g, s| {
            let find: fn(&Reading) -> Option<f64> = $find;
            s.maybe(&[], find(&g.state.reading))
        }
    };
}

pub(in crate::metrics) static DCGM: &[Family<Seen>] = &[
    field("DCGM_FI_DEV_SM_CLOCK", "SM clock in MHz.", reading!(|r| mhz(r, "sm"))),
    field("DCGM_FI_DEV_MEM_CLOCK", "Memory clock in MHz.", reading!(|r| mhz(r, "memory"))),
    field("DCGM_FI_DEV_VIDEO_CLOCK", "Video clock in MHz.", reading!(|r| mhz(r, "video"))),
    field(
        "DCGM_FI_DEV_GPU_TEMP",
        "GPU temperature in °C.",
        reading!(|r| of(&r.temperatures, "gpu")),
    ),
    field(
        "DCGM_FI_DEV_MEMORY_TEMP",
        "Memory temperature in °C.",
        reading!(|r| of(&r.temperatures, "memory")),
    ),
    field("DCGM_FI_DEV_POWER_USAGE", "Power draw in W.", reading!(|r| r.power_watts)),
    field("DCGM_FI_DEV_POWER_MGMT_LIMIT", "Power limit in W.", reading!(|r| r.power_limit_watts)),
    field(
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
        "Energy since the driver was loaded in mJ.",
        reading!(|r| r.energy_joules.map(|j| (j * 1e3).round())),
    ),
    field(
        "DCGM_FI_DEV_PCIE_REPLAY_COUNTER",
        "PCIe packets that had to be sent again.",
        reading!(|r| r.pcie_replays.map(float)),
    ),
    field("DCGM_FI_DEV_GPU_UTIL", "GPU utilization in %.", reading!(|r| percent(r.utilization))),
    field(
        "DCGM_FI_DEV_MEM_COPY_UTIL",
        "Memory utilization in %.",
        reading!(|r| percent(r.memory_copy_utilization)),
    ),
    field(
        "DCGM_FI_DEV_ENC_UTIL",
        "Encoder utilization in %.",
        reading!(|r| percent(r.encoder_utilization)),
    ),
    field(
        "DCGM_FI_DEV_DEC_UTIL",
        "Decoder utilization in %.",
        reading!(|r| percent(r.decoder_utilization)),
    ),
    field(
        "DCGM_FI_DEV_XID_ERRORS",
        "Number of the last XID error since the prober watches; 0: none.",
        |g, s| {
            let newest = g.state.xids.as_ref().map(|log| log.newest().unwrap_or(0));
            s.maybe(&[], newest)
        },
    ),
    field(
        "DCGM_FI_DEV_FB_TOTAL",
        "Framebuffer memory in MiB.",
        reading!(|r| r.memory.map(|m| mib(m.total))),
    ),
    field(
        "DCGM_FI_DEV_FB_FREE",
        "Framebuffer memory free in MiB.",
        reading!(|r| r.memory.map(|m| mib(m.free))),
    ),
    field(
        "DCGM_FI_DEV_FB_USED",
        "Framebuffer memory used in MiB.",
        reading!(|r| r.memory.map(|m| mib(m.used))),
    ),
    field(
        "DCGM_FI_DEV_FB_RESERVED",
        "Framebuffer memory reserved in MiB.",
        reading!(|r| r.memory?.reserved.map(mib)),
    ),
    field(
        "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL",
        "Corrected memory errors since the driver was loaded.",
        reading!(|r| ecc(r, "corrected", "volatile")),
    ),
    field(
        "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL",
        "Uncorrected memory errors since the driver was loaded.",
        reading!(|r| ecc(r, "uncorrected", "volatile")),
    ),
    field(
        "DCGM_FI_DEV_ECC_SBE_AGG_TOTAL",
        "Corrected memory errors since the board was made.",
        reading!(|r| ecc(r, "corrected", "aggregate")),
    ),
    field(
        "DCGM_FI_DEV_ECC_DBE_AGG_TOTAL",
        "Uncorrected memory errors since the board was made.",
        reading!(|r| ecc(r, "uncorrected", "aggregate")),
    ),
    field(
        "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL",
        "NVLink flow-control CRC errors.",
        reading!(|r| of(&r.nvlink_errors, "crc_flit").map(float)),
    ),
    field(
        "DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL",
        "NVLink data CRC errors.",
        reading!(|r| of(&r.nvlink_errors, "crc_data").map(float)),
    ),
    field(
        "DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL",
        "NVLink retries.",
        reading!(|r| of(&r.nvlink_errors, "replay").map(float)),
    ),
    field(
        "DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL",
        "NVLink recovery errors.",
        reading!(|r| of(&r.nvlink_errors, "recovery").map(float)),
    ),
    field(
        "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
        "Rows of memory replaced because of uncorrectable errors.",
        reading!(|r| of(&r.remapped_rows, "uncorrectable").map(float)),
    ),
    field(
        "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",
        "Rows of memory replaced because of correctable errors.",
        reading!(|r| of(&r.remapped_rows, "correctable").map(float)),
    ),
    field(
        "DCGM_FI_DEV_ROW_REMAP_FAILURE",
        "Whether a row could not be replaced.",
        reading!(|r| r.remap_failure.map(|yes| f64::from(u8::from(yes)))),
    ),
    field(
        "DCGM_FI_DEV_FAN_SPEED",
        "Speed of the first fan in %.",
        reading!(|r| percent(r.fans.first().copied())),
    ),
    field(
        "DCGM_FI_DEV_PSTATE",
        "Performance state, 0 is the fastest.",
        reading!(|r| r.performance_state.map(f64::from)),
    ),
];

fn of<T: Copy>(values: &[(&'static str, T)], name: &str) -> Option<T> {
    values.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
}

fn mhz(reading: &Reading, clock: &str) -> Option<f64> {
    of(&reading.clocks, clock).map(|hz| hz / 1e6)
}

/// Whole percent, as the driver had it.
fn percent(ratio: Option<f64>) -> Option<f64> {
    ratio.map(|r| (r * 100.0).round())
}

fn ecc(reading: &Reading, kind: &str, scope: &str) -> Option<f64> {
    let found = reading.ecc.iter().find(|e| (e.kind, e.scope) == (kind, scope));
    found.map(|e| float(e.count))
}

/// Whole MiB, rounded down as there.
fn mib(bytes: u64) -> f64 {
    (float(bytes) / MIB).floor()
}

#[allow(clippy::cast_precision_loss)] // a sample is an f64 anyway
fn float(n: u64) -> f64 {
    n as f64
}
