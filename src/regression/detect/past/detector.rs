//! The alarm that an endpoint has got slower than its own past.

use serde::{Deserialize, Serialize};

use super::hours::HourOfDay;
use super::latency_reference::{LatencyReference, PERCENTILES, share_above};
use super::share_detector::{LN_RECOVERED, RECOVERING, ln_recovering};
use crate::regression::detect::alarm::{Alarm, Change};
use crate::regression::detect::correlation::Correlation;
use crate::regression::detect::delay::Delay;
use crate::regression::detect::effect::{Effect, Estimate};
use crate::regression::detect::exact::Exact;
use crate::regression::detect::latency_alarm::{TO_RAISE, recent_ratio, step};
use crate::regression::detect::observed::Observed;
use crate::regression::detect::recent::Recent;
use crate::regression::detect::recovery::Recovery;
use crate::regression::detect::rise::Rise;
use crate::regression::detect::scale::Scale;
use crate::regression::detect::threshold::Threshold;
use crate::regression::detect::tolerance::Tolerance;
use crate::regression::detect::wealth::{Detectors, Episodes};

/// Shares of the wealth put at stake on how high an observation stands.
const STANDING: [f64; 3] = [0.15, 0.3, 0.6];

/// The same on its being in the tail.
const STAKES: [f64; 3] = [0.1, 0.3, 0.6];

/// By percentile: what is rare pays much, so less of it is put at stake.
const COURAGE: [f64; PERCENTILES.len()] = [0.3, 0.1];

/// A bet for each stake, on how high it stands and for each percentile.
const BETS: usize = STANDING.len() + PERCENTILES.len() * STAKES.len();

/// A tail is slower where so many times as many are in it as in the reference's.
const SLOWER_TAIL: f64 = 1.5;

/// An episode has passed after so many times the time in which the correlation goes; it lasts so many
/// observations at least, and is taken to last so many at most.
const EPISODE_TIMES: f64 = 10.0;
const EPISODE_LEAST: f64 = 20.0;
const EPISODE_MOST: f64 = 240.0;

/// The same of all observations, without bounds.
const EPISODE_OF_ALL: f64 = 5.0;

/// Of a longer run in the tail no more is learnt.
const LONGEST_RUN: u32 = 1000;

/// The most of it that one bet on a tail may lose.
const MOST: f64 = 0.9;

/// The bet by whose gain it is told since when evidence has been growing.
const RISING: usize = 1;

/// So many observations are learnt, of a hundred, before anything is bet.
const FIRST: u64 = 75;

/// `ln` of `L = 1 + λ·(g − φ·g')/(1 + φ)` by stake, g how high an observation stands, g' the one before,
/// of which φ is expected to be still there. Fair while it is expected to keep at most φ of its
/// distance from a mean that is not positive.
fn ln_standing(
    standing: f64,
    before: f64,
    memory: f64,
    stakes: [f64; STANDING.len()],
) -> [f64; STANDING.len()] {
    let left = Correlation::innovation(memory, standing, before);
    stakes.map(|stake| (stake * left).ln_1p())
}

/// `ln` of `L = 1 + λ·c·(B − m − φ·(B' − m))/m` by stake, for a level that is exceeded (B = 1) or not,
/// as it was by the observation before (B'), of which φ is expected to be still there. Fair while B
/// is expected to keep at most φ of its distance from a mean of at most m. `stakes` says what is
/// possible of a bet's usual stake.
pub(in crate::regression::detect) fn ln_factors(
    percentile: usize,
    exceeded: bool,
    before: bool,
    memory: f64,
    stakes: impl Fn(usize, f64) -> f64,
) -> [f64; STAKES.len()] {
    let share = share_above(PERCENTILES[percentile]);
    let distance = |exceeded| f64::from(exceeded) - share;
    let left = (distance(exceeded) - memory * distance(before)) / share;
    // No less is left than −(m + φ·(1 − m))/m.
    let most = MOST * share / (share + memory * (1.0 - share));
    std::array::from_fn(|bet| {
        (stakes(bet, STAKES[bet] * COURAGE[percentile]).min(most) * left).ln_1p()
    })
}

/// Watches one latency of one target and workload; give it every probe.
///
/// An alarm needs evidence of the threshold, and a recent median or tail beyond the tolerance of the
/// reference's. It clears when the median is back, on evidence that it is nearer to the reference's
/// than to what it was (of a tail, that half of what was too much in it has gone), and the evidence
/// starts from nothing: one regression is one alarm. The first hundred observations only teach how they follow on each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastDetector {
    reference: LatencyReference,
    tolerance: Tolerance,
    threshold: Threshold,
    detectors: Detectors<BETS>,
    /// What an episode may still earn by how high observations stand.
    #[serde(default)]
    episodes: Episodes<{ STANDING.len() }>,
    recent: Recent,
    effect: Effect,
    alarm: Alarm,
    /// How observations follow on each other, by how high they stand.
    #[serde(default)]
    correlation: Correlation,
    /// The same, by whether they are in the tail.
    #[serde(default)]
    tails: [Tail; PERCENTILES.len()],
    /// How far from the median observations usually are.
    #[serde(default)]
    scale: Scale,
    #[serde(default)]
    delay: Delay,
    /// How high the observation before stood.
    #[serde(default = "in_the_middle")]
    last: Exact,
    #[serde(default)]
    rise: Rise,
    /// While an alarm is on.
    #[serde(default)]
    recovery: Option<Recovering>,
    observations: u64,
}

