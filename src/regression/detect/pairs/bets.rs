//! Bets on which side of a pair was slower.

use serde::{Deserialize, Serialize};

use crate::regression::detect::scale::Scale;

/// Shares of the wealth put at stake.
const STAKES: [f64; 4] = [0.05, 0.1, 0.2, 0.4];

/// Four stakes on the sign, four on the size.
pub(in crate::regression::detect) const BETS: usize = 8;

/// `L = 1 + λ·g`, `g ∈ {sign D, D/(|D|+s)}`.
///
/// Fair while D is symmetric about something ≤ 0: both g are odd and grow with D, so their mean is
/// then at most 0. Where only the order is to count, `P(D > 0) ≤ P(D < 0)` suffices for the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::regression::detect) struct PairBets {
    scale: Scale,
}

impl PairBets {
    pub fn new() -> Self {
        Self { scale: Scale::unknown() }
    }

    /// `ln L` of every bet that the score is positive. For the bets that it is negative, whose null
    /// is the mirror image, give the negative score.
    pub fn ln_factors(&self, score: f64) -> [f64; BETS] {
        let sign = if score == 0.0 { 0.0 } else { score.signum() };
        let size = self.scale.share(score);
        let mut factors = [0.0; BETS];
        let (signs, sizes) = factors.split_at_mut(STAKES.len());
        for ((by_sign, by_size), stake) in signs.iter_mut().zip(sizes).zip(STAKES) {
            *by_sign = (stake * sign).ln_1p();
            *by_size = (stake * size).ln_1p();
        }
        factors
    }

    /// Learns the size of scores; after the bet.
    pub fn learn(&mut self, score: f64) {
        self.scale.learn(score);
    }
}
