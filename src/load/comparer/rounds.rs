//! The rounds of one comparison.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::live::Live;
use super::round;
use crate::load::{Driver, PairBegun, PairDone, Pairs, Prober};
use crate::regression::comparison::Source;

/// Runs rounds until stopped.
pub struct Comparer {
    live: Arc<Live>,
    baseline: Arc<Prober>,
    candidate: Arc<Prober>,
    /// A round waits for the end of the one before, instead of being dropped.
    one_at_a_time: bool,
    stop: CancellationToken,
}

impl Comparer {
    /// A comparer of the targets of these probers.
    #[must_use]
    pub fn new(
        live: Arc<Live>,
        baseline: Arc<Prober>,
        candidate: Arc<Prober>,
        stop: CancellationToken,
    ) -> Self {
        Self { live, baseline, candidate, one_at_a_time: false, stop }
    }

    /// Makes one round at a time, the next one when it is over and the interval is, too.
    #[must_use]
    pub fn one_at_a_time(self) -> Self {
        Self { one_at_a_time: true, ..self }
    }

    /// Runs until stopped, and until rounds under way are over; nothing that they bring is judged
    /// then.
    pub async fn run(self) {
        let Self { live, baseline, candidate, one_at_a_time, stop } = self;
        let spec = Arc::clone(live.spec());
        let (seed, rounds) = (live.seed(), live.state().rounds());
        tracing::info!(comparison = %spec.name, seed, rounds, "comparing");
        // Fresh nonces: when a comparison begins anew because its candidate was replaced, only the
        // baseline would have the prompts of the same seed in its prefix cache.
        let source = Source::new(&spec, seed.wrapping_add(rounds)).with_nonces(rand::random());
        let stopped = stop.clone();
        let begun: PairBegun = Box::new(move || -> PairDone {
            let (live, stopped, begun_in) = (Arc::clone(&live), stopped.clone(), live.run());
            Box::new(move |pair| {
                let round = pair.and_then(|pair| round::judged(&live, &pair));
                match round {
                    _ if stopped.is_cancelled() => {}
                    Ok(round) => live.observe(&begun_in, &round),
                    Err(reason) => live.dropped(reason),
                }
            })
        });
        let pairs = Pairs::new(&spec, (baseline, candidate), source, begun);
        let pairs = if one_at_a_time { pairs.one_at_a_time() } else { pairs };
        Driver::new(pairs, stop).run().await;
    }
}
