//! One look at a GPU: every value that it has, each asked for by itself.

use nvml_wrapper::Device;
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{
    Clock, EccCounter, MemoryError, PerformanceState, TemperatureSensor,
};
use nvml_wrapper::error::{Bits, NvmlError};
use nvml_wrapper::struct_wrappers::device::MemoryInfo;

use super::failure::{Lost, known};
use super::state::{EccCount, Memory, Reading};
use super::{clean, fields, mig};

/// Fans of one GPU, at most.
const MAX_FANS: u32 = 16;

static REASONS: &[(ThrottleReasons, &str)] = &[
    (ThrottleReasons::GPU_IDLE, "gpu_idle"),
    (ThrottleReasons::APPLICATIONS_CLOCKS_SETTING, "applications_clocks_setting"),
    (ThrottleReasons::SW_POWER_CAP, "sw_power_cap"),
    (ThrottleReasons::HW_SLOWDOWN, "hw_slowdown"),
    (ThrottleReasons::SYNC_BOOST, "sync_boost"),
    (ThrottleReasons::SW_THERMAL_SLOWDOWN, "sw_thermal_slowdown"),
    (ThrottleReasons::HW_THERMAL_SLOWDOWN, "hw_thermal_slowdown"),
    (ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN, "hw_power_brake_slowdown"),
    (ThrottleReasons::DISPLAY_CLOCK_SETTING, "display_clock_setting"),
];

static CLOCKS: [(Clock, &str); 4] = [
    (Clock::Graphics, "graphics"),
    (Clock::SM, "sm"),
    (Clock::Memory, "memory"),
    (Clock::Video, "video"),
];

/// Everything but the processes.
///
/// # Errors
/// When the GPU is lost. What was read until then is of no use: it would look like a GPU that has
/// few values.
pub(super) fn read(device: &Device<'_>) -> Result<Reading, Lost> {
    let mut reading = Reading { memory: memory(device)?, ..Reading::default() };
    utilization(device, &mut reading)?;
    heat_and_power(device, &mut reading)?;
    clocks(device, &mut reading)?;
    reading.pcie_replays =
        known(device.pcie_replay_counter())?.and_then(clean::number).map(u64::from);
    reading.ecc = ecc(device)?;
    fields::read(device, &mut reading)?;
    mig::read(device, &mut reading)?;
    Ok(reading)
}

fn utilization(device: &Device<'_>, reading: &mut Reading) -> Result<(), Lost> {
    if let Some(rates) = known(device.utilization_rates())? {
        reading.utilization = clean::percent(rates.gpu);
        reading.memory_copy_utilization = clean::percent(rates.memory);
    }
    let encoder = known(device.encoder_utilization())?;
    reading.encoder_utilization = encoder.and_then(|u| clean::percent(u.utilization));
    let decoder = known(device.decoder_utilization())?;
    reading.decoder_utilization = decoder.and_then(|u| clean::percent(u.utilization));
    Ok(())
}

fn heat_and_power(device: &Device<'_>, reading: &mut Reading) -> Result<(), Lost> {
    let degrees = known(device.temperature(TemperatureSensor::Gpu))?.and_then(clean::celsius);
    reading.temperatures.extend(degrees.map(|t| ("gpu", t)));
    reading.power_watts = known(device.power_usage())?.and_then(clean::watts);
    reading.power_limit_watts = known(device.enforced_power_limit())?.and_then(clean::watts);
    reading.energy_joules = energy(device)?;
    for fan in 0..known(device.num_fans())?.and_then(clean::number).unwrap_or(0).min(MAX_FANS) {
        reading.fans.extend(known(device.fan_speed(fan))?.and_then(clean::fan));
    }
    Ok(())
}

/// Joules since the driver was loaded.
pub(super) fn energy(device: &Device<'_>) -> Result<Option<f64>, Lost> {
    Ok(known(device.total_energy_consumption())?.and_then(clean::joules))
}

fn clocks(device: &Device<'_>, reading: &mut Reading) -> Result<(), Lost> {
    for (clock, name) in &CLOCKS {
        let hertz = known(device.clock_info(*clock))?.and_then(clean::hertz);
        reading.clocks.extend(hertz.map(|hz| (*name, hz)));
    }
    if let Some(active) = reasons(device)? {
        let each = REASONS.iter().map(|(reason, name)| (*name, active.contains(*reason)));
        reading.clock_events = each.collect();
    }
    let state = known(device.performance_state())?;
    reading.performance_state = state.filter(|s| *s != PerformanceState::Unknown).map(|s| s.as_c());
    Ok(())
}

/// Why the clocks are held down. Reasons that are newer than the binding are left out; all bits set
/// are no reasons, but the mark.
fn reasons(device: &Device<'_>) -> Result<Option<ThrottleReasons>, Lost> {
    match device.current_throttle_reasons_strict() {
        Err(NvmlError::IncorrectBits(Bits::U64(bits))) => {
            Ok(clean::wide(bits).map(ThrottleReasons::from_bits_truncate))
        }
        other => known(other),
    }
}

pub(super) fn memory(device: &Device<'_>) -> Result<Option<Memory>, Lost> {
    Ok(known(device.memory_info())?.and_then(|info| sensible(&info)))
}

/// A GPU without memory, or with more in use than it has, is a mark and not a figure.
fn sensible(info: &MemoryInfo) -> Option<Memory> {
    let part = |bytes| clean::wide(bytes).filter(|b| *b <= info.total);
    Some(Memory {
        total: Some(info.total).filter(|t| *t > 0).and_then(clean::wide)?,
        used: part(info.used)?,
        free: part(info.free)?,
        reserved: part(info.reserved),
    })
}

pub(super) fn ecc(device: &Device<'_>) -> Result<Vec<EccCount>, Lost> {
    let kinds = [(MemoryError::Corrected, "corrected"), (MemoryError::Uncorrected, "uncorrected")];
    let scopes = [(EccCounter::Volatile, "volatile"), (EccCounter::Aggregate, "aggregate")];
    let mut counts = Vec::new();
    for (error, kind) in &kinds {
        for (counter, scope) in &scopes {
            let count = known(device.total_ecc_errors(*error, *counter))?;
            let count = count.and_then(clean::wide);
            counts.extend(count.map(|count| EccCount { kind, scope, count }));
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_cannot_be_is_no_memory() {
        let info = |total, used| MemoryInfo { total, used, free: 1, reserved: 1, version: 2 };
        assert_eq!(sensible(&info(10, 8)).map(|m| (m.total, m.used)), Some((10, 8)));
        assert_eq!(sensible(&info(0, 0)), None);
        assert_eq!(sensible(&info(10, 11)), None);
        assert_eq!(sensible(&info(u64::MAX, 1)), None);
        let unknown = MemoryInfo { reserved: u64::MAX, ..info(10, 8) };
        assert_eq!(sensible(&unknown).map(|m| (m.used, m.reserved)), Some((8, None)));
    }
}
