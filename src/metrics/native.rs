//! The sparse buckets of a native histogram, as Prometheus defines them: each power of two is cut
//! into 2^schema buckets, and only those that hold something exist.

/// Eight buckets per power of two: each is at most 1.1 times as wide as the one below.
const SCHEMA: i8 = 3;
/// 2^16 per bucket: the coarsest that there is.
const COARSEST: i8 = -4;
/// Buckets of one series, at most; beyond, neighbours are merged.
const MAX_BUCKETS: usize = 160;
/// What is no further from 0 than 2^-128 counts as 0.
pub(super) const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;
/// 2^(n/8 - 1): where the buckets of a power of two end.
const BOUNDS: [f64; 8] = [
    0.5,
    0.545_253_866_332_628_8,
    0.594_603_557_501_360_5,
    0.648_419_777_325_504_8,
    0.707_106_781_186_547_5,
    0.771_105_412_703_970_4,
    0.840_896_415_253_714_4,
    0.917_004_043_204_671_1,
];

/// Index and count, by index.
type Side = Vec<(i32, u64)>;

/// What was observed, by size.
#[derive(Debug)]
pub(super) struct NativeBuckets {
    /// Resolution: 3 at first.
    pub schema: i8,
    /// Observations that count as 0.
    pub zero_count: u64,
    /// Those above 0.
    pub positive: Side,
    /// Those below 0, by their distance from it.
    pub negative: Side,
}

impl Default for NativeBuckets {
    fn default() -> Self {
        Self { schema: SCHEMA, zero_count: 0, positive: Vec::new(), negative: Vec::new() }
    }
}

impl NativeBuckets {
    /// The resolution that everything begins with.
    pub const SCHEMA: i8 = SCHEMA;

    /// Counts a number.
    pub fn observe(&mut self, value: f64) {
        if value.abs() <= ZERO_THRESHOLD {
            self.zero_count += 1;
            return;
        }
        let index = index(self.schema, value.abs());
        let side = if value < 0.0 { &mut self.negative } else { &mut self.positive };
        match side.binary_search_by_key(&index, |(i, _)| *i) {
            Ok(at) => side[at].1 += 1,
            Err(at) => side.insert(at, (index, 1)),
        }
        if self.positive.len() + self.negative.len() > MAX_BUCKETS && self.schema > COARSEST {
            self.schema -= 1;
            halve(&mut self.positive);
            halve(&mut self.negative);
        }
    }
}

/// Merges every two neighbours that share a bucket at half the resolution.
fn halve(side: &mut Side) {
    for (index, _) in side.iter_mut() {
        *index = half(*index);
    }
    side.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
}

/// Half, rounded up: a bucket's index is that of its upper end.
fn half(index: i32) -> i32 {
    (index + 1).div_euclid(2)
}

/// The bucket of a distance from 0. Infinity has one above that of the largest number.
fn index(schema: i8, value: f64) -> i32 {
    let (fraction, exponent) = split(value.min(f64::MAX));
    let inside = BOUNDS.partition_point(|bound| *bound < fraction);
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // at most 8
    let mut index = inside as i32 + (exponent - 1) * 8;
    for _ in schema..SCHEMA {
        index = half(index);
    }
    index + i32::from(value.is_infinite())
}

/// `value` as a fraction of at least 0.5 and below 1, times a power of two. What counts as 0 does not
/// get here: everything else has a leading one.
#[allow(clippy::cast_possible_truncation)] // 11 bits
fn split(value: f64) -> (f64, i32) {
    const HALF: u64 = 1022 << 52;
    const MANTISSA: u64 = (1 << 52) - 1;
    let bits = value.to_bits();
    (f64::from_bits(HALF | (bits & MANTISSA)), (bits >> 52) as i32 - 1022)
}

/// A run of buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// From the end of the one before, or from 0.
    pub offset: i32,
    /// Buckets in it.
    pub length: u32,
}

/// The buckets of a side as they are exposed: the runs, and per bucket by how much it holds more
/// than the one before it. Up to two empty buckets are filled in, which is shorter than a new run.
pub(super) fn runs(side: &[(i32, u64)], mut span: impl FnMut(Span), mut delta: impl FnMut(i64)) {
    let (mut open, mut next, mut before) = (None::<Span>, 0, 0_i64);
    for &(index, count) in side {
        let gap = index - next;
        let filled = match &mut open {
            Some(run) if gap <= 2 => {
                run.length += gap.unsigned_abs() + 1;
                gap
            }
            _ => {
                open.replace(Span { offset: gap, length: 1 }).into_iter().for_each(&mut span);
                0
            }
        };
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        for value in std::iter::repeat_n(0, filled.unsigned_abs() as usize).chain([count]) {
            delta(value - before);
            before = value;
        }
        next = index + 1;
    }
    open.into_iter().for_each(span);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_on_a_bound_belongs_to_the_bucket_below() {
        let check = |value: f64, expect: i32| assert_eq!(index(SCHEMA, value), expect, "{value:e}");
        check(1.0, 0);
        check(1.000_001, 1);
        check(0.5, -8);
        check(2.0, 8);
        check(ZERO_THRESHOLD, -128 * 8);
        check(f64::MAX, 1024 * 8);
        check(f64::INFINITY, 1024 * 8 + 1);
    }

    #[test]
    fn runs_go_over_small_gaps() {
        let (mut spans, mut deltas) = (Vec::new(), Vec::new());
        let side = [(-3, 2), (-1, 5), (2, 1), (6, 4)];
        runs(&side, |s| spans.push((s.offset, s.length)), |d| deltas.push(d));
        assert_eq!(spans, [(-3, 6), (3, 1)]);
        assert_eq!(deltas, [2, -2, 5, -5, 0, 1, 3]);
    }
}
