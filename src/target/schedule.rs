//! When probes are wanted: arrival processes. Pure; the shell owns the clock.

use std::time::Duration;

use rand::RngExt;
use rand_distr::{Distribution, Exp1, Gamma};

/// How the gaps between a target's probes are distributed; the mean is always the interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrival {
    /// One probe per interval.
    Constant,
    /// Independent arrivals (exponential gaps): the default, because it sees a periodic problem
    /// at every phase.
    Poisson,
    /// Gamma-distributed gaps: burstier than Poisson for a shape below 1, calmer above.
    Gamma {
        /// The shape parameter, positive.
        shape: f64,
    },
    /// At the times that the requests of the workloads arrived at, again and again.
    Recorded {
        /// So many times as fast, positive.
        speed: f64,
    },
}

/// A target's arrival process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Mean time between probes.
    pub interval: Duration,
    /// Distribution of the gaps.
    pub arrival: Arrival,
}

impl Schedule {
    /// The delay before the first probe. Constant arrivals start at a random phase, so that a
    /// fleet of targets is not probed in one burst; the others are memoryless or nearly so.
    pub fn first_gap(&self, rng: &mut impl RngExt) -> Duration {
        match self.arrival {
            Arrival::Constant | Arrival::Recorded { .. } => {
                self.interval.mul_f64(rng.random::<f64>())
            }
            Arrival::Poisson | Arrival::Gamma { .. } => self.gap(rng),
        }
    }

    /// The time from one arrival to the next; of recorded ones the mean.
    pub fn gap(&self, rng: &mut impl RngExt) -> Duration {
        let factor: f64 = match self.arrival {
            Arrival::Constant | Arrival::Recorded { .. } => 1.0,
            Arrival::Poisson => Exp1.sample(rng),
            // `shape` is validated on load, so the distribution exists.
            Arrival::Gamma { shape } => {
                Gamma::new(shape, 1.0 / shape).map_or(1.0, |g| g.sample(rng))
            }
        };
        self.interval.mul_f64(factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const INTERVAL: Duration = Duration::from_secs(10);
    const DRAWS: u32 = 20_000;

    fn schedule(arrival: Arrival) -> Schedule {
        Schedule { interval: INTERVAL, arrival }
    }

    fn draws(gap: impl Fn(&mut ChaCha8Rng) -> Duration) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        (0..DRAWS).map(|_| gap(&mut rng).as_secs_f64() / INTERVAL.as_secs_f64()).collect()
    }

    fn moments(draws: &[f64]) -> (f64, f64) {
        let n = f64::from(DRAWS);
        let mean = draws.iter().sum::<f64>() / n;
        (mean, draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n)
    }

    /// In units of the interval the mean is 1 and the variance the process's own, within about
    /// four standard errors of either.
    fn check(arrival: Arrival, variance: f64, tolerance: f64) {
        let found = moments(&draws(|rng| schedule(arrival).gap(rng)));
        let mean_tolerance = 4.0 * (variance / f64::from(DRAWS)).sqrt();
        assert!((found.0 - 1.0).abs() <= mean_tolerance, "{arrival:?}: {found:?}");
        assert!((found.1 - variance).abs() <= tolerance, "{arrival:?}: {found:?}");
    }

    #[test]
    fn gaps_have_the_interval_as_mean_and_the_spread_of_their_process() {
        check(Arrival::Constant, 0.0, 0.0);
        check(Arrival::Poisson, 1.0, 0.09);
        // The variance of gamma gaps is 1 / shape.
        check(Arrival::Gamma { shape: 0.5 }, 2.0, 0.25);
        check(Arrival::Gamma { shape: 4.0 }, 0.25, 0.015);
    }

    /// Half of all exponential gaps are shorter than ln 2 of their mean; of gamma gaps with the
    /// same mean it is another share.
    #[test]
    fn poisson_gaps_are_exponential() {
        let gaps = draws(|rng| schedule(Arrival::Poisson).gap(rng));
        for (below, share) in [(0.1_f64, 0.095), (std::f64::consts::LN_2, 0.5), (3.0, 0.950)] {
            let n = u32::try_from(gaps.iter().filter(|g| **g < below).count()).unwrap();
            let found = f64::from(n) / f64::from(DRAWS);
            assert!((found - share).abs() < 0.014, "{found} below {below}");
        }
    }

    /// A fleet of targets with constant arrivals is not probed in one burst.
    #[test]
    fn constant_arrivals_begin_anywhere_in_the_first_interval() {
        let first = draws(|rng| schedule(Arrival::Constant).first_gap(rng));
        assert!(first.iter().all(|x| (0.0..1.0).contains(x)));
        let (mean, variance) = moments(&first);
        assert!((mean - 0.5).abs() < 0.01 && (variance - 1.0 / 12.0).abs() < 0.003, "{mean}");
        let gap = draws(|rng| schedule(Arrival::Poisson).first_gap(rng));
        assert!((moments(&gap).0 - 1.0).abs() < 0.03, "the others begin as they go on");
    }
}
