//! The memory of a GPU, or of an instance of one, and the errors in it.

use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::{EccCounter, MemoryError};
use nvml_wrapper::struct_wrappers::device::MemoryInfo;

use super::clean;
use super::failure::{Lost, known};
use super::state::{EccCount, Memory};

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
