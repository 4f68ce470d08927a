//! The comparisons of a configuration: a reload changes what changed and nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Comparer, Live};
use crate::comparison::{Comparison, Judge};
use crate::prober::commission::Desk;

/// Every comparison under way.
#[derive(Debug, Default)]
pub struct Fleet {
    running: HashMap<String, Running>,
    /// Of the run before, until it is asked for.
    remembered: Vec<Remembered>,
}

/// What a comparison has learnt, to go on after a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    name: String,
    /// Of what was compared; of anything else it says nothing.
    fingerprint: u64,
    seed: u64,
    judge: Judge,
}

#[derive(Debug)]
struct Running {
    live: Arc<Live>,
    stop: CancellationToken,
}

/// What the start of a comparison needs.
pub struct Means<'a> {
    /// Where the prober of a target takes commissions.
    pub desk: &'a dyn Fn(&str) -> Option<Desk>,
    /// The seed of a comparison.
    pub seed: &'a dyn Fn(&Comparison) -> u64,
    /// Tracks what is started.
    pub tasks: &'a TaskTracker,
}

impl Running {
    fn remembered(&self) -> Remembered {
        Remembered {
            name: self.live.spec().name.clone(),
            fingerprint: self.live.spec().fingerprint(),
            seed: self.live.seed(),
            judge: self.live.state(),
        }
    }
}

impl Fleet {
    /// Goes on from what an earlier run has written, with the first configuration.
    #[must_use]
    pub fn remembering(remembered: Vec<Remembered>) -> Self {
        Self { remembered, ..Self::default() }
    }

    /// Puts these in force: equal ones go on undisturbed; where only something has changed that
    /// bears on no figure (a label, an interval), what was learnt goes on; others begin anew, and
    /// those that are gone end. So many `streams` can raise an alarm, these and all others.
    pub fn apply(
        &mut self,
        wanted: &[Arc<Comparison>],
        streams: usize,
        means: &Means<'_>,
    ) -> Vec<Arc<Live>> {
        let stays = |running: &Running| wanted.iter().any(|c| c == running.live.spec());
        for (_, gone) in self.running.extract_if(|_, running| !stays(running)) {
            gone.stop.cancel();
            self.remembered.push(gone.remembered());
        }
        for spec in wanted {
            if let Some(running) = self.running.get(&spec.name) {
                running.live.set_fleet(streams);
            } else {
                self.start(spec, streams, means);
            }
        }
        self.remembered.clear();
        let live = wanted.iter().filter_map(|c| self.running.get(&c.name));
        live.map(|running| Arc::clone(&running.live)).collect()
    }

    fn start(&mut self, spec: &Arc<Comparison>, streams: usize, means: &Means<'_>) {
        let (baseline, candidate) = (&spec.baseline.name, &spec.candidate.name);
        let Some((baseline, candidate)) = (means.desk)(baseline).zip((means.desk)(candidate))
        else {
            tracing::error!(comparison = %spec.name, "a side has no prober");
            return;
        };
        let (seed, judge) = self.recall(spec, streams).unwrap_or_else(|| {
            let judge = Judge::new(spec, streams);
            ((means.seed)(spec), judge)
        });
        let live = Arc::new(Live::new(Arc::clone(spec), seed, judge));
        let stop = CancellationToken::new();
        let comparer = Comparer::new(Arc::clone(&live), baseline, candidate, stop.clone());
        means.tasks.spawn(comparer.run());
        self.running.insert(spec.name.clone(), Running { live, stop });
    }

    /// What an earlier run has learnt about this very comparison.
    fn recall(&mut self, spec: &Comparison, streams: usize) -> Option<(u64, Judge)> {
        let known = self.remembered.iter().position(|r| r.name == spec.name)?;
        let Remembered { fingerprint, seed, mut judge, .. } = self.remembered.swap_remove(known);
        if fingerprint != spec.fingerprint() || !judge.fits(spec) {
            tracing::info!(comparison = %spec.name, "has changed, starts anew");
            return None;
        }
        judge.set_fleet(spec, streams);
        Some((seed, judge))
    }

    /// What every comparison has learnt, by name.
    #[must_use]
    pub fn state(&self) -> Vec<Remembered> {
        let mut all: Vec<_> = self.running.values().map(Running::remembered).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Ends every comparison; what was learnt is still there to be written down.
    pub fn end(&self) {
        self.running.values().for_each(|running| running.stop.cancel());
    }
}
