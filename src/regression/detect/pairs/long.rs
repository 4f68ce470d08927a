//! Bets on which side of a pair took longer than almost all requests of the baseline do.

use serde::{Deserialize, Serialize};

use super::bets::PairBets;
use super::misses::{BETS as RECOVERING, Misses};
use crate::regression::detect::correlation::Correlation;
use crate::regression::detect::exact::Exact;
use crate::regression::detect::observed::Pair;
use crate::regression::detect::repeats::Repeats;
use crate::regression::detect::tolerance::Tolerance;
use crate::regression::detect::wealth::Detectors;

/// Shares of the baseline's requests that are long, by level.
const SHARES: [f64; 2] = [0.01, 0.001];

/// How many levels there are.
pub const LEVELS: usize = SHARES.len();

/// The level of which a gate asks that the candidate's requests are not longer: it is exceeded so
/// seldom that little noise is in it.
pub const RAREST: usize = LEVELS - 1;

/// Shares of the wealth put at stake.
const STAKES: [f64; 4] = [0.1, 0.2, 0.4, 0.8];

/// Four stakes for each level.
pub(in crate::regression::detect) const BETS: usize = LEVELS * STAKES.len();

/// `ln` of the evidence that more long requests have gone.
const LN_RECOVERED: f64 = 6.907_755_278_982_137; // ln 1000

/// Levels that the baseline's latencies exceed in these shares in the long run, whatever their
/// distribution: each rises at one that exceeds it, and falls a little at any other one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::regression::detect) struct Levels {
    /// `ln` of the seconds. None before the first latency.
    ln: Option<[Exact; LEVELS]>,
}

impl Levels {
    /// Which sides of a pair take longer, by level: the candidate by more than is tolerated. `None`
    /// while nothing is known, and where a side failed: failures are judged by themselves.
    ///
    /// Known before the pair: where the candidate is at most by the tolerance slower, it is long
    /// alone no more often than the baseline is.
    pub fn misses(&self, pair: Pair, tolerance: Tolerance) -> Option<[Misses; LEVELS]> {
        let (baseline, candidate) = (pair.baseline.ln(), pair.candidate.ln());
        self.ln.filter(|_| pair.is_whole()).map(|levels| {
            levels.map(|level| Misses {
                baseline: baseline > level.0,
                candidate: candidate > level.0 + tolerance.ln(),
            })
        })
    }

    /// Learns a latency of the baseline, by steps of this size; after the bet. What failed has none.
    pub fn learn(&mut self, ln: f64, step: f64) {
        if !ln.is_finite() {
            return;
        }
        let levels = self.ln.get_or_insert([Exact(ln); LEVELS]);
        for (level, share) in levels.iter_mut().zip(SHARES) {
            level.0 += step * (f64::from(u8::from(ln > level.0)) - share);
        }
    }
}

/// Whether a candidate has more long requests than its baseline, whatever the median is.
///
/// `L = 1 + λ·g`, g which side alone is long. Long requests come in clusters, such as a queue makes, and
/// a cluster is one piece of evidence: so only the first of each is bet on. Fair while that is no more
/// often the candidate's, given the past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::regression::detect) struct Long {
    levels: Levels,
    /// Pairs since the last one of which one side alone was long, by level.
    since: [u32; LEVELS],
    /// By how much more often the candidate alone is long, lately.
    more: [Exact; LEVELS],
    detectors: Detectors<BETS>,
    /// While an alarm is on that these have raised.
    recovery: Option<Recovery>,
}

impl Default for Long {
    fn default() -> Self {
        Self {
            levels: Levels::default(),
            since: [u32::MAX; LEVELS],
            more: [Exact(0.0); LEVELS],
            detectors: Detectors::new(),
            recovery: None,
        }
    }
}

/// Pairs after which what was before counts little for how often the candidate is long.
const REACH: f64 = 500.0;

/// A cluster is over after so many times the time in which the correlation of pairs goes, and after so
/// many pairs at most.
const CLUSTER_TIMES: f64 = 20.0;
const CLUSTER_MOST: f64 = 240.0;

/// For a verdict, which one episode shall not decide, no cluster is over before so many pairs.
pub(super) const CLUSTER_LEAST: f64 = 40.0;

/// Which sides of a pair are long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LongMisses {
    /// They are.
    pub misses: Misses,
    /// Whether one side alone would be the first of a cluster.
    pub first: bool,
}

