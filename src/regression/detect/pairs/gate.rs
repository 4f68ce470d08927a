//! Whether a candidate may take over, judged by its latency.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use strum::{IntoStaticStr, VariantArray};

use super::bets::{BETS, News, PairBets};
use crate::regression::detect::alpha::Alpha;
use crate::regression::detect::effect::{Effect, Estimate};
use crate::regression::detect::exact::Exact;
use crate::regression::detect::observed::Pair;
use crate::regression::detect::tolerance::Tolerance;
use crate::regression::detect::wealth::EProcesses;

fn least_episode() -> Exact {
    Exact(EPISODE_LEAST)
}

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

/// An episode of one side, such as a burst of others' requests, may last so long, in seconds.
const EPISODE_SECONDS: f64 = 600.0;

/// It has passed after so many times the time in which the measured correlation goes; in pairs it
/// lasts so many at least.
const EPISODE_TIMES: f64 = 10.0;
const EPISODE_LEAST: f64 = 20.0;

/// Two e-processes over the same pairs, one for each verdict: each is ever wrong with probability
/// at most α, whenever one looks, while the noise has no more memory than was measured of it. The
/// first to arrive decides.
///
/// An episode may earn five times as much and no more, so that a verdict takes several, and none
/// stands before all pairs together are worth 40 independent ones, nor while the interval of the median
/// ratio does not agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairGate {
    tolerance: Tolerance,
    alpha: Alpha,
    /// Pairs in the longest episode that is reckoned with.
    #[serde(default = "least_episode")]
    longest_episode: Exact,
    bets: PairBets,
    regressed: EProcesses<BETS>,
    not_worse: EProcesses<BETS>,
    effect: Effect,
    pairs: u64,
    verdict: Verdict,
    /// Whether the middle of the interval is enough to agree.
    #[serde(default)]
    by_middle: bool,
}

/// Whether a median ratio agrees with a verdict.
type Agrees = fn(Estimate, f64, bool) -> bool;

/// Whether the median ratio is beyond what is tolerated.
fn is_beyond(found: Estimate, most: f64, by_middle: bool) -> bool {
    if by_middle {
        found.ratio.is_none_or(|ratio| ratio > most)
    } else {
        found.lower.is_some_and(|lower| lower > most)
    }
}

/// Whether it is not.
fn is_within(found: Estimate, most: f64, by_middle: bool) -> bool {
    let bound = if by_middle { found.ratio } else { found.upper };
    bound.is_some_and(|bound| bound < most)
}

impl PairGate {
    /// One that has seen nothing; there is a pair each `interval`, on average.
    #[must_use]
    pub fn new(tolerance: Tolerance, alpha: Alpha, interval: Duration) -> Self {
        let pairs = EPISODE_SECONDS / interval.as_secs_f64().max(1e-3);
        Self {
            tolerance,
            alpha,
            longest_episode: Exact(pairs.max(EPISODE_LEAST)),
            bets: PairBets::careful(),
            regressed: EProcesses::new(),
            not_worse: EProcesses::new(),
            effect: Effect::default(),
            pairs: 0,
            verdict: Verdict::Undecided,
            by_middle: false,
        }
    }

    /// One of pairs of several workloads, about their average. With its verdict only the middle of the
    /// interval must agree: what each of them must be at most is asked of its own.
    #[must_use]
    pub fn of_several(tolerance: Tolerance, alpha: Alpha, interval: Duration) -> Self {
        Self { by_middle: true, ..Self::new(tolerance, alpha, interval) }
    }

    /// Takes up one pair; the verdict so far.
    pub fn observe(&mut self, pair: Pair) -> Verdict {
        self.observe_for(pair, CountsFor::BOTH)
    }

    /// Takes up one pair that counts for these verdicts; the verdict so far.
    pub fn observe_for(&mut self, pair: Pair, counts: CountsFor) -> Verdict {
        let score = pair.score(self.tolerance);
        let news = self.bets.news(score);
        if let Some(ln_ratio) = pair.ln_ratio() {
            self.effect.add(ln_ratio);
        }
        let (episode, correlation) = (self.episode(), self.bets.correlation());
        let (effect, most, by_middle) =
            (&self.effect, 1.0 + self.tolerance.delta(), self.by_middle);
        let bet = |on: &mut EProcesses<BETS>, news: News, agrees: Agrees| {
            let factors = news.ln_factors_at(on.stakes(News::stake));
            on.update_within(&factors, episode, || {
                let estimate = effect.estimate(correlation.scores_per_independent_one());
                correlation.is_enough()
                    && estimate.is_some_and(|found| agrees(found, most, by_middle))
            });
        };
        if counts.regressed {
            bet(&mut self.regressed, news, is_beyond);
        }
        if counts.not_worse {
            bet(&mut self.not_worse, news.mirrored(), is_within);
        }
        self.bets.learn(score);
        self.pairs += 1;
        self.verdict = self.verdict.or(self.alpha, &self.regressed, &self.not_worse);
        self.verdict
    }

    /// Pairs in an episode.
    fn episode(&self) -> f64 {
        let passed = EPISODE_TIMES * self.bets.correlation().time();
        passed.clamp(EPISODE_LEAST, self.longest_episode.0)
    }

    /// So many pairs say as much as one would that is independent of all others.
    #[must_use]
    pub fn pairs_per_independent_one(&self) -> f64 {
        self.bets.correlation().scores_per_independent_one()
    }

    /// Whether all pairs together say enough for any verdict; what was gained before counts then.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.bets.correlation().is_enough()
    }

    /// *Not worse* is earned anew from here, and the median ratio is that of later pairs. What
    /// speaks for *regressed* stays.
    pub fn not_worse_anew(&mut self) {
        self.not_worse = EProcesses::new();
        // A change of level would pass for noise that stays, and its size for the usual one.
        self.bets = PairBets::careful();
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
        self.effect.estimate(self.pairs_per_independent_one())
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
