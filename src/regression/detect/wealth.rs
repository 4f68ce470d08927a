//! What bets earn, in logarithms: neither a year of wins overflows nor a year of losses underflows.

use std::f64::consts::LN_10;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::exact::Exact;

/// `ln(1 + e^x)` without overflow.
fn ln_one_plus_exp(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// `ln` of the mean of `e^x`; −∞ if all are.
fn ln_mean_exp(values: &[Exact]) -> f64 {
    let most = greatest(values);
    if most.is_infinite() {
        return most;
    }
    let sum: f64 = values.iter().map(|v| (v.0 - most).exp()).sum();
    #[allow(clippy::cast_precision_loss)] // a handful
    let count = values.len() as f64;
    most + (sum / count).ln()
}

fn greatest(values: &[Exact]) -> f64 {
    values.iter().fold(f64::NEG_INFINITY, |most, v| most.max(v.0))
}

/// `N` logarithms as a list of exactly `N`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Exact>", into = "Vec<Exact>")]
struct Logs<const N: usize>([Exact; N]);

#[derive(Debug, Error)]
#[error("expected {expected} wealths, found {found}")]
struct WrongCount {
    expected: usize,
    found: usize,
}

impl<const N: usize> TryFrom<Vec<Exact>> for Logs<N> {
    type Error = WrongCount;

    fn try_from(values: Vec<Exact>) -> Result<Self, WrongCount> {
        let found = values.len();
        values.try_into().map(Self).map_err(|_| WrongCount { expected: N, found })
    }
}

impl<const N: usize> From<Logs<N>> for Vec<Exact> {
    fn from(logs: Logs<N>) -> Self {
        logs.0.to_vec()
    }
}

/// `ln` of the mean of two, of each of which the logarithm is known.
pub(super) fn ln_mean_of(a: f64, b: f64) -> f64 {
    ln_mean_exp(&[Exact(a), Exact(b)])
}

/// The mean of `N` e-detectors, each `M ← L·(M + 1)` (Shiryaev–Roberts).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Detectors<const N: usize>(Logs<N>);

impl<const N: usize> Default for Detectors<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Detectors<N> {
    pub fn new() -> Self {
        Self(Logs([Exact(f64::NEG_INFINITY); N]))
    }

    /// Takes one bet per detector: its factor, in logarithms.
    pub fn update(&mut self, ln_factors: &[f64; N]) {
        for (log, ln_factor) in self.0.0.iter_mut().zip(ln_factors) {
            log.0 = ln_factor + ln_one_plus_exp(log.0);
        }
    }

    /// `ln` of the mean; −∞ before the first bet.
    pub fn ln_mean(&self) -> f64 {
        ln_mean_exp(&self.0.0)
    }

    /// Decimal logarithm of the mean; `None` before the first bet.
    pub fn log10_mean(&self) -> Option<f64> {
        let ln = self.ln_mean();
        ln.is_finite().then_some(ln / LN_10)
    }

    /// Whether the mean reaches a threshold. Cheap while it is far.
    pub fn reaches(&self, ln_threshold: f64) -> bool {
        // A mean never exceeds the greatest.
        self.is_near(ln_threshold) && self.ln_mean() >= ln_threshold
    }

    /// Whether any of them reaches a threshold.
    pub fn is_near(&self, ln_threshold: f64) -> bool {
        greatest(&self.0.0) >= ln_threshold
    }
}

/// `ln` of the most that a process may gain in one episode.
const EPISODE: f64 = 1.609_437_912_434_100_3; // ln 5

/// `ln` of evidence that no verdict is content with.
const DECIDING: f64 = 3.0;

/// `ln` of what each of `N` bets may still gain in the episode under way: fivefold at most, however
/// long it waits for the next one. What is lost may be gained again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Episodes<const N: usize>(Logs<N>);

impl<const N: usize> Default for Episodes<N> {
    fn default() -> Self {
        Self(Logs([Exact(EPISODE); N]))
    }
}

impl<const N: usize> Episodes<N> {
    /// The stake that is possible of this one, for a gain of at most `gain` per stake. Known before
    /// the bet.
    pub fn stake(&self, bet: usize, usual: f64, gain: f64) -> f64 {
        usual.min(self.0.0[bet].0.exp_m1().max(0.0) / gain)
    }

    /// The stakes that are possible of these, for a gain of at most `gain` per stake.
    pub fn stakes(&self, usual: impl Fn(usize) -> f64, gain: f64) -> [f64; N] {
        std::array::from_fn(|bet| self.stake(bet, usual(bet), gain))
    }

    /// Takes off what the bets have gained, in an episode of so many.
    pub fn spend(&mut self, ln_factors: &[f64; N], episode: f64) {
        for (left, ln_factor) in self.0.0.iter_mut().zip(ln_factors) {
            left.0 = (left.0 - ln_factor + EPISODE / episode.max(1.0)).min(EPISODE);
        }
    }
}

/// The mean of `N` e-processes, each `W ← L·W` from 1, and its running maximum (Ville).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct EProcesses<const N: usize> {
    logs: Logs<N>,
    highest: Exact,
    #[serde(default)]
    episodes: Episodes<N>,
}

