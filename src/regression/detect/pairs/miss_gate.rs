//! Whether a candidate may take over, judged by how often it fails or misses the SLO.

use serde::{Deserialize, Serialize};

use super::gate::{CountsFor, Verdict};
use super::misses::{BETS, Misses};
use crate::regression::detect::alpha::Alpha;
use crate::regression::detect::exact::Exact;
use crate::regression::detect::repeats::Repeats;
use crate::regression::detect::wealth::EProcesses;

/// *Regressed*: the candidate misses more often than the baseline, by discordant pairs. *Not
/// worse*: its rate exceeds the baseline's by less than a margin. Each is ever wrong with
/// probability at most α. Without a margin two equal sides could not be told from a worse one. A
/// candidate worse by less than the margin deserves both verdicts; the first stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MissGate {
    margin: Exact,
    alpha: Alpha,
    regressed: EProcesses<BETS>,
    not_worse: EProcesses<BETS>,
    #[serde(default)]
    repeats: Repeats,
    pairs: u64,
    verdict: Verdict,
}

/// Without a margin: of what an earlier version has written.
impl Default for MissGate {
    fn default() -> Self {
        Self {
            margin: Exact(0.0),
            alpha: Alpha::DEFAULT,
            regressed: EProcesses::new(),
            not_worse: EProcesses::new(),
            repeats: Repeats::default(),
            pairs: 0,
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
        if counts.regressed {
            let repeat = self.repeats.expected(1);
            self.regressed.update(&misses.ln_factors(0.0, 1.0, repeat));
        }
        if counts.not_worse {
            let repeat = self.repeats.expected(-1);
            self.not_worse.update(&misses.ln_factors(self.margin.0, -1.0, repeat));
        }
        self.repeats.learn(misses.sign());
        self.pairs += 1;
        self.verdict = self.verdict.or(self.alpha, &self.regressed, &self.not_worse);
        self.verdict
    }

    /// *Not worse* is earned anew from here. What speaks for *regressed* stays.
    pub fn not_worse_anew(&mut self) {
        self.not_worse = EProcesses::new();
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

    /// Pairs taken up.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.pairs
    }
}
