//! Drawing from the mix: seeded, so that the same seed draws the same requests.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Prefix, Prompt, Workload};

/// A drawn request.
#[derive(Debug, Clone)]
pub struct Draw {
    /// From this workload.
    pub workload: Arc<Workload>,
    /// The prompt to send, nonce included.
    pub prompt: Prompt,
}

/// A target's workloads with the state of its random draws.
#[derive(Debug, Clone)]
pub struct Mix {
    workloads: Vec<Arc<Workload>>,
    total_weight: f64,
    rng: ChaCha8Rng,
}

impl Mix {
    /// A mix over `workloads`; every draw follows from `seed`.
    #[must_use]
    pub fn new(workloads: &[Arc<Workload>], seed: u64) -> Self {
        Self {
            workloads: workloads.to_vec(),
            total_weight: workloads.iter().map(|w| w.weight).sum(),
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// The next request; `None` only if there are no workloads.
    pub fn draw(&mut self) -> Option<Draw> {
        let mut point = self.rng.random::<f64>() * self.total_weight;
        let chosen = self.workloads.iter().find(|w| {
            point -= w.weight;
            point < 0.0
        });
        let workload = Arc::clone(chosen.or(self.workloads.last())?);
        self.draw_from(&workload)
    }

    /// The next request of one workload.
    pub fn draw_from(&mut self, workload: &Arc<Workload>) -> Option<Draw> {
        let index = self.rng.random_range(0..workload.prompts.len().max(1));
        let prompt = workload.prompts.get(index)?;
        let prompt = match workload.prefix {
            Prefix::Shared => prompt.clone(),
            Prefix::Unique => prompt.with_nonce(&format!("{:08x}", self.rng.random::<u32>())),
        };
        Some(Draw { workload: Arc::clone(workload), prompt })
    }
}
