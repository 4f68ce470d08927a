//! For how long noise remembers.

use serde::{Deserialize, Serialize};

use super::exact::Exact;

/// Observations that the running mean reaches back.
const MEAN_REACH: f64 = 500.0;

/// Observations that variances reach back, and blocks, where these are longer.
const REACH: f64 = 4000.0;
const BLOCKS_REACH: f64 = 64.0;

/// Lengths of the blocks whose sums are looked at.
const BLOCKS: [u64; 4] = [4, 16, 64, 256];

/// So many blocks of a length count as much as what all shorter lengths say.
const PRIOR_BLOCKS: f64 = 12.0;

/// The correlation of one score with the next is taken for so many standard errors higher than
/// it was found, among at least so many scores; where a verdict cannot be taken back, of few for more,
/// because what stays for longer than they last is not seen in them.
const PADDING: f64 = 1.0;
const MORE_PADDING: f64 = 15.0;
const LEAST_SCORES: f64 = 25.0;

/// What many scores must be worth, at least, before anything is told.
pub(super) const INDEPENDENT: f64 = 40.0;

/// One score is never worth less than one in so many.
const MOST_RATIO: f64 = 1e4;

/// How much of what a bounded score says its predecessors have said already: by its correlation
/// with the one before, and by how much more the sums of blocks vary than sums of independent
/// scores would, which sees what goes up and comes down slowly.
///
/// Neighbouring blocks are compared with each other, so that a change of level is seen only once.
/// State of the same size whatever comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Correlation {
    scores: u64,
    mean: Exact,
    variance: Exact,
    /// Of a score and the one before.
    covariance: Exact,
    last: Exact,
    blocks: [Blocks; BLOCKS.len()],
    /// Whether few scores are trusted less.
    #[serde(default)]
    careful: bool,
}

impl Default for Correlation {
    fn default() -> Self {
        let zero = Exact(0.0);
        Self {
            scores: 0,
            mean: zero,
            variance: zero,
            covariance: zero,
            last: zero,
            blocks: std::array::from_fn(|_| Blocks { sum: zero, before: zero, variance: zero }),
            careful: false,
        }
    }
}

/// Blocks of one length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Blocks {
    /// Of the one that is under way.
    sum: Exact,
    /// Of the one before.
    before: Exact,
    /// Half the mean square of the differences of neighbours, per score.
    variance: Exact,
}

/// Moves a mean towards its `n`-th value; it reaches back `reach` values.
fn towards(mean: &mut Exact, value: f64, n: f64, reach: f64) {
    mean.0 += (value - mean.0) / n.min(reach);
}

#[allow(clippy::cast_precision_loss)] // far below 2^53
fn float(count: u64) -> f64 {
    count as f64
}

impl Correlation {
    /// One that trusts few scores less.
    pub fn careful() -> Self {
        Self { careful: true, ..Self::default() }
    }

    /// Learns a score, from −1 to 1.
    pub fn learn(&mut self, score: f64) {
        self.scores += 1;
        let n = float(self.scores);
        towards(&mut self.mean, score, n, MEAN_REACH);
        let (now, before) = (score - self.mean.0, self.last.0 - self.mean.0);
        towards(&mut self.variance, now * now, n, REACH);
        if self.scores > 1 {
            towards(&mut self.covariance, now * before, n - 1.0, REACH);
        }
        self.last.0 = score;
        for (blocks, length) in self.blocks.iter_mut().zip(BLOCKS) {
            blocks.sum.0 += score;
            if self.scores.is_multiple_of(length) {
                blocks.end(length, self.scores / length);
            }
        }
    }

    /// Their mean lately.
    pub fn mean(&self) -> f64 {
        self.mean.0
    }

    /// How many were learnt.
    pub fn scores(&self) -> u64 {
        self.scores
    }

    /// With the one before, padded; 0 while scores do not vary.
    fn with_the_last(&self) -> f64 {
        let n = float(self.scores).clamp(LEAST_SCORES, REACH);
        let found = if self.variance.0 > 0.0 { self.covariance.0 / self.variance.0 } else { 0.0 };
        let found = found.clamp(-1.0, 1.0);
        let (errors, missing) = if self.careful {
            // Found among n it is less than it is, by so much on average, where there is any.
            (PADDING + MORE_PADDING / n.sqrt(), (1.0 + 4.0 * found.max(0.0)) / n)
        } else {
            (PADDING, 0.0)
        };
        found + errors * ((1.0 - found * found) / n).sqrt() + missing
    }

    /// So many scores say as much about their mean as one that is independent of all others: 1
    /// where all are.
    pub fn scores_per_independent_one(&self) -> f64 {
        let correlation = self.with_the_last().clamp(0.0, 1.0 - 2.0 / MOST_RATIO);
        let mut found = (1.0 + correlation) / (1.0 - correlation);
        let mut most = found;
        if self.variance.0 > 0.0 {
            for (blocks, length) in self.blocks.iter().zip(BLOCKS) {
                let differences = float((self.scores / length).saturating_sub(1));
                let weight = differences / (differences + PRIOR_BLOCKS);
                found += weight * (blocks.variance.0 / self.variance.0 - found);
                most = most.max(found);
            }
        }
        most.min(MOST_RATIO)
    }

    /// Whether all scores together say as much as [`INDEPENDENT`] independent ones: of less nothing
    /// can be told, because an episode and a change look alike.
    pub fn is_enough(&self) -> bool {
        float(self.scores) >= INDEPENDENT * self.scores_per_independent_one()
    }

