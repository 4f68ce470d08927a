//! From evidence to verdicts.

use serde::{Deserialize, Serialize};

use crate::detect::{Alpha, Verdict};

/// The evidence that verdicts need, as decimal logarithms.
///
/// The comparison is *regressed* as soon as one of its streams is, so the streams share α; it is
/// *not worse* only when all are, so there each one has α to itself. Either way the verdict on the
/// whole is ever wrong with probability at most α.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Needed {
    /// For *regressed*.
    pub regressed: f64,
    /// For *not worse*.
    pub not_worse: f64,
}

impl Needed {
    /// For a comparison of so many streams.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // a few thousand
    pub fn of(alpha: Alpha, streams: usize) -> Self {
        let alone = alpha.log10_needed();
        Self { regressed: alone + (streams.max(1) as f64).log10(), not_worse: alone }
    }
}

/// A stream's verdict, which is never taken back: the first evidence to arrive decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Decision(Verdict);

impl Decision {
    pub fn none() -> Self {
        Self(Verdict::Undecided)
    }

    pub fn verdict(self) -> Verdict {
        self.0
    }

    /// Looks at both evidences; the verdict, if it has just been reached.
    pub fn step(&mut self, needed: Needed, regressed: f64, not_worse: f64) -> Option<Verdict> {
        if self.0 != Verdict::Undecided {
            return None;
        }
        if regressed >= needed.regressed {
            self.0 = Verdict::Regressed;
        } else if not_worse >= needed.not_worse {
            self.0 = Verdict::NotWorse;
        }
        (self.0 != Verdict::Undecided).then_some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regressed_needs_more_where_many_could_say_it() {
        let needed = Needed::of(Alpha::DEFAULT, 10);
        assert!((needed.regressed - 3.0).abs() < 1e-9 && (needed.not_worse - 2.0).abs() < 1e-9);
        let mut decision = Decision::none();
        assert_eq!(decision.step(needed, 2.9, 1.9), None);
        assert_eq!(decision.step(needed, 2.9, 2.1), Some(Verdict::NotWorse));
        assert_eq!(decision.step(needed, 9.0, 2.1), None);
        assert_eq!(decision.verdict(), Verdict::NotWorse);
    }
}
