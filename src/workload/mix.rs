//! Drawing from the mix: seeded, so that the same seed draws the same requests.

use std::collections::HashMap;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::kind::{Prefix, Tiles, Workload};
use super::prompt::Prompt;
use super::synthetic::{Fixed, Lexicon, Made};

/// A drawn request.
#[derive(Debug, Clone)]
pub struct Draw {
    /// From this workload.
    pub workload: Arc<Workload>,
    /// The prompt to send, nonce included.
    pub prompt: Prompt,
}

impl Draw {
    /// The longest answer that is asked for.
    #[must_use]
    pub fn max_output_tokens(&self) -> u32 {
        let own = self.prompt.made.as_ref().and_then(|made| made.output_tokens);
        self.workload.max_output_tokens.min(own.unwrap_or(u32::MAX))
    }
}

/// A target's workloads with the state of its random draws.
#[derive(Debug, Clone)]
pub struct Mix {
    workloads: Vec<Arc<Workload>>,
    total_weight: f64,
    rng: ChaCha8Rng,
    nonces: ChaCha8Rng,
    /// The next tile of each workload that has some.
    tiles: HashMap<String, u32>,
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
            tiles: HashMap::new(),
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
        let number = prompt as u64;
        let prompt = workload.prompts.get(prompt)?;
        let prompt = match (&prompt.made, &workload.lexicon) {
            (Some(made), Some(lexicon)) => {
                let text = self.made(workload, lexicon, made, number);
                Prompt { made: Some(made.clone()), ..Prompt::user(text) }
            }
            (_, lexicon) => self.given(workload, lexicon.as_deref(), prompt),
        };
        let (documents, audio) = (Arc::clone(&workload.documents), workload.audio.clone());
        let prompt = Prompt { documents, audio, ..prompt };
        Some(Draw { workload: Arc::clone(workload), prompt })
    }

    /// What a user says in the midst of a conversation: as it stands, since what makes it unlike
    /// others stands at the beginning. Drawn apart, so that the next requests stay the same.
    pub fn next_words(&mut self, workload: &Arc<Workload>) -> Option<String> {
        let number = self.nonces.random_range(0..workload.prompts.len().max(1));
        let prompt = workload.prompts.get(number)?;
        Some(match (&prompt.made, &workload.lexicon) {
            (Some(made), Some(lexicon)) => lexicon.text(made.tokens, &mut self.nonces),
            _ => prompt.messages.last()?.content.clone(),
        })
    }

    /// The text of a prompt, with as many tokens as it shall have.
    fn made(&mut self, workload: &Workload, lexicon: &Lexicon, made: &Made, number: u64) -> String {
        match workload.prefix {
            // Its very words are the nonce.
            Prefix::Unique => lexicon.text(made.tokens, &mut self.nonces),
            Prefix::Shared => lexicon.shared(made, number),
            Prefix::Tiles(tiles) => {
                let shared = tiles.share_of(made.tokens);
                let tile = lexicon.fixed(Fixed::Tile, self.turn(workload, tiles).into(), shared);
                let own = lexicon.text(made.tokens - shared, &mut self.nonces);
                [tile, own]
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join(" ")
            }
        }
    }

    /// A prompt with what stands in front of it.
    fn given(&mut self, workload: &Workload, lexicon: Option<&Lexicon>, prompt: &Prompt) -> Prompt {
        let Prefix::Tiles(tiles) = workload.prefix else {
            return match workload.prefix {
                Prefix::Shared => prompt.clone(),
                _ => prompt.with_nonce(&self.nonce()),
            };
        };
        let unique = prompt.with_nonce(&self.nonce());
        let Some(lexicon) = lexicon else { return unique };
        let tokens = tiles.tokens.unwrap_or_else(|| lexicon.tokens_of(&prompt.text()));
        let tile = lexicon.fixed(Fixed::Tile, self.turn(workload, tiles).into(), tokens);
        unique.after(&format!("{tile}\n"))
    }

    fn nonce(&mut self) -> String {
        format!("{:08x}", self.nonces.random::<u32>())
    }

    /// The tile whose turn it is.
    fn turn(&mut self, workload: &Workload, tiles: Tiles) -> u32 {
        let next = self.tiles.entry(workload.name.clone()).or_default();
        let turn = *next % tiles.number.max(1);
        *next = turn + 1;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, HashSet};

    const DRAWS: u32 = 100_000;

    fn workload(name: &str, weight: f64, prompts: &[&str]) -> Arc<Workload> {
        Arc::new(Workload {
            weight,
            prefix: Prefix::Shared,
            ..Workload::new(name.to_owned(), prompts.iter().map(|p| Prompt::user(*p)).collect())
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
            let shares = [0.5, 0.005, 0.2, 0.295];
            let statistic = chi_square(&tally, &shares);
            assert!(statistic < 16.3, "seed {seed}: {statistic}, {tally:?}");
            for (n, share) in tally.values().zip(shares) {
                let (draws, n) = (f64::from(DRAWS), f64::from(*n));
                let sigma = (draws * share * (1.0 - share)).sqrt();
                assert!((n - draws * share).abs() <= 3.0 * sigma, "seed {seed}: {tally:?}");
            }
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

    /// A workload of made prompts with so many tokens each.
    fn made(prefix: Prefix, tokens: &[u32]) -> Arc<Workload> {
        let prompt = |tokens: &u32| Prompt::made(Made { tokens: *tokens, ..Made::default() });
        let prompts = tokens.iter().map(prompt).collect();
        let lexicon = Some(Arc::new(Lexicon::estimated(7)));
        Arc::new(Workload { prefix, lexicon, ..Workload::new("made".to_owned(), prompts) })
    }

    fn words(draw: &Draw) -> Vec<String> {
        draw.prompt.text().split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn made_prompts_are_as_long_as_asked_and_unlike_or_alike_as_asked() {
        let texts = |prefix| -> Vec<Vec<String>> {
            let workload = made(prefix, &[40, 90]);
            let mut mix = Mix::new(&[Arc::clone(&workload)], 1);
            (0..20).map(|n| words(&mix.pick(&workload, n % 2).unwrap())).collect()
        };
        let different = |texts: &[Vec<String>], first: usize| {
            texts.iter().map(|text| text[..first].to_vec()).collect::<HashSet<_>>().len()
        };
        let (unique, shared) = (texts(Prefix::Unique), texts(Prefix::Shared));
        let tiles = texts(Prefix::Tiles(Tiles { number: 3, tokens: None }));
        for (n, ((a, b), c)) in unique.iter().zip(&shared).zip(&tiles).enumerate() {
            let tokens = [40, 90][n % 2];
            assert_eq!([a.len(), b.len(), c.len()], [tokens; 3]);
        }
        assert_eq!((different(&unique, 6), different(&shared, 40)), (20, 2));
        // Half of it, in turn; a shorter one is the longer one's beginning.
        assert_eq!((different(&tiles, 20), different(&tiles, 26)), (3, 10 + 3));
        assert_eq!(tiles[0][..20], tiles[3][..20]);
        assert_ne!(tiles[0][..20], tiles[1][..20]);
        let few = texts(Prefix::Tiles(Tiles { number: 2, tokens: Some(1_000) }));
        assert_eq!((few[0].len(), different(&few, 39)), (40, 2), "a word of its own is left");
    }

    #[test]
    fn given_prompts_stand_behind_their_tile() {
        let plain = workload("a", 1.0, &["p q r s"]);
        let lexicon = Some(Arc::new(Lexicon::estimated(7)));
        let tiled = |tokens| {
            let prefix = Prefix::Tiles(Tiles { number: 2, tokens });
            Arc::new(Workload { prefix, lexicon: lexicon.clone(), ..Workload::clone(&plain) })
        };
        let texts = |tokens| -> Vec<String> {
            let mut mix = Mix::new(&[tiled(tokens)], 1);
            (0..4).map(|_| mix.draw().unwrap().prompt.text()).collect()
        };
        let fronts = |tokens| -> Vec<String> {
            let front = |text: &String| text.split_once('\n').unwrap().0.to_owned();
            texts(tokens).iter().map(front).collect()
        };
        let (as_long, given) = (fronts(None), fronts(Some(9)));
        assert_eq!(as_long[0].split(' ').count(), 4);
        assert_eq!(given[0].split(' ').count(), 9);
        assert_eq!((&given[0], &given[1]), (&given[2], &given[3]));
        assert_ne!(given[0], given[1]);
        let all = texts(Some(9));
        assert!(all.iter().all(|text| text.ends_with("] p q r s")), "{all:?}");
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4, "a nonce for each");
    }

    #[test]
    fn a_trace_says_how_long_an_answer_may_be() {
        let limit = |own: Option<u32>| {
            let made = Made { tokens: 9, output_tokens: own, ..Made::default() };
            let prompts = vec![Prompt::made(made)].into();
            let lexicon = Some(Arc::new(Lexicon::estimated(7)));
            let workload = Workload { lexicon, ..Workload::new("t".to_owned(), prompts) };
            Mix::new(&[Arc::new(workload)], 1).draw().unwrap().max_output_tokens()
        };
        assert_eq!([limit(None), limit(Some(5)), limit(Some(500))], [64, 5, 64]);
    }

    #[test]
    fn nothing_to_draw_from() {
        assert!(Mix::new(&[], 1).draw().is_none());
        assert!(Mix::new(&[workload("a", 1.0, &[])], 1).draw().is_none());
    }
}
