//! What does not change while a GPU is in use.

use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::{GpuVirtualizationMode, TemperatureThreshold};
use nvml_wrapper::enums::device::DeviceArchitecture;

use super::clean;
use super::failure::{Lost, known};
use super::state::Facts;

/// Asks for all of them.
pub(super) fn read(device: &Device<'_>) -> Result<Facts, Lost> {
    let architecture = known(device.architecture())?;
    Ok(Facts {
        uuid: uuid(device)?,
        name: known(device.name())?,
        pci_bus_id: known(device.pci_info())?.map(|pci| pci.bus_id),
        minor: known(device.minor_number())?.and_then(clean::number),
        vbios_version: known(device.vbios_version())?,
        architecture: architecture
            .filter(|a| *a != DeviceArchitecture::Unknown)
            .map(|a| a.to_string()),
        virtualization: known(device.virtualization_mode())?.map(|mode| word(&mode)),
        temperature_limits: temperature_limits(device)?,
    })
}

/// The GPU's own name.
pub(super) fn uuid(device: &Device<'_>) -> Result<Option<String>, Lost> {
    Ok(known(device.uuid())?.filter(|uuid| !uuid.is_empty()))
}

fn word(mode: &GpuVirtualizationMode) -> &'static str {
    match mode {
        GpuVirtualizationMode::Bare => "none",
        GpuVirtualizationMode::PassThrough => "passthrough",
        GpuVirtualizationMode::Vgpu => "vgpu",
        GpuVirtualizationMode::HostVgpu => "host_vgpu",
        GpuVirtualizationMode::HostVsga => "host_vsga",
    }
}

fn temperature_limits(device: &Device<'_>) -> Result<Vec<(&'static str, f64)>, Lost> {
    let thresholds = [
        (TemperatureThreshold::Slowdown, "slowdown"),
        (TemperatureThreshold::Shutdown, "shutdown"),
        (TemperatureThreshold::GpuMax, "gpu_max"),
        (TemperatureThreshold::MemoryMax, "memory_max"),
    ];
    let mut limits = Vec::new();
    for (threshold, name) in thresholds {
        let degrees = known(device.temperature_threshold(threshold))?;
        // 0 is how some boards say that they have none.
        let degrees = degrees.filter(|d| *d > 0).and_then(clean::celsius);
        limits.extend(degrees.map(|t| (name, t)));
    }
    Ok(limits)
}
