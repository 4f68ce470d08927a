//! Latencies as a server under load has them.

use std::f64::consts::TAU;

use llm_prober::regression::detect::{HourOfDay, Observed, Pair};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Seconds from one probe to the next.
pub const INTERVAL: i64 = 15;

/// Probes in a day.
pub const DAY: usize = 5760;

const SIGMA: f64 = 0.25;
const TAIL_SHARE: f64 = 0.02;
const TAIL_FACTOR: f64 = 3.0;

/// How usual latencies vary.
#[derive(Debug, Clone, Copy, Default)]
pub struct Load {
    /// Amplitude of the daily swing of the latency's logarithm.
    pub swing: f64,
    /// Correlation of a probe's noise with that of the probe before.
    pub correlation: f64,
}

/// A stream of latencies.
#[derive(Clone)]
pub struct Stream {
    rng: ChaCha8Rng,
    load: Load,
    noise: f64,
    at: usize,
}

impl Stream {
    pub fn new(seed: u64, load: Load) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let noise = StandardNormal.sample(&mut rng);
        Self { rng, load, noise, at: 0 }
    }

    /// The next latency, `ratio` times the usual, and the hour it was seen at.
    pub fn next(&mut self, ratio: f64) -> (HourOfDay, f64) {
        let swing = self.swing();
        self.at += 1;
        (self.hour(), ratio * swing * self.latency())
    }

    /// The next pair: the candidate is `ratio` times as slow, load is common to both.
    pub fn pair(&mut self, ratio: f64) -> Pair {
        let swing = self.swing();
        self.at += 1;
        Pair {
            baseline: Observed::Finite(swing * self.latency()),
            candidate: Observed::Finite(ratio * swing * self.latency()),
        }
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.rng.random::<f64>() < probability
    }

    #[allow(clippy::cast_precision_loss)]
    fn swing(&self) -> f64 {
        if self.load.swing == 0.0 {
            return 1.0;
        }
        (self.load.swing * (TAU * self.at as f64 / DAY as f64).sin()).exp()
    }

    #[allow(clippy::cast_possible_wrap)]
    fn hour(&self) -> HourOfDay {
        HourOfDay::of_unix_seconds(self.at as i64 * INTERVAL)
    }

    fn latency(&mut self) -> f64 {
        let fresh: f64 = StandardNormal.sample(&mut self.rng);
        let rho = self.load.correlation;
        self.noise = rho * self.noise + (1.0 - rho * rho).sqrt() * fresh;
        let tail = if self.chance(TAIL_SHARE) { TAIL_FACTOR } else { 1.0 };
        (SIGMA * self.noise).exp() * tail
    }
}
