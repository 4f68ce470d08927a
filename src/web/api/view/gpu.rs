//! A GPU of the prober's machine.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::gpu::state::{Memory, Seen};

/// A GPU as it was seen last. What the driver does not tell is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GpuState {
    /// The driver's index.
    pub index: u32,
    /// `GPU-…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// The product's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the driver gives its values.
    pub collect_success: bool,
    /// When it was looked at last, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collected_unix_seconds: Option<f64>,
    /// Seconds since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<f64>,
    /// Share of the time with a kernel running, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utilization: Option<f64>,
    /// Device memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<GpuMemory>,
    /// Power draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_watts: Option<f64>,
    /// The limit that is enforced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_limit_watts: Option<f64>,
    /// Degrees Celsius by sensor: `gpu`, `memory`.
    pub temperatures_celsius: BTreeMap<String, f64>,
    /// What holds the clocks down now, idleness included; left out where the driver does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttle_reasons: Option<Vec<String>>,
}

/// Bytes of device memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GpuMemory {
    /// Installed.
    pub total: u64,
    /// Allocated.
    pub used: u64,
    /// Not allocated.
    pub free: u64,
}

impl GpuState {
    /// A GPU at an instant.
    #[must_use]
    pub fn new(seen: &Seen, now: SystemTime) -> Self {
        let (state, reading) = (&seen.state, &seen.state.reading);
        let at = seen.was_looked_at().then_some(state.at);
        let age = |at| now.duration_since(at).unwrap_or_default().as_secs_f64();
        let temperatures = reading.temperatures.iter();
        let told = !reading.clock_events.is_empty();
        let active = reading.clock_events.iter().filter(|(_, active)| *active);
        Self {
            index: state.index,
            uuid: state.facts.uuid.clone(),
            name: state.facts.name.clone(),
            collect_success: seen.success(),
            collected_unix_seconds: at
                .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
                .map(|t| t.as_secs_f64()),
            age: at.map(age),
            utilization: reading.utilization,
            memory: reading.memory.map(GpuMemory::from),
            power_watts: reading.power_watts,
            power_limit_watts: reading.power_limit_watts,
            temperatures_celsius: temperatures.map(|(s, t)| ((*s).to_owned(), *t)).collect(),
            throttle_reasons: told.then(|| active.map(|(r, _)| (*r).to_owned()).collect()),
        }
    }
}

impl From<Memory> for GpuMemory {
    fn from(memory: Memory) -> Self {
        Self { total: memory.total, used: memory.used, free: memory.free }
    }
}