/// Bets that the candidate has less than half as many more long requests as it had when the alarm
/// went off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Recovery {
    level: usize,
    half: Exact,
    repeats: Repeats,
    detectors: Detectors<RECOVERING>,
}

impl Long {
    /// Which sides of a pair are long, by level; asked before it is observed. As [`Levels::misses`]. A
    /// cluster is not over before `least` pairs.
    pub fn misses(
        &self,
        pair: Pair,
        tolerance: Tolerance,
        correlation: &Correlation,
        least: f64,
    ) -> Option<[LongMisses; LEVELS]> {
        let cluster = (CLUSTER_TIMES * correlation.time()).clamp(least, CLUSTER_MOST);
        let misses = self.levels.misses(pair, tolerance)?;
        Some(std::array::from_fn(|level| LongMisses {
            misses: misses[level],
            first: f64::from(self.since[level]) >= cluster,
        }))
    }

    /// Takes up a pair; `bets`: how large the scores of pairs usually are, and how they follow on each
    /// other.
    pub fn observe(&mut self, pair: Pair, tolerance: Tolerance, bets: &PairBets) {
        if let Some(misses) = self.misses(pair, tolerance, bets.correlation(), 0.0) {
            let mut factors = [0.0; BETS];
            let known = misses.iter().zip(&mut self.since).zip(&mut self.more);
            let bets = factors.chunks_exact_mut(STAKES.len()).zip(known);
            for (factors, ((long, since), more)) in bets {
                let sign = f64::from(long.misses.sign());
                if long.first {
                    factors.copy_from_slice(&STAKES.map(|stake| (stake * sign).ln_1p()));
                }
                *since = if sign == 0.0 { since.saturating_add(1) } else { 0 };
                more.0 += (sign - more.0) / REACH;
            }
            self.detectors.update(&factors);
            if let Some(recovery) = &mut self.recovery {
                recovery.observe(misses[recovery.level.min(RAREST)].misses);
            }
        }
        if let Some(step) = bets.scale().usual() {
            self.levels.learn(pair.baseline.ln(), step);
        }
    }

    /// Whether the evidence reaches a threshold. Cheap while it is far.
    pub fn reaches(&self, ln_threshold: f64) -> bool {
        self.detectors.reaches(ln_threshold)
    }

    /// Whether any bet has reached a threshold.
    pub fn is_near(&self, ln_threshold: f64) -> bool {
        self.detectors.is_near(ln_threshold)
    }

    /// `ln` of the evidence; −∞ before the first bet.
    pub fn ln_mean(&self) -> f64 {
        self.detectors.ln_mean()
    }

    /// The alarm has been raised by long requests: what will have to go.
    pub fn raised(&mut self) {
        let more = self.more.iter().map(|more| more.0).enumerate();
        let Some((level, mean)) = more.max_by(|a, b| a.1.total_cmp(&b.1)) else { return };
        self.recovery = Some(Recovery {
            level,
            half: Exact(mean.clamp(0.0, 1.0) / 2.0),
            repeats: Repeats::default(),
            detectors: Detectors::new(),
        });
    }

    /// Whether what raised the alarm has gone, as far as long requests did.
    pub fn is_recovered(&self) -> bool {
        self.recovery.as_ref().is_none_or(|recovery| recovery.detectors.reaches(LN_RECOVERED))
    }

    /// The alarm is over: the evidence starts from nothing.
    pub fn cleared(&mut self) {
        self.detectors = Detectors::new();
        self.recovery = None;
    }
}

