//! Which rounds are wanted, and when: everything follows from a seed.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::spec::Comparison;
use crate::schedule::Schedule;
use crate::workload::mix::{Draw, Mix};

/// The next round.
#[derive(Debug, Clone)]
pub struct Next {
    /// What to ask: one prompt, nonce included, for both.
    pub draw: Draw,
    /// Who is asked first: for simultaneous rounds by microseconds.
    pub baseline_first: bool,
}

/// Draws rounds. Other ways to say when and what (recorded arrivals) would take its place.
#[derive(Debug, Clone)]
pub struct Source {
    schedule: Schedule,
    mix: Mix,
    rng: ChaCha8Rng,
}

impl Source {
    /// The rounds of a comparison.
    #[must_use]
    pub fn new(spec: &Comparison, seed: u64) -> Self {
        Self {
            schedule: spec.schedule,
            mix: Mix::new(&spec.workloads, seed),
            rng: ChaCha8Rng::seed_from_u64(seed.wrapping_add(1)),
        }
    }

    /// The delay before the first round.
    pub fn first_gap(&mut self) -> Duration {
        self.schedule.first_gap(&mut self.rng)
    }

    /// The time from one round to the next.
    pub fn gap(&mut self) -> Duration {
        self.schedule.gap(&mut self.rng)
    }

    /// A round; `None` only if there are no workloads.
    pub fn draw(&mut self) -> Option<Next> {
        let draw = self.mix.draw()?;
        Some(Next { draw, baseline_first: self.rng.random() })
    }
}