    /// How much of the score before is to be taken off a score, so that what is left has no memory
    /// in the long run: φ in `[0, 1)`. With noise of an autoregression it is its coefficient.
    pub fn memory(&self) -> f64 {
        let ratio = self.scores_per_independent_one();
        // The variance of sums of g − φ·g', (1 − φ)²·ratio, shall be that of independent ones,
        // 1 + φ² − 2φ·correlation.
        let more = ratio - 1.0;
        if more <= 1e-12 {
            return 0.0;
        }
        let middle = ratio - self.with_the_last().clamp(0.0, 1.0);
        let root = (middle * middle - more * more).max(0.0).sqrt();
        ((middle - root) / more).clamp(0.0, 1.0)
    }

    /// Scores until the correlation has gone.
    pub fn time(&self) -> f64 {
        (self.scores_per_independent_one() - 1.0) / 2.0
    }

    /// What is left of a score after what the one before has said already, from −1 to 1. If a score
    /// is expected to keep φ of the last one's distance from a mean that is not positive, what is
    /// left has no positive mean given the past.
    pub fn innovation(memory: f64, score: f64, last: f64) -> f64 {
        memory.mul_add(-last, score) / (1.0 + memory)
    }
}

impl Blocks {
    fn end(&mut self, length: u64, number: u64) {
        if number > 1 {
            let apart = self.sum.0 - self.before.0;
            let reach = (REACH / float(length)).max(BLOCKS_REACH);
            let per_score = apart * apart / (2.0 * float(length));
            towards(&mut self.variance, per_score, float(number - 1), reach);
        }
        self.before = self.sum;
        self.sum.0 = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Noise that keeps a share of what it was.
    fn learnt(seed: u64, share: f64, scores: usize) -> Correlation {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut correlation, mut noise) = (Correlation::default(), 0.0);
        for _ in 0..scores {
            let fresh: f64 = (0..4).map(|_| rng.random::<f64>() - 0.5).sum();
            noise = share * noise + (1.0 - share * share).sqrt() * fresh;
            correlation.learn((noise * 0.4).clamp(-1.0, 1.0));
        }
        correlation
    }

    #[test]
    fn finds_the_share_that_is_kept() {
        for seed in 0..5 {
            let none = learnt(seed, 0.0, 8_000);
            assert!(none.memory() < 0.15, "{}", none.memory());
            assert!(none.scores_per_independent_one() < 1.4, "{none:?}");
            for share in [0.3, 0.6, 0.9] {
                let found = learnt(seed, share, 8_000).memory();
                assert!((share - 0.05..share + 0.12).contains(&found), "{share}: {found}");
            }
        }
        assert!(learnt(1, 0.9, 8_000).scores_per_independent_one() > 14.0);
    }

    /// One score in ten goes with those of forty around it; the next one says little of that.
    #[test]
    fn sees_episodes_that_the_next_score_hides() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut correlation = Correlation::default();
        for i in 0..20_000_u32 {
            let disturbed = (i / 40) % 10 == 3;
            let noise = rng.random::<f64>() - 0.5;
            let side = if (i / 400) % 2 == 0 { 0.9 } else { -0.9 };
            correlation.learn(if disturbed { side } else { noise });
        }
        assert!(correlation.scores_per_independent_one() > 5.0, "{correlation:?}");
        assert!(correlation.memory() > correlation.with_the_last() + 0.1, "{correlation:?}");
    }

    #[test]
    fn few_scores_are_trusted_less_where_care_is_taken() {
        let ratio = |mut correlation: Correlation, count: u32| {
            (0..count).for_each(|i| correlation.learn(if i % 4 < 2 { 0.5 } else { -0.5 }));
            correlation.scores_per_independent_one()
        };
        let of =
            |count| (ratio(Correlation::default(), count), ratio(Correlation::careful(), count));
        let (few, many) = (of(60), of(4_000));
        assert!(few.1 > 1.4 * few.0 && few.1 < 4.0, "{few:?}");
        assert!(many.1 < 1.05 * many.0, "{many:?}");
    }

    #[test]
    fn a_change_of_level_is_no_memory() {
        let mut correlation = learnt(2, 0.0, 4_000);
        let before = correlation.memory();
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        (0..200).for_each(|_| correlation.learn(0.3 + 0.5 * (rng.random::<f64>() - 0.5)));
        assert!(correlation.memory() < before + 0.3, "{before} {}", correlation.memory());
    }

    #[test]
    fn what_never_varies_has_no_memory_to_speak_of() {
        let mut correlation = Correlation::default();
        (0..1_000).for_each(|_| correlation.learn(-1.0));
        assert!(correlation.memory() < 0.1, "{correlation:?}");
    }

    proptest! {
        #[test]
        fn everything_stays_within_its_bounds(
            scores in prop::collection::vec(prop_oneof![Just(-1.0), Just(0.0), Just(1.0), -1.0..1.0], 0..600),
        ) {
            let mut correlation = Correlation::default();
            for score in scores {
                let memory = correlation.memory();
                prop_assert!((0.0..=1.0).contains(&memory), "{memory}");
                prop_assert!((1.0..=MOST_RATIO).contains(&correlation.scores_per_independent_one()));
                let left = Correlation::innovation(memory, score, correlation.last.0);
                prop_assert!((-1.0..=1.0).contains(&left), "{left}");
                correlation.learn(score);
            }
        }

        /// Expected to keep the share of a distance from a mean that is not positive, what is left
        /// gains nothing.
        #[test]
        fn what_is_left_has_no_positive_mean(
            memory in 0.0..1.0_f64, mean in -1.0..=0.0_f64, last in -1.0..1.0_f64,
        ) {
            let expected = mean + memory * (last - mean);
            prop_assert!(Correlation::innovation(memory, expected, last) <= 1e-12);
        }
    }
}
