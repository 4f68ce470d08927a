//! The instances of a GPU that is divided (MIG).

use nvml_wrapper::Device;

use super::failure::{Lost, known};
use super::state::{Instance, Reading};
use super::{clean, memory};

/// Instances of one GPU, at most; hardware has 7.
const MAX_INSTANCES: u32 = 16;
const ENABLED: u32 = 1;

/// Whether the GPU is divided, and its instances.
pub(super) fn read(device: &Device<'_>, reading: &mut Reading) -> Result<(), Lost> {
    let mode = known(device.mig_mode())?;
    reading.mig_enabled = mode.and_then(|m| clean::number(m.current)).map(|m| m == ENABLED);
    if reading.mig_enabled != Some(true) {
        return Ok(());
    }
    let places = known(device.mig_device_count())?.and_then(clean::number).unwrap_or(0);
    for index in 0..places.min(MAX_INSTANCES) {
        // The count is of places; a place without an instance is an error of its own.
        if let Some(instance) = known(device.mig_device_by_index(index))? {
            reading.instances.push(read_instance(index, &instance)?);
        }
    }
    Ok(())
}

fn read_instance(index: u32, device: &Device<'_>) -> Result<Instance, Lost> {
    Ok(Instance {
        index,
        uuid: known(device.uuid())?,
        profile: known(device.name())?.as_deref().and_then(profile),
        memory: memory::memory(device)?,
        ecc: memory::ecc(device)?,
    })
}

/// `NVIDIA H100 80GB HBM3 MIG 1g.10gb` → `1g.10gb`.
fn profile(name: &str) -> Option<String> {
    name.rsplit_once(" MIG ").map(|(_, profile)| profile.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_ends_the_name() {
        assert_eq!(profile("NVIDIA H100 80GB HBM3 MIG 1g.10gb").as_deref(), Some("1g.10gb"));
        assert_eq!(profile("NVIDIA H100 80GB HBM3"), None);
    }
}
