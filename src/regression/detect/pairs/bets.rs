//! Bets on which side of a pair was slower.

use serde::{Deserialize, Serialize};

use crate::regression::detect::correlation::Correlation;
use crate::regression::detect::exact::Exact;
use crate::regression::detect::scale::Scale;

/// Shares of the wealth put at stake.
const STAKES: [f64; 4] = [0.1, 0.2, 0.4, 0.8];

/// Four stakes on the distance, four on the size.
pub(in crate::regression::detect) const BETS: usize = 8;

/// The bet by whose gain it is told since when evidence has been growing: on the size, at a middling
/// stake.
pub(in crate::regression::detect) const RISING: usize = 6;

/// `L = 1 + λ·(g − φ·g')/(1 + φ)`, `g ∈ {D/2s between −1 and 1, D/(|D|+s)}`, g' that of the pair
/// before, φ what of it is expected to be still there ([`Correlation`]), known before the pair. The
/// first g earns almost what is possible where noise is normal with some outliers; the second one where its
/// tails are heavy.
///
/// Without memory (φ = 0) fair while D is symmetric about something ≤ 0: both g are odd and grow
/// with D, so their mean is then at most 0. With a memory fair while g is expected to keep at most
/// φ of its distance from a mean that is not positive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub(in crate::regression::detect) struct PairBets {
    scale: Scale,
    correlation: Correlation,
    /// The size of the score before, as it is bet on.
    last: Exact,
}

impl Default for PairBets {
    fn default() -> Self {
        Self { scale: Scale::default(), correlation: Correlation::default(), last: Exact(0.0) }
    }
}

/// What was written down, by this version or by an earlier one, which knew no memory.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Now { scale: Scale, correlation: Correlation, last: Exact },
    Earlier(Scale),
}

impl From<Written> for PairBets {
    fn from(written: Written) -> Self {
        match written {
            Written::Now { scale, correlation, last } => Self { scale, correlation, last },
            Written::Earlier(scale) => Self { scale, ..Self::default() },
        }
    }
}

/// What a pair says that the one before has not said already: its distance from nothing and its size,
/// from −1 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::regression::detect) struct News {
    distance: f64,
    size: f64,
}

/// D/2s, between −1 and 1, of a size D/(|D|+s).
pub(in crate::regression::detect) fn distance(size: f64) -> f64 {
    (size / (1.0 - size.abs()) / 2.0).clamp(-1.0, 1.0)
}

impl PairBets {
    /// For a verdict that cannot be taken back.
    pub fn careful() -> Self {
        Self { correlation: Correlation::careful(), ..Self::default() }
    }

    /// What is new in a score.
    pub fn news(&self, score: f64) -> News {
        let (memory, last, size) =
            (self.correlation.memory(), self.last.0, self.scale.share(score));
        let left = |now: f64, last: f64| Correlation::innovation(memory, now, last);
        News { distance: left(distance(size), distance(last)), size: left(size, last) }
    }

    /// Learns the size of scores, and how they follow on each other; after the bet.
    pub fn learn(&mut self, score: f64) {
        if let Some(size) = self.follow(score) {
            self.remember(size);
        }
    }

    /// Learns the size of scores only. That of this one, as it was bet on; `None` while none is known.
    pub fn follow(&mut self, score: f64) -> Option<f64> {
        let known = score.is_infinite() || self.scale != Scale::default();
        self.last.0 = self.scale.share(score);
        self.scale.learn(score);
        known.then_some(self.last.0)
    }

    /// Learns how scores follow on each other, from the size of one of some time ago.
    pub fn remember(&mut self, size: f64) {
        self.correlation.learn(size);
    }

    /// The size of the score before.
    #[cfg(test)]
    pub fn last(&self) -> f64 {
        self.last.0
    }

    /// How large scores usually are.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }

    /// How scores follow on each other.
    pub fn correlation(&self) -> &Correlation {
        &self.correlation
    }
}

impl News {
    /// The mirror image: for bets that the score is negative.
    pub fn mirrored(self) -> Self {
        Self { distance: -self.distance, size: -self.size }
    }

    /// `ln L` of every bet that the score is positive, at the usual stakes.
    #[cfg(test)]
    pub fn ln_factors(self) -> [f64; BETS] {
        self.ln_factors_at(std::array::from_fn(Self::stake))
    }

    /// `ln L` of every bet that the score is positive, at these stakes, from 0 to below 1.
    pub fn ln_factors_at(self, stakes: [f64; BETS]) -> [f64; BETS] {
        std::array::from_fn(|bet| {
            let news = if bet < STAKES.len() { self.distance } else { self.size };
            (stakes[bet] * news).ln_1p()
        })
    }

    /// The usual stake of a bet.
    pub fn stake(bet: usize) -> f64 {
        STAKES[bet % STAKES.len()]
    }
}