impl<const N: usize> EProcesses<N> {
    pub fn new() -> Self {
        Self { logs: Logs([Exact(0.0); N]), highest: Exact(0.0), episodes: Episodes::default() }
    }

    /// Begins with these shares of the wealth, of which the sum is 1; else each has the same.
    pub fn with_shares(shares: [f64; N]) -> Self {
        #[allow(clippy::cast_precision_loss)] // a handful
        let logs = shares.map(|share| Exact((share * N as f64).ln()));
        Self { logs: Logs(logs), ..Self::new() }
    }

    /// Takes one bet per process: its factor, in logarithms.
    pub fn update(&mut self, ln_factors: &[f64; N]) {
        self.add(ln_factors);
        self.note_highest();
    }

    /// The stakes that are possible of these, on a gain of at most the stake.
    pub fn stakes(&self, usual: impl Fn(usize) -> f64) -> [f64; N] {
        self.episodes.stakes(usual, 1.0)
    }

    /// As [`EProcesses::update`] at the stakes that are possible, in an episode of so many bets. What
    /// might decide is only noted where it may be `told` by now.
    pub fn update_within(
        &mut self,
        ln_factors: &[f64; N],
        episode: f64,
        told: impl FnOnce() -> bool,
    ) {
        self.add(ln_factors);
        self.episodes.spend(ln_factors, episode);
        if greatest(&self.logs.0) <= self.highest.0 {
            return;
        }
        let mean = ln_mean_exp(&self.logs.0);
        if mean > self.highest.0 && (mean < DECIDING || told()) {
            self.highest.0 = mean;
        }
    }

    fn add(&mut self, ln_factors: &[f64; N]) {
        for (log, ln_factor) in self.logs.0.iter_mut().zip(ln_factors) {
            log.0 += ln_factor;
        }
    }

    fn note_highest(&mut self) {
        // A mean never exceeds the greatest.
        if greatest(&self.logs.0) > self.highest.0 {
            self.highest.0 = self.highest.0.max(ln_mean_exp(&self.logs.0));
        }
    }

    /// `ln` of the highest mean so far, at least 0.
    pub fn ln_highest(&self) -> f64 {
        self.highest.0
    }

    /// Decimal logarithm of it.
    pub fn log10_highest(&self) -> f64 {
        self.highest.0 / LN_10
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact by design

    use super::*;

    #[test]
    fn detectors_follow_the_recursion() {
        let mut detectors = Detectors::<2>::new();
        assert_eq!(detectors.ln_mean(), f64::NEG_INFINITY);
        let (mut a, mut b) = (0.0, 0.0);
        for step in 1..50_u8 {
            let factors = [1.0 + 0.5 / f64::from(step), 0.9];
            a = factors[0] * (a + 1.0);
            b = factors[1] * (b + 1.0);
            detectors.update(&factors.map(f64::ln));
            let mean = f64::midpoint(a, b);
            assert!((detectors.ln_mean() - mean.ln()).abs() < 1e-12);
            assert!(
                detectors.reaches((mean * 0.999).ln()) && !detectors.reaches((mean * 1.001).ln())
            );
        }
    }

    #[test]
    fn a_bet_that_loses_all_ruins_a_process_for_good_and_a_detector_for_a_moment() {
        let mut detectors = Detectors::<1>::new();
        let mut processes = EProcesses::<1>::new();
        for ln_factor in [2.0, f64::NEG_INFINITY, 0.0] {
            detectors.update(&[ln_factor]);
            processes.update(&[ln_factor]);
        }
        assert!(detectors.ln_mean().abs() < 1e-15, "{}", detectors.ln_mean());
        assert!((processes.ln_highest() - 2.0).abs() < 1e-15);
    }

    /// However well bets go, an episode earns five, and two in a row 25.
    #[test]
    fn an_episode_is_worth_fivefold() {
        let mut processes = EProcesses::<2>::new();
        for bets in 1..=400_u32 {
            let stakes = processes.stakes(|bet| [0.1, 0.8][bet]);
            processes.update_within(&stakes.map(f64::ln_1p), 100.0, || bets > 130);
            let most = EPISODE * (1.0 + f64::from(bets) / 100.0);
            assert!(processes.ln_highest() <= most + 1e-9, "{bets}: {}", processes.ln_highest());
            assert!(bets > 130 || processes.ln_highest() < DECIDING, "nothing is told yet");
        }
        assert!(processes.ln_highest() > 4.5 * EPISODE, "{}", processes.ln_highest());
        // What is lost may be gained again.
        processes.update_within(&[-3.0, -3.0], 100.0, || true);
        assert!(processes.stakes(|_| 0.8).iter().all(|stake| *stake > 0.799));
    }

    #[test]
    fn a_million_wins_and_losses_stay_finite() {
        let mut detectors = Detectors::<2>::new();
        let mut processes = EProcesses::<2>::new();
        for _ in 0..1_000_000 {
            detectors.update(&[1.4_f64.ln(), 0.6_f64.ln()]);
            processes.update(&[1.4_f64.ln(), 0.6_f64.ln()]);
        }
        let expected = 1e6 * 1.4_f64.ln() - 2.0_f64.ln();
        assert!((processes.ln_highest() - expected).abs() < 1e-3);
        assert!(detectors.ln_mean() > expected && detectors.ln_mean() < expected + 2.0);
    }
}
