//! Whether the prefix cache works: the same prompt twice, one right after the other.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::prober::Prober;
use crate::probe::{Apart, Probe};
use crate::target::{self, Target};
use crate::workload::mix::Draw;
use crate::workload::synthetic::Lexicon;
use crate::workload::{Prompt, Workload};

/// The answer does not matter.
const OUTPUT_TOKENS: u32 = 4;

/// A working cache keeps at least this share of a prompt that was seen a moment ago.
const WORKS_CACHED: f64 = 0.5;

/// Where the server does not say what was cached: with a working cache, the first token of the second
/// answer takes at most this share of the first one's time.
const WORKS_TTFT: f64 = 0.7;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CacheFinding {
    /// The share of the second prompt that the server took from its cache; `None` where it does not
    /// say.
    pub cached: Option<f64>,
    /// The second time to first token / the first.
    pub ttft_ratio: Option<f64>,
}

impl CacheFinding {
    /// Of two probes with the same prompt; `None` where one of them failed, or the server was swept
    /// meanwhile.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
    fn of(first: &Probe, second: &Probe) -> Option<Self> {
        let tells =
            |probe: &Probe| probe.outcome.succeeded() && probe.apart != Some(Apart::BesideSweep);
        if !(tells(first) && tells(second)) {
            return None;
        }
        let [before, after] = [first, second].map(|probe| &probe.outcome.measurement);
        let cached = after.cached_input_tokens.zip(after.input_tokens);
        let ttft = before.ttft.zip(after.ttft).filter(|(before, _)| !before.is_zero());
        Some(Self {
            cached: cached
                .filter(|(_, all)| all.tokens > 0)
                .map(|(cached, all)| cached as f64 / all.tokens as f64),
            ttft_ratio: ttft.map(|(before, after)| after.div_duration_f64(before)),
        })
    }

    /// Whether the cache works: by what the server says, else by the times. `None` where nothing
    /// tells.
    #[must_use]
    pub fn works(&self) -> Option<bool> {
        let by_words = self.cached.map(|cached| cached >= WORKS_CACHED);
        by_words.or(self.ttft_ratio.map(|ratio| ratio <= WORKS_TTFT))
    }
}

/// Looks after a target's prefix cache.
pub(super) struct Checking {
    settings: target::CacheCheck,
    workload: Option<Arc<Workload>>,
    lexicon: Lexicon,
    rng: ChaCha8Rng,
    next: Instant,
    /// The last look is not over.
    under_way: bool,
    /// Who is told.
    pub tell: Arc<dyn Fn(CacheFinding) + Send + Sync>,
}

impl Checking {
    /// From some time within the first interval on.
    pub fn new(settings: target::CacheCheck, target: &Target, rng: &mut impl RngExt) -> Self {
        let lexicon = match &target.tokenizer {
            Some(tokenizer) => {
                let own = tokenizer.clone();
                Lexicon::counted(0, tokenizer.name(), move |text| own.count(text))
            }
            None => Lexicon::estimated(0),
        };
        // Its name stands for what it costs.
        let workload = target.workloads.first().map(|first| {
            let prompts = Arc::new([]);
            Arc::new(Workload {
                max_output_tokens: OUTPUT_TOKENS,
                limit_key: first.limit_key,
                extra_body: first.extra_body.clone(),
                ..Workload::new(first.name.clone(), prompts)
            })
        });
        let within = settings.every.mul_f64(rng.random::<f64>());
        // Not from the seed: a server that saw the same texts before knows them.
        let rng = ChaCha8Rng::from_rng(&mut rand::rng());
        let (next, tell) = (Instant::now() + within, Arc::new(|_| {}));
        Self { settings, workload, lexicon, rng, next, under_way: false, tell }
    }

    /// When the next look is due.
    pub fn next(&self) -> Option<Instant> {
        (!self.under_way).then_some(self.next)
    }

    /// Looks, where there is a place.
    pub fn begin(&mut self, prober: &Arc<Prober>) -> Option<BoxFuture<'static, ()>> {
        self.next = Instant::now() + self.settings.every;
        let text = self.lexicon.text(self.settings.input_tokens, &mut self.rng);
        let draw = Draw { workload: self.workload.clone()?, prompt: Prompt::user(text) };
        let permit = prober.admit_uncounted(&draw, Instant::now()).ok()?;
        self.under_way = true;
        let (prober, tell) = (Arc::clone(prober), Arc::clone(&self.tell));
        let look = async move {
            let first = Arc::clone(&prober).check(permit, draw.clone()).await;
            // What was just generated may still be on its way into the cache.
            tokio::time::sleep(SETTLING).await;
            let Ok(permit) = prober.admit_uncounted(&draw, Instant::now()) else { return };
            let second = prober.check(permit, draw).await;
            if let Some(found) = CacheFinding::of(&first, &second) {
                tell(found);
            }
        };
        Some(look.boxed())
    }

    /// A look is over.
    pub fn ended(&mut self) {
        self.under_way = false;
    }
}

/// Between the two prompts.
const SETTLING: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_counts_more_than_its_times() {
        let works = |cached, ttft_ratio| CacheFinding { cached, ttft_ratio }.works();
        assert_eq!(works(Some(0.9), Some(1.0)), Some(true));
        assert_eq!(works(Some(0.1), Some(0.1)), Some(false));
        assert_eq!(works(None, Some(0.3)), Some(true));
        assert_eq!(works(None, Some(0.9)), Some(false));
        assert_eq!(works(None, None), None);
    }
}
