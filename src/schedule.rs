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
            Arrival::Constant => self.interval.mul_f64(rng.random::<f64>()),
            Arrival::Poisson | Arrival::Gamma { .. } => self.gap(rng),
        }
    }

    /// The time from one arrival to the next.
    pub fn gap(&self, rng: &mut impl RngExt) -> Duration {
        let factor: f64 = match self.arrival {
            Arrival::Constant => 1.0,
            Arrival::Poisson => Exp1.sample(rng),
            // `shape` is validated on load, so the distribution exists.
            Arrival::Gamma { shape } => {
                Gamma::new(shape, 1.0 / shape).map_or(1.0, |g| g.sample(rng))
            }
        };
        self.interval.mul_f64(factor)
    }
}