/// Whether what raised an alarm has gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Recovering {
    Median(Recovery),
    /// Bets that less of all are in the tail than half way to what they were when the alarm went off.
    Tail {
        percentile: usize,
        half: Exact,
        bets: Detectors<RECOVERING>,
        /// And that the median is not about as high as is tolerated: when it slowly gets there, the tail
        /// is first.
        #[serde(default)]
        median: Option<Recovery>,
    },
}

fn in_the_middle() -> Exact {
    Exact(0.0)
}

impl Recovering {
    fn is_sure(&self) -> bool {
        match self {
            Self::Median(recovery) => recovery.is_sure(),
            Self::Tail { bets, median, .. } => {
                bets.reaches(LN_RECOVERED) && median.as_ref().is_none_or(Recovery::is_sure)
            }
        }
    }
}

/// How being in the tail follows on being in the tail. Learnt from runs that are over: one that never
/// ends, as an outage's, is none of the usual ones.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Tail {
    correlation: Correlation,
    /// What is in the tail comes in episodes, and pays much: one is worth fivefold at most.
    episodes: Episodes<{ STAKES.len() }>,
    /// Observations up to the last one that were in it.
    run: u32,
}

impl Tail {
    fn learn(&mut self, exceeded: bool) {
        if exceeded {
            self.run = (self.run + 1).min(LONGEST_RUN);
            return;
        }
        for _ in 0..std::mem::take(&mut self.run) {
            self.correlation.learn(1.0);
        }
        self.correlation.learn(0.0);
    }
}

/// The tail that is slower, if one is, the highest first.
fn slower_tail(tails: &[Tail; PERCENTILES.len()]) -> Option<Recovering> {
    let of = |percentile: usize| {
        let (share, mean) =
            (share_above(PERCENTILES[percentile]), tails[percentile].correlation.mean());
        let half = Exact(f64::midpoint(share, mean).min(1.0));
        let (bets, median) = (Detectors::new(), None);
        (mean > SLOWER_TAIL * share).then_some(Recovering::Tail { percentile, half, bets, median })
    };
    (0..PERCENTILES.len()).rev().find_map(of)
}

impl PastDetector {
    /// One that has seen nothing since its reference.
    #[must_use]
    pub fn new(reference: LatencyReference, tolerance: Tolerance, threshold: Threshold) -> Self {
        Self {
            reference,
            tolerance,
            threshold,
            detectors: Detectors::new(),
            episodes: Episodes::default(),
            recent: Recent::new(),
            effect: Effect::default(),
            alarm: Alarm::default(),
            correlation: Correlation::default(),
            tails: Default::default(),
            scale: Scale::default(),
            delay: Delay::default(),
            last: in_the_middle(),
            rise: Rise::default(),
            recovery: None,
            observations: 0,
        }
    }

    /// Takes up one observation, made at an hour of the UTC day. Of a kind of day that the reference
    /// knows nothing of, nothing is bet on it.
    pub fn observe(&mut self, hour: HourOfDay, observed: Observed) -> Option<Change> {
        if !self.reference.knows_days_like(hour) {
            return None;
        }
        let rest = self.reference.rest(hour, observed.ln());
        self.bet(rest, self.alarm.is_active());
        self.observations += 1;
        let ln_ratio = rest - self.reference.levels().ln_median();
        let reached = self.detectors.reaches(self.threshold.ln()) && self.correlation.is_enough();
        match &mut self.recovery {
            Some(Recovering::Median(recovery)) => {
                recovery.observe(ln_ratio, &self.scale, self.correlation.memory());
            }
            Some(Recovering::Tail { percentile, half, bets, median }) => {
                if let Some(median) = median {
                    median.observe(ln_ratio, &self.scale, self.correlation.memory());
                }
                let exceeded = self.reference.levels().exceeded(rest, self.tolerance);
                let bad = exceeded.get(*percentile).copied().flatten().unwrap_or(false);
                bets.update(&ln_recovering(bad, half.0));
            }
            None => {}
        }
        self.scale.learn(ln_ratio);
        self.recent.push(ln_ratio);
        self.effect.add(ln_ratio);
        let lasted = self.alarm.since() + 1;
        let (slower, recovery) = (slower_tail(&self.tails), self.recovery.as_ref());
        let (tail, recovered) = (|| slower.is_some(), || recovery.is_none_or(Recovering::is_sure));
        let change = step(&mut self.alarm, reached, tail, recovered, &self.recent, self.tolerance)?;
        match change {
            Change::Raised => {
                self.effect = Effect::since_chosen(self.recent.last(self.rise.observations()));
                let ratio = self.recent.median_of_last(self.rise.observations().max(TO_RAISE));
                let tolerated = self.tolerance.ln();
                let higher = ratio.is_some_and(|ln| ln > tolerated);
                let median = Recovery::of(ratio.map_or(tolerated, |ln| ln.max(tolerated)));
                self.recovery = Some(match slower {
                    Some(Recovering::Tail { percentile, half, bets, .. }) if !higher => {
                        Recovering::Tail { percentile, half, bets, median: Some(median) }
                    }
                    _ => Recovering::Median(median),
                });
            }
            Change::Cleared => {
                if !Delay::was_episode(lasted) {
                    self.delay.skip();
                }
                while let Some(score) = self.delay.due(self.correlation.scores()) {
                    self.correlation.learn(score);
                }
                self.detectors = Detectors::new();
                self.effect = Effect::default();
                self.recovery = None;
            }
        }
        Some(change)
    }

