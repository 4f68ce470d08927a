//! Pairs of which only one side did badly.

/// Which sides of one round failed, or missed the SLO. A detector or gate watches one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misses {
    /// The stack in use did.
    pub baseline: bool,
    /// The candidate did.
    pub candidate: bool,
}

/// Shares of the wealth put at stake: larger than for latencies, because few pairs are discordant
/// and a candidate that alone fails shows it in each of those.
const STAKES: [f64; 4] = [0.1, 0.2, 0.4, 0.8];

/// Bets on discordant pairs.
pub(in crate::regression::detect) const BETS: usize = STAKES.len();

impl Misses {
    /// +1 where only the candidate did badly, −1 where only the baseline did, 0 where both fared
    /// alike.
    pub(super) fn sign(self) -> f64 {
        f64::from(self.candidate) - f64::from(self.baseline)
    }

    /// `ln` of `L = 1 + λ·(sign − margin)·direction`. Fair against a candidate whose rate exceeds
    /// the baseline's by at most (`direction` 1) or at least (−1) `margin`, in `[0, 1)`.
    pub(in crate::regression::detect) fn ln_factors(
        self,
        margin: f64,
        direction: f64,
    ) -> [f64; BETS] {
        // |sign − margin| ≤ 1 + margin: dividing by it keeps every factor positive.
        let gain = direction * (self.sign() - margin) / (1.0 + margin);
        STAKES.map(|stake| (stake * gain).ln_1p())
    }
}
