//! Drawing from the mix: seeded, so that the same seed draws the same requests.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::kind::{Prefix, Workload};
use super::prompt::Prompt;

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
    nonces: ChaCha8Rng,
}

impl Mix {
    /// A mix over `workloads`; every draw follows from `seed`.
    #[must_use]
    pub fn new(workloads: &[Arc<Workload>], seed: u64) -> Self {
        let mut nonces = ChaCha8Rng::seed_from_u64(seed);
        nonces.set_stream(1);
        Self {
            workloads: workloads.to_vec(),
            total_weight: workloads.iter().map(|w| w.weight).sum(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            nonces,
        }
    }

    /// The same draws with other nonces, so that a server that saw the same seed before does not
    /// know the prompts.
    #[must_use]
    pub fn with_nonces(mut self, seed: u64) -> Self {
        self.nonces = ChaCha8Rng::seed_from_u64(seed);
        self
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
        self.pick(workload, index)
    }

    /// This request of a workload; `None` where there is no such prompt.
    pub fn pick(&mut self, workload: &Arc<Workload>, prompt: usize) -> Option<Draw> {
        let prompt = workload.prompts.get(prompt)?;
        let prompt = match workload.prefix {
            Prefix::Shared => prompt.clone(),
            Prefix::Unique => prompt.with_nonce(&format!("{:08x}", self.nonces.random::<u32>())),
        };
        Some(Draw { workload: Arc::clone(workload), prompt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, HashSet};

    const DRAWS: u32 = 10_000;

    fn workload(name: &str, weight: f64, prompts: &[&str]) -> Arc<Workload> {
        Arc::new(Workload {
            name: name.to_owned(),
            weight,
            prompts: prompts.iter().map(|p| Prompt::user(*p)).collect(),
            prefix: Prefix::Shared,
            max_output_tokens: 1,
            limit_key: None,
            extra_body: serde_json::Map::new(),
            judged: crate::workload::Part::Answer,
            validators: Vec::new(),
            stall_timeout: None,
        })
    }

    /// How often each value of `key` was drawn.
    fn tally(
        workloads: &[Arc<Workload>],
        seed: u64,
        key: impl Fn(&Draw) -> String,
    ) -> BTreeMap<String, u32> {
        let mut mix = Mix::new(workloads, seed);
        let mut tally = BTreeMap::new();
        for _ in 0..DRAWS {
            *tally.entry(key(&mix.draw().unwrap())).or_default() += 1;
        }
        tally
    }

    /// Pearson's statistic against the expected shares; both have the same order.
    fn chi_square(tally: &BTreeMap<String, u32>, shares: &[f64]) -> f64 {
        assert_eq!(tally.len(), shares.len(), "{tally:?}");
        let terms = tally.values().zip(shares).map(|(n, share)| {
            let expect = f64::from(DRAWS) * share;
            (f64::from(*n) - expect).powi(2) / expect
        });
        terms.sum()
    }

    #[test]
    fn workloads_are_drawn_by_weight() {
        let mix = [
            workload("a", 50.0, &["x"]),
            workload("b", 0.5, &["x"]),
            workload("c", 20.0, &["x"]),
            workload("d", 29.5, &["x"]),
        ];
        for seed in 1..=5 {
            let tally = tally(&mix, seed, |draw| draw.workload.name.clone());
            // Of 3 degrees of freedom, 16.3 is exceeded once in a thousand.
            let statistic = chi_square(&tally, &[0.5, 0.005, 0.2, 0.295]);
            assert!(statistic < 16.3, "seed {seed}: {statistic}, {tally:?}");
        }
    }

    #[test]
    fn prompts_of_a_workload_are_drawn_alike() {
        let mix = [workload("a", 3.0, &["p", "q", "r", "s"])];
        let tally = tally(&mix, 1, |draw| draw.prompt.text());
        let statistic = chi_square(&tally, &[0.25; 4]);
        assert!(statistic < 16.3, "{statistic}, {tally:?}");
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let unique = |seed| {
            let mut workload = workload("a", 1.0, &["p", "q"]).as_ref().clone();
            workload.prefix = Prefix::Unique;
            let mut mix = Mix::new(&[Arc::new(workload)], seed);
            (0..100).map(|_| mix.draw().unwrap().prompt.text()).collect::<Vec<_>>()
        };
        assert_eq!(unique(1), unique(1));
        assert_ne!(unique(1), unique(2));
        assert_eq!(unique(1).iter().collect::<HashSet<_>>().len(), 100, "a nonce for each");
    }

    #[test]
    fn the_same_draws_with_other_nonces() {
        let mut unique = workload("a", 1.0, &["p", "q"]).as_ref().clone();
        unique.prefix = Prefix::Unique;
        let draws = |mut mix: Mix| (0..100).map(|_| mix.draw().unwrap().prompt.text()).collect();
        let mix = Mix::new(&[Arc::new(unique)], 1);
        let (once, again): (Vec<_>, Vec<_>) = (draws(mix.clone()), draws(mix.with_nonces(2)));
        let prompts = |texts: &[String]| -> Vec<_> {
            texts.iter().map(|t| t.split(' ').next_back().unwrap().to_owned()).collect()
        };
        assert_eq!(prompts(&once), prompts(&again));
        assert!(once.iter().zip(&again).all(|(a, b)| a != b));
    }

    #[test]
    fn nothing_to_draw_from() {
        assert!(Mix::new(&[], 1).draw().is_none());
        assert!(Mix::new(&[workload("a", 1.0, &[])], 1).draw().is_none());
    }
}
