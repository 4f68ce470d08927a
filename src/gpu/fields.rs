//! Values that NVML gives by field number, in one call: an old driver says of each number that it
//! does not know it.
//!
//! The binding has no scope for a field, so that of the counters that are kept per NVLink only
//! link 0 can be read.

use nvml_wrapper::Device;
use nvml_wrapper::enums::device::SampleValue;
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::sys_exports::field_id as id;

use super::clean;
use super::failure::{Lost, known};
use super::state::Reading;

/// Puts a value where it belongs.
type Put = fn(&mut Reading, u64);

/// The field's number, and what its value is.
static FIELDS: &[(u32, Put)] = &[
    (id::NVML_FI_DEV_MEMORY_TEMP, |r, v| {
        // GPUs without the sensor say 0.
        let degrees = u32::try_from(v).ok().filter(|v| *v > 0).and_then(clean::celsius);
        r.temperatures.extend(degrees.map(|t| ("memory", t)));
    }),
    (id::NVML_FI_DEV_PCIE_COUNT_TX_BYTES, |r, v| r.pcie_tx_bytes = Some(v)),
    (id::NVML_FI_DEV_PCIE_COUNT_RX_BYTES, |r, v| r.pcie_rx_bytes = Some(v)),
    (id::NVML_FI_DEV_REMAPPED_COR, |r, v| r.remapped_rows.push(("correctable", v))),
    (id::NVML_FI_DEV_REMAPPED_UNC, |r, v| r.remapped_rows.push(("uncorrectable", v))),
    (id::NVML_FI_DEV_REMAPPED_PENDING, |r, v| r.remap_pending = Some(v != 0)),
    (id::NVML_FI_DEV_REMAPPED_FAILURE, |r, v| r.remap_failure = Some(v != 0)),
    (id::NVML_FI_DEV_NVLINK_LINK_COUNT, |r, v| r.nvlink_links = Some(v)),
    (id::NVML_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL, |r, v| {
        r.nvlink_errors.push(("crc_flit", v));
    }),
    (id::NVML_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL, |r, v| {
        r.nvlink_errors.push(("crc_data", v));
    }),
    (id::NVML_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL, |r, v| r.nvlink_errors.push(("replay", v))),
    (id::NVML_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL, |r, v| {
        r.nvlink_errors.push(("recovery", v));
    }),
    (id::NVML_FI_DEV_NVLINK_ECC_DATA_ERROR_COUNT_TOTAL, |r, v| {
        r.nvlink_errors.push(("ecc_data", v));
    }),
    (id::NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX, |r, v| {
        r.nvlink_tx_bytes.extend(v.checked_mul(1024).map(|bytes| ("0", bytes)));
    }),
    (id::NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX, |r, v| {
        r.nvlink_rx_bytes.extend(v.checked_mul(1024).map(|bytes| ("0", bytes)));
    }),
    (id::NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_POWER_CAP, |r, v| held(r, "sw_power_cap", v)),
    (id::NVML_FI_DEV_CLOCKS_EVENT_REASON_SYNC_BOOST, |r, v| held(r, "sync_boost", v)),
    (id::NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN, |r, v| {
        held(r, "sw_thermal_slowdown", v);
    }),
    (id::NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN, |r, v| {
        held(r, "hw_thermal_slowdown", v);
    }),
    (id::NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN, |r, v| {
        held(r, "hw_power_brake_slowdown", v);
    }),
];

fn held(reading: &mut Reading, reason: &'static str, nanos: u64) {
    reading.clock_event_seconds.extend(clean::seconds(nanos).map(|s| (reason, s)));
}

/// Reads all of them.
pub(super) fn read(device: &Device<'_>, reading: &mut Reading) -> Result<(), Lost> {
    let ids: Vec<_> = FIELDS.iter().map(|(id, _)| FieldId(*id)).collect();
    let Some(samples) = known(device.field_values_for(&ids))? else { return Ok(()) };
    // By place: the binding renumbers some of them for newer drivers.
    for ((_, put), sample) in FIELDS.iter().zip(samples) {
        let value = known(sample)?.map(|s| known(s.value)).transpose()?.flatten();
        if let Some(value) = value.and_then(|v| whole(&v)) {
            put(reading, value);
        }
    }
    Ok(())
}

/// A count; every field above is one.
fn whole(value: &SampleValue) -> Option<u64> {
    match *value {
        SampleValue::U32(n) => clean::number(n).map(u64::from),
        SampleValue::U64(n) => clean::wide(n),
        SampleValue::I64(n) => u64::try_from(n).ok().and_then(clean::wide),
        SampleValue::F64(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_every_type_are_no_values() {
        for mark in [SampleValue::U32(u32::MAX), SampleValue::U64(u64::MAX), SampleValue::I64(-1)] {
            assert_eq!(whole(&mark), None, "{mark:?}");
        }
        for seven in [SampleValue::U32(7), SampleValue::U64(7), SampleValue::I64(7)] {
            assert_eq!(whole(&seven), Some(7), "{seven:?}");
        }
    }
}
