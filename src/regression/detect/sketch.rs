//! A distribution in bounded memory.

use serde::{Deserialize, Serialize};

use super::bins::Bins;

/// Bins per unit of the logarithm: each is 0.2 % wide.
const PER_UNIT: f64 = 512.0;

/// Logarithms beyond ±this are only known to be beyond. At most `2 · LIMIT · PER_UNIT` = 24,576
/// bins; a latency that varies tenfold fills about a thousand.
const LIMIT: f64 = 24.0;

/// Counts of logarithms in bins of equal width. What is read from it is a range that certainly
/// contains the exact order statistic; the user takes the safe end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Sketch {
    below: u64,
    bins: Bins,
    above: u64,
    total: u64,
}

impl Sketch {
    /// Adds a logarithm; ±∞ is beyond every bin.
    pub fn add(&mut self, ln: f64) {
        self.total += 1;
        if ln < -LIMIT {
            self.below += 1;
        } else if ln < LIMIT {
            #[allow(clippy::cast_possible_truncation)] // within ±LIMIT · PER_UNIT
            let bin = (ln * PER_UNIT).floor() as i16;
            self.bins.add(bin, 1);
        } else {
            self.above += 1;
        }
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: &Self) {
        self.below += other.below;
        self.above += other.above;
        self.total += other.total;
        for (bin, count) in other.bins.iter() {
            self.bins.add(bin, count);
        }
    }

    /// Adds what another has counted, each logarithm moved by about so much: by whole bins.
    pub fn merge_shifted(&mut self, other: &Self, by: f64) {
        #[allow(clippy::cast_possible_truncation)] // a saturating cast
        let by =
            (by * PER_UNIT).round().clamp(-2.0 * LIMIT * PER_UNIT, 2.0 * LIMIT * PER_UNIT) as i16;
        self.below += other.below;
        self.above += other.above;
        self.total += other.total;
        for (bin, count) in other.bins.iter() {
            self.bins.add(bin.saturating_add(by), count);
        }
    }

    /// The lower median, in the middle of its bin; infinite where most are beyond every bin.
    pub fn median(&self) -> f64 {
        let (low, high) = self.at_rank(self.total.div_ceil(2));
        f64::midpoint(low, high)
    }

    /// Standard error of the median, by the spread of the ranks around it, were all independent;
    /// infinite where it cannot be told.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn error_of_median(&self) -> f64 {
        // Two standard deviations of the number below the median, to either side.
        let (middle, off) = (self.total as f64 / 2.0, (self.total as f64).sqrt());
        let low = self.at_rank((middle - off).floor().max(0.0) as u64).0;
        let high = self.at_rank((middle + off).ceil() as u64 + 1).1;
        let error = (high - low) / 4.0;
        if error.is_nan() { f64::INFINITY } else { error }
    }

    /// How many were added.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The edges between which the `rank`-th smallest lies, from 1 on; −∞ to −∞ below rank 1, +∞
    /// to +∞ beyond the last.
    pub fn at_rank(&self, rank: u64) -> (f64, f64) {
        if rank == 0 {
            return (f64::NEG_INFINITY, f64::NEG_INFINITY);
        }
        let mut seen = self.below;
        if rank <= seen {
            return (f64::NEG_INFINITY, -LIMIT);
        }
        for (bin, count) in self.bins.iter() {
            seen += count;
            if rank <= seen {
                return (f64::from(bin) / PER_UNIT, f64::from(bin.saturating_add(1)) / PER_UNIT);
            }
        }
        (if rank <= self.total { LIMIT } else { f64::INFINITY }, f64::INFINITY)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact by design

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_order_statistic_lies_between_its_edges(
            mut values in prop::collection::vec(prop_oneof![
                -3.0..3.0, -40.0..40.0, Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(0.25),
            ], 1..60),
            split in 0_usize..60,
        ) {
            let (mut sketch, mut other) = (Sketch::default(), Sketch::default());
            for (i, value) in values.iter().enumerate() {
                if i < split { sketch.add(*value) } else { other.add(*value) }
            }
            sketch.merge(&other);
            values.sort_by(f64::total_cmp);
            prop_assert_eq!(sketch.total(), values.len() as u64);
            for (rank, value) in (1..).zip(&values) {
                let (low, high) = sketch.at_rank(rank);
                prop_assert!(low <= *value && *value <= high, "{rank}: {low} {value} {high}");
            }
            prop_assert_eq!(sketch.at_rank(0).1, f64::NEG_INFINITY);
            prop_assert_eq!(sketch.at_rank(values.len() as u64 + 1).0, f64::INFINITY);
        }
    }

    #[test]
    fn edges_are_close() {
        let mut sketch = Sketch::default();
        sketch.add(0.1);
        let (low, high) = sketch.at_rank(1);
        assert!(high - low < 0.002 && low <= 0.1 && 0.1 <= high);
    }

    #[test]
    fn what_is_moved_keeps_its_shape() {
        let (mut sketch, mut moved) = (Sketch::default(), Sketch::default());
        for i in 0..1001 {
            sketch.add(f64::from(i) / 1000.0);
        }
        sketch.add(f64::INFINITY);
        moved.merge_shifted(&sketch, -0.3);
        assert_eq!(moved.total(), 1002);
        assert!((sketch.median() - 0.5).abs() < 0.004 && (moved.median() - 0.2).abs() < 0.004);
        // 1/√(4n) of the whole range.
        assert!((moved.error_of_median() - 0.0158).abs() < 0.001, "{}", moved.error_of_median());
        assert_eq!(moved.at_rank(1002).1, f64::INFINITY);
        assert!(Sketch::default().error_of_median().is_infinite());
    }
}
