//! Whether what is bad comes in runs.

use serde::{Deserialize, Serialize};

/// Bad observations that count as seen before there are any, and those of them that were followed by
/// one alike.
const PRIOR: (u64, u64) = (10, 1);

/// Bad observations after which what was before counts half.
const REACH: u64 = 2000;

/// How often a bad observation is followed by one alike: failures that come in runs are not so many
/// pieces of evidence. Of pairs there are two kinds, by the side that did badly. Learnt from runs that
/// are over: one that never ends is none of the usual ones.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Repeats {
    bad: u64,
    repeated: u64,
    /// The sign of the observation before, and how many alike in a row; 0 is good.
    sign: i8,
    run: u64,
}

impl Repeats {
    /// What the observation before makes expect of the next one: the share of bad ones that were
    /// followed by one alike, 0 after one of another sign.
    #[allow(clippy::cast_precision_loss)] // a few thousand
    pub fn expected(&self, sign: i8) -> f64 {
        if self.sign != sign {
            return 0.0;
        }
        let (bad, repeated) = PRIOR;
        (self.repeated + repeated) as f64 / (self.bad + bad) as f64
    }

    /// Learns an observation; after the bet.
    pub fn learn(&mut self, sign: i8) {
        if sign == self.sign {
            self.run = self.run.saturating_add(1);
            return;
        }
        if self.sign != 0 {
            let run = self.run.min(REACH);
            self.bad += run;
            self.repeated += run.saturating_sub(1);
            if self.bad > REACH {
                self.bad /= 2;
                self.repeated /= 2;
            }
        }
        (self.sign, self.run) = (sign, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_learnt_when_they_are_over() {
        let mut repeats = Repeats::default();
        assert!(repeats.expected(1).abs() < 1e-12);
        (0..10).for_each(|_| repeats.learn(1));
        assert!((repeats.expected(1) - 0.1).abs() < 1e-12, "the first run is not over");
        assert!(repeats.expected(-1).abs() < 1e-12);
        for _ in 0..20 {
            repeats.learn(0);
            assert!(repeats.expected(1).abs() < 1e-12);
            (0..10).for_each(|_| repeats.learn(1));
        }
        assert!((0.8..0.9).contains(&repeats.expected(1)), "{repeats:?}");
        // Lone ones teach the opposite.
        for _ in 0..5_000 {
            repeats.learn(0);
            repeats.learn(1);
        }
        assert!(repeats.expected(1) < 0.05, "{repeats:?}");
    }
}
