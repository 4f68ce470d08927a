//! Whether a candidate may take over, judged by its latency.

use serde::{Deserialize, Serialize};

use super::bets::{BETS, PairBets};
use crate::detect::alpha::Alpha;
use crate::detect::effect::{Effect, Estimate};
use crate::detect::observed::Pair;
use crate::detect::tolerance::Tolerance;
use crate::detect::wealth::EProcesses;

/// What a gate says. It never takes a verdict back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// More pairs are needed.
    Undecided,
    /// The candidate is not worse by more than the tolerance.
    NotWorse,
    /// The candidate is worse than the tolerance allows.
    Regressed,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 3] = [Self::Undecided, Self::NotWorse, Self::Regressed];

    /// Its name in logs, labels and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undecided => "undecided",
            Self::NotWorse => "not_worse",
            Self::Regressed => "regressed",
        }
    }
}

/// Two e-processes over the same pairs, one for each verdict: each is ever wrong with probability
/// at most α, whenever one looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairGate {
    tolerance: Tolerance,
    alpha: Alpha,
    bets: PairBets,
    regressed: EProcesses<BETS>,
    not_worse: EProcesses<BETS>,
    effect: Effect,
    pairs: u64,
    verdict: Verdict,
}

impl PairGate {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(tolerance: Tolerance, alpha: Alpha) -> Self {
        Self {
            tolerance,
            alpha,
            bets: PairBets::new(),
            regressed: EProcesses::new(),
            not_worse: EProcesses::new(),
            effect: Effect::default(),
            pairs: 0,
            verdict: Verdict::Undecided,
        }
    }

    /// Takes up one pair; the verdict so far.
    pub fn observe(&mut self, pair: Pair) -> Verdict {
        let score = pair.score(self.tolerance);
        self.regressed.update(&self.bets.ln_factors(score));
        self.not_worse.update(&self.bets.ln_factors(-score));
        self.bets.learn(score);
        self.pairs += 1;
        if let Some(ln_ratio) = pair.ln_ratio() {
            self.effect.add(ln_ratio);
        }
        self.verdict = self.verdict.or(self.alpha, &self.regressed, &self.not_worse);
        self.verdict
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

    /// Decimal logarithm of the highest evidence for *not worse*, at least 0.
    #[must_use]
    pub fn not_worse_log10(&self) -> f64 {
        self.not_worse.log10_highest()
    }

    /// The evidence a verdict needs.
    #[must_use]
    pub fn alpha(&self) -> Alpha {
        self.alpha
    }

    /// The median ratio over all pairs.
    #[must_use]
    pub fn effect(&self) -> Option<Estimate> {
        self.effect.estimate()
    }

    /// Pairs taken up.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.pairs
    }
}

impl Verdict {
    /// The first of two e-processes to arrive decides.
    pub(super) fn or<const R: usize, const N: usize>(
        self,
        alpha: Alpha,
        regressed: &EProcesses<R>,
        not_worse: &EProcesses<N>,
    ) -> Self {
        match self {
            Self::Undecided if regressed.ln_highest() >= alpha.ln_needed() => Self::Regressed,
            Self::Undecided if not_worse.ln_highest() >= alpha.ln_needed() => Self::NotWorse,
            verdict => verdict,
        }
    }
}