impl Recovery {
    fn observe(&mut self, misses: Misses) {
        let repeat = self.repeats.expected(-1);
        self.detectors.update(&misses.ln_factors(self.half.0, -1.0, repeat));
        self.repeats.learn(misses.sign());
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::regression::detect::observed::Observed;

    /// A latency between a half and twice the usual, of which this share takes two seconds more.
    fn latency(rng: &mut ChaCha8Rng, share: f64) -> Observed {
        let more = if rng.random::<f64>() < share { 2.0 } else { 0.0 };
        Observed::Finite(0.2 * (1.4 * (rng.random::<f64>() - 0.5)).exp() + more)
    }

    /// Bets that know how large scores are: a third.
    fn bets() -> PairBets {
        let mut bets = PairBets::default();
        (0..100).for_each(|i| bets.learn(if i % 3 == 0 { 0.3 } else { -0.3 }));
        bets
    }

    #[test]
    fn levels_are_exceeded_as_often_as_they_say() {
        for kind in [0.0, 0.004, 0.05] {
            let (mut rng, mut levels) = (ChaCha8Rng::seed_from_u64(4), Levels::default());
            let mut exceeded = [0_u32; LEVELS];
            for _ in 0..100_000 {
                let baseline = latency(&mut rng, kind);
                let pair = Pair { baseline, candidate: baseline };
                let misses = levels.misses(pair, Tolerance::PAIRS).unwrap_or_default();
                for (count, misses) in exceeded.iter_mut().zip(misses) {
                    *count += u32::from(misses.baseline);
                }
                levels.learn(pair.baseline.ln(), 0.25);
            }
            let [hundredth, thousandth] = exceeded;
            assert!((950..1_060).contains(&hundredth), "{kind}: {exceeded:?}");
            assert!((85..130).contains(&thousandth), "{kind}: {exceeded:?}");
        }
    }

    #[test]
    fn failures_move_no_level_and_are_not_long() {
        let mut levels = Levels::default();
        levels.learn(f64::INFINITY, 0.25);
        assert_eq!(levels, Levels::default());
        levels.learn(-1.0, 0.25);
        let before = levels.clone();
        levels.learn(f64::INFINITY, 0.25);
        assert_eq!(levels, before);
        let failed = Pair { baseline: Observed::Finite(1.0), candidate: Observed::Failed };
        assert_eq!(levels.misses(failed, Tolerance::PAIRS), None);
    }

    /// Two in a hundred requests take two seconds more, and then no longer.
    #[test]
    fn a_longer_tail_is_evidence_until_it_has_gone() {
        let (mut rng, mut long, bets) = (ChaCha8Rng::seed_from_u64(1), Long::default(), bets());
        let observe = |long: &mut Long, rng: &mut ChaCha8Rng, share| {
            let pair = Pair { baseline: latency(rng, 0.0), candidate: latency(rng, share) };
            long.observe(pair, Tolerance::PAIRS, &bets);
        };
        (0..5_000).for_each(|_| observe(&mut long, &mut rng, 0.0));
        assert!(long.ln_mean() < 172_800_f64.ln(), "{}", long.ln_mean());
        (0..2_500).for_each(|_| observe(&mut long, &mut rng, 0.02));
        assert!(long.ln_mean() > 172_800_f64.ln(), "{}", long.ln_mean());
        long.raised();
        (0..2_000).for_each(|_| observe(&mut long, &mut rng, 0.02));
        assert!(!long.is_recovered());
        (0..4_000).for_each(|_| observe(&mut long, &mut rng, 0.0));
        assert!(long.is_recovered());
        long.cleared();
        assert!(long.ln_mean().is_infinite());
    }

    /// One in a hundred pairs begins thirty of which one side's take two seconds more.
    #[test]
    fn a_cluster_is_one_piece_of_evidence() {
        let mut long = Long::default();
        // Scores that go up and down slowly: a cluster lasts as long as they do.
        let mut bets = PairBets::default();
        (0..4_000).for_each(|i| bets.learn(if i / 30 % 2 == 0 { 0.3 } else { -0.3 }));
        let of = |seconds| Observed::Finite(seconds);
        let usual = Pair { baseline: of(0.2), candidate: of(0.2) };
        (0..1_000).for_each(|_| long.observe(usual, Tolerance::PAIRS, &bets));
        let before = long.clone();
        let slow = Pair { candidate: of(2.2), ..usual };
        (0..30).for_each(|_| long.observe(slow, Tolerance::PAIRS, &bets));
        let mut once = before;
        once.observe(slow, Tolerance::PAIRS, &bets);
        (1..30).for_each(|_| once.observe(usual, Tolerance::PAIRS, &bets));
        assert!((long.ln_mean() - once.ln_mean()).abs() < 1e-9);
    }

    /// What both have is no evidence, however often: fair coins.
    #[test]
    fn a_tail_of_both_sides_is_no_evidence() {
        let mut raised = 0;
        for seed in 0..4 {
            let (mut rng, mut long) = (ChaCha8Rng::seed_from_u64(seed), Long::default());
            let bets = bets();
            for _ in 0..5_000 {
                let of = |rng: &mut ChaCha8Rng| latency(rng, 0.03);
                let pair = Pair { baseline: of(&mut rng), candidate: of(&mut rng) };
                long.observe(pair, Tolerance::PAIRS, &bets);
                raised += u32::from(long.ln_mean() > 172_800_f64.ln());
            }
        }
        assert_eq!(raised, 0);
    }
}