    /// Bets that an observation stands high, and that it is in the tail, as far as that is known; then
    /// learns how observations follow on each other, unless an alarm is on.
    fn bet(&mut self, rest: f64, alarmed: bool) {
        let levels = self.reference.levels();
        let mut factors = [0.0; BETS];
        let (by_standing, by_tail) = factors.split_at_mut(STANDING.len());
        let mut any = false;
        let each = self.correlation.scores_per_independent_one();
        let cushion = levels.cushion(self.tolerance, each);
        if let Some(standing) = levels.standing(rest, cushion) {
            if self.correlation.scores() >= FIRST {
                let stakes = self.episodes.stakes(|bet| STANDING[bet], 1.0);
                let memory = self.correlation.memory();
                let bets = ln_standing(standing, self.last.0, memory, stakes);
                self.episodes.spend(&bets, EPISODE_OF_ALL * self.correlation.time());
                by_standing.copy_from_slice(&bets);
                any = true;
            }
            self.last.0 = standing;
            if alarmed {
                self.delay.hold(standing);
            } else if let Some(score) = self.delay.next(standing, self.correlation.scores()) {
                self.correlation.learn(score);
            }
        }
        let tails = levels.exceeded(rest, self.tolerance).into_iter().zip(&mut self.tails);
        let bets = by_tail.chunks_exact_mut(STAKES.len()).zip(tails);
        for (percentile, (bets, (exceeded, known))) in bets.enumerate() {
            let Some(exceeded) = exceeded else { continue };
            if known.correlation.scores() >= FIRST {
                let (before, memory) = (known.run > 0, known.correlation.memory());
                let share = share_above(PERCENTILES[percentile]);
                let gain = (1.0 - share + memory * share) / share;
                let stakes = |bet, usual| known.episodes.stake(bet, usual, gain);
                let made = ln_factors(percentile, exceeded, before, memory, stakes);
                let passed = EPISODE_TIMES * known.correlation.time();
                known.episodes.spend(&made, passed.clamp(EPISODE_LEAST, EPISODE_MOST));
                bets.copy_from_slice(&made);
                any = true;
            }
            if !alarmed {
                known.learn(exceeded);
            }
        }
        if any {
            self.detectors.update(&factors);
            self.rise.add(factors[RISING]);
        }
    }

    /// Decimal logarithm of the evidence; `None` before the first observation.
    #[must_use]
    pub fn evidence_log10(&self) -> Option<f64> {
        self.detectors.log10_mean()
    }

    /// The median of the last few observations by the reference's, by which an alarm is raised;
    /// `None` without an observation, infinite where most of them failed.
    #[must_use]
    pub fn recent_ratio(&self) -> Option<f64> {
        recent_ratio(&self.recent)
    }

    /// While an alarm is on, the median ratio since the evidence began to grow; else since the last
    /// one was over, or since the reference. The interval reckons with the reference's own error.
    #[must_use]
    pub fn effect(&self) -> Option<Estimate> {
        let each = self.correlation.scores_per_independent_one();
        let estimate = self.effect.estimate(each)?;
        let error = self.reference.levels().error() * each.sqrt();
        Some(estimate.beside_an_error(error))
    }

    /// So many observations say as much as one would that is independent of all others.
    #[must_use]
    pub fn observations_per_independent_one(&self) -> f64 {
        self.correlation.scores_per_independent_one()
    }

    /// Whether its reference is of a weekend that is over: it takes another one.
    #[must_use]
    pub fn is_outlived(&self, at: HourOfDay) -> bool {
        self.reference.is_outlived(at)
    }

    /// Whether it is alarmed.
    #[must_use]
    pub fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// What it compares with.
    #[must_use]
    pub fn reference(&self) -> &LatencyReference {
        &self.reference
    }

    /// Observations taken up.
    #[must_use]
    pub fn observations(&self) -> u64 {
        self.observations
    }

    /// What is tolerated.
    #[must_use]
    pub fn tolerance(&self) -> Tolerance {
        self.tolerance
    }

    /// How much evidence an alarm needs.
    #[must_use]
    pub fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// Another threshold from now on: the fleet has grown or shrunk.
    pub fn set_threshold(&mut self, threshold: Threshold) {
        self.threshold = threshold;
    }
}
