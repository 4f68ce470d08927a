//! Which rounds are wanted, and when: everything follows from a seed, or from what was recorded.

use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::spec::Comparison;
use super::timing::Timing;
use crate::target::schedule::Schedule;
use crate::workload::Workload;
use crate::workload::mix::{Draw, Mix};
use crate::workload::replay::Due;

/// The next round.
#[derive(Debug, Clone)]
pub struct Next {
    /// How long after the one before; of the first: after the start.
    pub after: Duration,
    /// What to ask: one prompt, nonce included, for both.
    pub draw: Draw,
    /// Who is asked first: for simultaneous rounds by microseconds.
    pub baseline_first: bool,
}

enum Rounds {
    Drawn { schedule: Schedule, begun: bool },
    Recorded { dues: Box<dyn Iterator<Item = Due> + Send + Sync>, workloads: Vec<Arc<Workload>> },
}

/// Yields rounds for ever; none only if there are no workloads.
pub struct Source {
    rounds: Rounds,
    mix: Mix,
    rng: ChaCha8Rng,
}

impl Source {
    /// The rounds of a comparison.
    #[must_use]
    pub fn new(spec: &Comparison, seed: u64) -> Self {
        let rounds = match &spec.timing {
            Timing::Drawn(schedule) => Rounds::Drawn { schedule: *schedule, begun: false },
            Timing::Recorded(replay) => Rounds::Recorded {
                dues: Box::new(replay.dues()),
                workloads: spec.workloads.clone(),
            },
        };
        Self {
            rounds,
            mix: Mix::new(&spec.workloads, seed),
            rng: ChaCha8Rng::seed_from_u64(seed.wrapping_add(1)),
        }
    }

    /// The same rounds with other nonces in front of the prompts.
    #[must_use]
    pub fn with_nonces(self, seed: u64) -> Self {
        Self { mix: self.mix.with_nonces(seed), ..self }
    }
}

impl Iterator for Source {
    type Item = Next;

    fn next(&mut self) -> Option<Next> {
        let (after, draw) = match &mut self.rounds {
            Rounds::Drawn { schedule, begun: true } => {
                (schedule.gap(&mut self.rng), self.mix.draw()?)
            }
            Rounds::Drawn { schedule, begun } => {
                *begun = true;
                (schedule.first_gap(&mut self.rng), self.mix.draw()?)
            }
            Rounds::Recorded { dues, workloads } => {
                let due = dues.next()?;
                (due.after, self.mix.pick(workloads.get(due.workload)?, due.prompt)?)
            }
        };
        Some(Next { after, draw, baseline_first: self.rng.random() })
    }
}
