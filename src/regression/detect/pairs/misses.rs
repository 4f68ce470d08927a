//! Pairs of which only one side did badly.

/// Which sides of one round failed, or missed the SLO. A detector or gate watches one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Misses {
    /// The stack in use did.
    pub baseline: bool,
    /// The candidate did.
    pub candidate: bool,
}

/// Shares of the wealth put at stake: larger than for latencies, because few pairs are discordant
/// and a candidate that alone fails shows it in each of those.
const STAKES: [f64; 4] = [0.1, 0.2, 0.4, 0.8];

/// Those of a gate, and with which shares of the wealth it begins: most of it where few misses are
/// usual, which is where most pairs are needed.
const GATE_STAKES: [f64; 4] = [0.1, 0.2, 0.4, 0.9];
pub(super) const GATE_SHARES: [f64; GATE_STAKES.len()] = [0.1, 0.15, 0.25, 0.5];

/// Bets of a gate.
pub(in crate::regression::detect) const GATE_BETS: usize = GATE_STAKES.len();

/// Bets on discordant pairs.
pub(in crate::regression::detect) const BETS: usize = STAKES.len();

impl Misses {
    /// +1 where only the candidate did badly, −1 where only the baseline did, 0 where both fared
    /// alike.
    pub(super) fn sign(self) -> i8 {
        i8::from(self.candidate) - i8::from(self.baseline)
    }

    /// `ln` of `L = 1 + λ·((sign − margin)·direction − repeat)`. Fair against a candidate whose rate,
    /// given the past, exceeds the baseline's by at most (`direction` 1) or at least (−1) `margin`,
    /// in `[0, 1)`, and `repeat` (`Repeats::expected`).
    pub(in crate::regression::detect) fn ln_factors(
        self,
        margin: f64,
        direction: f64,
        repeat: f64,
    ) -> [f64; BETS] {
        self.ln_factors_at(STAKES, margin, direction, repeat)
    }

    /// The same at the stakes of a gate.
    pub(in crate::regression::detect) fn ln_gate_factors(
        self,
        margin: f64,
        direction: f64,
        repeat: f64,
    ) -> [f64; GATE_BETS] {
        self.ln_factors_at(GATE_STAKES, margin, direction, repeat)
    }

    fn ln_factors_at<const N: usize>(
        self,
        stakes: [f64; N],
        margin: f64,
        direction: f64,
        repeat: f64,
    ) -> [f64; N] {
        // |(sign − margin)·direction − repeat| ≤ 1 + margin + repeat: dividing by it keeps every
        // factor positive.
        let gain =
            (direction * (f64::from(self.sign()) - margin) - repeat) / (1.0 + margin + repeat);
        stakes.map(|stake| (stake * gain).ln_1p())
    }
}
