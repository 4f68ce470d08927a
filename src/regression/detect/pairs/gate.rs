//! Whether a candidate may take over, judged by its latency.

use serde::{Deserialize, Serialize};

use strum::{IntoStaticStr, VariantArray};

use super::bets::{BETS, PairBets};
use crate::regression::detect::alpha::Alpha;
use crate::regression::detect::effect::{Effect, Estimate};
use crate::regression::detect::observed::Pair;
use crate::regression::detect::tolerance::Tolerance;
use crate::regression::detect::wealth::EProcesses;

/// What is said of a candidate.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// More pairs are needed.
    Undecided,
    /// The candidate is not worse by more than the tolerance.
    NotWorse,
    /// An alarm is on: the candidate has changed for the worse. Gates by themselves never say so.
    Changed,
    /// The candidate is worse than the tolerance allows.
    Regressed,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Its name in logs, labels and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// For which verdicts a pair counts as evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountsFor {
    /// It is a bet that the candidate is worse.
    pub regressed: bool,
    /// It is a bet that the candidate is not worse.
    pub not_worse: bool,
}

impl CountsFor {
    /// As almost all do.
    pub const BOTH: Self = Self { regressed: true, not_worse: true };
}

/// Two e-processes over the same pairs, one for each verdict: each is ever wrong with probability
/// at most α, whenever one looks, while the noise is symmetric given the past. The first to arrive
/// decides.
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
        self.observe_for(pair, CountsFor::BOTH)
    }

    /// Takes up one pair that counts for these verdicts; the verdict so far.
    pub fn observe_for(&mut self, pair: Pair, counts: CountsFor) -> Verdict {
        let score = pair.score(self.tolerance);
        if counts.regressed {
            self.regressed.update(&self.bets.ln_factors(score));
        }
        if counts.not_worse {
            self.not_worse.update(&self.bets.ln_factors(-score));
        }
        self.bets.learn(score);
        self.pairs += 1;
        if let Some(ln_ratio) = pair.ln_ratio() {
            self.effect.add(ln_ratio);
        }
        self.verdict = self.verdict.or(self.alpha, &self.regressed, &self.not_worse);
        self.verdict
    }

    /// *Not worse* is earned anew from here, and the median ratio is that of later pairs. What
    /// speaks for *regressed* stays.
    pub fn not_worse_anew(&mut self) {
        self.not_worse = EProcesses::new();
        self.effect = Effect::default();
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

    /// The median ratio over all pairs since *not worse* was last begun anew.
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
