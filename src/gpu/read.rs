//! One look at a GPU: every value that it has, each asked for by itself.

use nvml_wrapper::Device;
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, PerformanceState, TemperatureSensor};
use nvml_wrapper::error::{Bits, NvmlError};

use super::failure::{Lost, known};
use super::state::Reading;
use super::{clean, fields, memory, mig};

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
    let mut reading = Reading { memory: memory::memory(device)?, ..Reading::default() };
    utilization(device, &mut reading)?;
    heat_and_power(device, &mut reading)?;
    clocks(device, &mut reading)?;
    reading.pcie_replays =
        known(device.pcie_replay_counter())?.and_then(clean::number).map(u64::from);
    reading.ecc = memory::ecc(device)?;
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
