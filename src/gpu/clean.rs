//! From NVML's numbers to values: its marks for "not available" become `None`, units become base
//! units. NVML marks by all bits set, by a total of zero, or by what no hardware can show.

/// A figure that is not one: all bits set, which is `NVML_VALUE_NOT_AVAILABLE` (−1) as well.
pub(super) fn number(raw: u32) -> Option<u32> {
    Some(raw).filter(|n| *n != u32::MAX)
}

/// As [`number`], with 64 bits. A 32-bit mark that was widened is a mark, too.
pub(super) fn wide(raw: u64) -> Option<u64> {
    Some(raw).filter(|n| *n != u64::MAX && *n != u64::from(u32::MAX))
}

/// Percent to 0–1.
pub(super) fn percent(raw: u32) -> Option<f64> {
    (raw <= 100).then(|| f64::from(raw) / 100.0)
}

/// A fan's percent of its intended top speed, which it may exceed.
pub(super) fn fan(raw: u32) -> Option<f64> {
    (raw <= 200).then(|| f64::from(raw) / 100.0)
}

/// Degrees Celsius; silicon is gone long before 200.
pub(super) fn celsius(raw: u32) -> Option<f64> {
    (raw <= 200).then(|| f64::from(raw))
}

/// Milliwatts to watts; no board draws more than 100 kW.
pub(super) fn watts(raw: u32) -> Option<f64> {
    (raw <= 100_000_000).then(|| f64::from(raw) / 1e3)
}

/// Megahertz to hertz; no clock reaches 100 GHz.
pub(super) fn hertz(raw: u32) -> Option<f64> {
    (raw <= 100_000).then(|| f64::from(raw) * 1e6)
}

/// Millijoules to joules.
#[allow(clippy::cast_precision_loss)] // 2^53 mJ is 285 years at 1 kW
pub(super) fn joules(raw: u64) -> Option<f64> {
    wide(raw).map(|mj| mj as f64 / 1e3)
}

/// Nanoseconds to seconds.
#[allow(clippy::cast_precision_loss)] // to the microsecond for centuries
pub(super) fn seconds(raw: u64) -> Option<f64> {
    wide(raw).map(|ns| ns as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_no_values() {
        assert_eq!([number(u32::MAX), number(0), number(7)], [None, Some(0), Some(7)]);
        assert_eq!(wide(u64::MAX).or(wide(u64::from(u32::MAX))), None);
        assert_eq!(wide(0), Some(0));
        for clean in [percent, fan, celsius, watts, hertz] {
            assert_eq!(clean(u32::MAX), None);
            assert_eq!(clean(0), Some(0.0));
        }
        assert_eq!(percent(101), None);
        assert_eq!(joules(u64::MAX).or(seconds(u64::MAX)), None);
    }

    #[test]
    fn units_are_base_units() {
        assert_eq!(percent(50), Some(0.5));
        assert_eq!(fan(105), Some(1.05));
        assert_eq!(watts(300_500), Some(300.5));
        assert_eq!(hertz(1_980), Some(1.98e9));
        assert_eq!(joules(1_500), Some(1.5));
        assert_eq!(seconds(2_500_000_000), Some(2.5));
    }
}
