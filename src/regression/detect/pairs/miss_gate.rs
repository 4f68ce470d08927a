//! Whether a candidate may take over, judged by how often it fails or misses the SLO.

use serde::{Deserialize, Serialize};

use super::gate::{CountsFor, Verdict};
use super::misses::{GATE_BETS, GATE_SHARES, Misses};
use crate::regression::detect::alpha::Alpha;
use crate::regression::detect::exact::Exact;
use crate::regression::detect::repeats::Repeats;
use crate::regression::detect::wealth::EProcesses;

/// Of misses in a row nothing but the first one gains anything, up to so many; a row that is longer is none
/// of the usual ones.
const ROW: u32 = 15;

/// Misses of one side alone, one after the other: they are one piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct InARow(u32);

impl InARow {
    /// Whether the next pair, if it is a miss, is evidence of its own.
    fn counts(&self) -> bool {
        self.0 == 0 || self.0 >= ROW
    }

    /// `ln` of the factors that a pair earns, by what the one before makes expect; a miss that is not
    /// evidence of its own earns nothing, which is less than fair.
    fn earned(
        &self,
        miss: bool,
        expected: f64,
        ln_factors: impl FnOnce(f64) -> [f64; GATE_BETS],
    ) -> [f64; GATE_BETS] {
        match (self.counts(), miss) {
            (true, _) => ln_factors(expected),
            (false, true) => [0.0; GATE_BETS],
            (false, false) => ln_factors(0.0),
        }
    }

    /// Learns whether a pair was a miss; after the bet.
    fn learn(&mut self, miss: bool) {
        self.0 = if miss { self.0.saturating_add(1) } else { 0 };
    }
}

/// *Regressed*: the candidate misses more often than the baseline, by discordant pairs. *Not
/// worse*: its rate exceeds the baseline's by less than a margin. Each is ever wrong with
/// probability at most α. Without a margin two equal sides could not be told from a worse one. A
/// candidate worse by less than the margin deserves both verdicts; the first stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MissGate {
    margin: Exact,
    alpha: Alpha,
    regressed: EProcesses<GATE_BETS>,
    not_worse: EProcesses<GATE_BETS>,
    #[serde(default)]
    repeats: Repeats,
    /// Of the candidate alone, and of the baseline alone.
    #[serde(default)]
    in_a_row: [InARow; 2],
    pairs: u64,
    /// Since *not worse* was last begun anew.
    #[serde(default)]
    pairs_anew: u64,
    verdict: Verdict,
}

/// Without a margin: of what an earlier version has written.
impl Default for MissGate {
    fn default() -> Self {
        Self {
            margin: Exact(0.0),
            alpha: Alpha::DEFAULT,
            regressed: EProcesses::with_shares(GATE_SHARES),
            not_worse: EProcesses::with_shares(GATE_SHARES),
            repeats: Repeats::default(),
            in_a_row: Default::default(),
            pairs: 0,
            pairs_anew: 0,
            verdict: Verdict::Undecided,
        }
    }
}

impl MissGate {
    /// One that has seen nothing. `margin` is a share of all pairs: 0.01 for one percentage point;
    /// `None` unless from 0 to below 1.
    #[must_use]
    pub fn new(margin: f64, alpha: Alpha) -> Option<Self> {
        let within = (0.0..1.0).contains(&margin);
        within.then(|| Self { margin: Exact(margin), alpha, ..Self::default() })
    }

    /// Takes up one pair; the verdict so far.
    pub fn observe(&mut self, misses: Misses) -> Verdict {
        self.observe_for(misses, CountsFor::BOTH)
    }

    /// Takes up one pair that counts for these verdicts; the verdict so far.
    pub fn observe_for(&mut self, misses: Misses, counts: CountsFor) -> Verdict {
        let [of_candidate, of_baseline] = &mut self.in_a_row;
        let (sign, margin) = (misses.sign(), self.margin.0);
        if counts.regressed {
            let factors = |repeat| misses.ln_gate_factors(0.0, 1.0, repeat);
            let expected = self.repeats.expected(1);
            self.regressed.update(&of_candidate.earned(sign > 0, expected, factors));
        }
        if counts.not_worse {
            let factors = |repeat| misses.ln_gate_factors(margin, -1.0, repeat);
            let expected = self.repeats.expected(-1);
            self.not_worse.update(&of_baseline.earned(sign < 0, expected, factors));
        }
        of_candidate.learn(misses.sign() > 0);
        of_baseline.learn(misses.sign() < 0);
        self.repeats.learn(misses.sign());
        self.pairs += 1;
        self.pairs_anew += 1;
        self.verdict = self.verdict.or(self.alpha, &self.regressed, &self.not_worse);
        self.verdict
    }

    /// *Not worse* is earned anew from here. What speaks for *regressed* stays.
    pub fn not_worse_anew(&mut self) {
        self.not_worse = EProcesses::with_shares(GATE_SHARES);
        self.pairs_anew = 0;
        if self.verdict == Verdict::NotWorse {
            self.verdict = Verdict::Undecided;
        }
    }

    /// The verdict so far.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Decimal logarithm of the highest evidence for *regressed*, at least 0.
    #[must_use]
    pub fn regressed_log10(&self) -> f64 {
        self.regressed.log10_highest()
    }

    /// Decimal logarithm of the highest evidence for *not worse* since it was last begun anew, at
    /// least 0.
    #[must_use]
    pub fn not_worse_log10(&self) -> f64 {
        self.not_worse.log10_highest()
    }

    /// The evidence a verdict needs.
    #[must_use]
    pub fn alpha(&self) -> Alpha {
        self.alpha
    }

    /// Pairs taken up since *not worse* was last begun anew.
    #[must_use]
    pub fn pairs_anew(&self) -> u64 {
        self.pairs_anew
    }

    /// Pairs taken up.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_in_a_row_counts_until_there_are_too_many() {
        let mut row = InARow::default();
        let mut counted = |misses: &str| -> String {
            let mut pair = |miss| {
                let counts = row.counts();
                row.learn(miss == '1');
                if counts { 'x' } else { '-' }
            };
            misses.chars().map(&mut pair).collect()
        };
        assert_eq!(counted("0011100"), "xxx---x");
        assert_eq!(counted("11111111111111111111"), "x--------------xxxxx");
        assert_eq!(counted("0101"), "xx-x");
    }

    /// Whoever fails after the other one, in a rhythm, is not the worse one.
    #[test]
    fn a_row_does_not_hide_what_speaks_against_it() {
        let mut gate = MissGate::new(0.01, Alpha::DEFAULT).unwrap();
        for i in 0..3_000 {
            gate.observe(Misses { baseline: i % 6 == 1 || i % 6 == 5, candidate: i % 6 == 0 });
        }
        assert!(gate.regressed_log10() < 1.0, "{}", gate.regressed_log10());
    }

    /// Shares of the wealth are that at the beginning: nothing is gained by them.
    #[test]
    fn wealth_begins_at_one() {
        let mut gate = MissGate::new(0.01, Alpha::DEFAULT).unwrap();
        assert!((GATE_SHARES.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        // Two fail alike: a hundredth of every stake is gained, of shares that are one together.
        gate.observe(Misses { baseline: true, candidate: true });
        let gained = 10_f64.powf(gate.not_worse_log10()) - 1.0;
        let expected = (0.1 * 0.1 + 0.15 * 0.2 + 0.25 * 0.4 + 0.5 * 0.9) * 0.01 / 1.01;
        assert!((gained - expected).abs() < 1e-12, "{gained} {expected}");
    }
}
