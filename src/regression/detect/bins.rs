//! Counts by bin, in little memory: a fleet of a thousand targets has tens of millions of bins.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How often each bin was hit, in order of the bins. Four bytes for one that was hit less than 65,536
/// times; beyond, further digits to that base follow, the lowest comes first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Bins(Vec<(i16, u16)>);

const DIGIT: u32 = u16::BITS;

impl Bins {
    /// Counts so many more in a bin.
    #[allow(clippy::cast_possible_truncation)] // digits are taken off
    pub fn add(&mut self, bin: i16, count: u64) {
        let mut at = self.0.partition_point(|(known, _)| *known < bin);
        let mut rest = count;
        while rest > 0 {
            match self.0.get_mut(at) {
                Some((known, digit)) if *known == bin => {
                    let sum = u64::from(*digit) + u64::from(rest as u16);
                    *digit = sum as u16;
                    rest = (rest >> DIGIT) + (sum >> DIGIT);
                }
                _ => {
                    if self.0.len() == self.0.capacity() {
                        // Not twice as many, as vectors grow by themselves.
                        self.0.reserve_exact(self.0.len() / 4 + 4);
                    }
                    self.0.insert(at, (bin, rest as u16));
                    rest >>= DIGIT;
                }
            }
            at += 1;
        }
    }

    /// Every bin that was hit, and how often.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (i16, u64)> + '_ {
        let count = |digits: &[(i16, u16)]| {
            digits
                .iter()
                .rev()
                .fold(0, |count: u64, (_, digit)| (count << DIGIT) | u64::from(*digit))
        };
        self.0.chunk_by(|a, b| a.0 == b.0).map(move |digits| (digits[0].0, count(digits)))
    }
}

impl Serialize for Bins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Bins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut bins = Self::default();
        for (bin, count) in BTreeMap::deserialize(deserializer)? {
            bins.add(bin, count);
        }
        Ok(bins)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_as_a_map_does_and_is_written_like_one(
            hits in prop::collection::vec((-40_i16..40, prop_oneof![1..3_u64, 0..1_u64 << 40]), 0..80),
        ) {
            let (mut bins, mut map) = (Bins::default(), BTreeMap::<i16, u64>::new());
            for (bin, count) in hits.into_iter().filter(|(_, count)| *count > 0) {
                bins.add(bin, count);
                *map.entry(bin).or_default() += count;
            }
            prop_assert_eq!(bins.iter().collect::<Vec<_>>(), map.clone().into_iter().collect::<Vec<_>>());
            let text = serde_json::to_string(&bins).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&map).unwrap());
            prop_assert_eq!(serde_json::from_str::<Bins>(&text).unwrap(), bins);
        }
    }

    #[test]
    fn takes_four_bytes_a_bin_and_a_few_to_spare() {
        let mut bins = Bins::default();
        (0..1000).for_each(|bin| bins.add(bin, 65_535));
        assert!(size_of_val(&*bins.0) == 4000 && bins.0.capacity() < 1300, "{}", bins.0.capacity());
        bins.add(7, 1);
        assert_eq!((bins.0.len(), bins.iter().nth(7)), (1001, Some((7, 65_536))));
    }
}
