//! The comparisons of a configuration: a reload changes what changed and nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::begin;
use super::live::Live;
use super::rounds::Comparer;
use crate::load::Prober;
use crate::regression::comparison::{Cause, Comparison, Judge};
use crate::regression::fingerprint::Fingerprint;

/// Every comparison under way.
#[derive(Debug, Default)]
pub struct Fleet {
    running: HashMap<String, Running>,
    /// Of the program's run before, or of the configuration before, until it is asked for.
    remembered: Vec<Remembered>,
}

/// What a comparison has learnt, to go on after a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    name: String,
    /// Of what was compared; of anything else it says nothing.
    fingerprint: Fingerprint,
    seed: u64,
    judge: Judge,
}

#[derive(Debug)]
struct Running {
    live: Arc<Live>,
    stop: CancellationToken,
}

impl Running {
    fn remember(&self) -> Remembered {
        Remembered {
            name: self.live.spec().name.clone(),
            fingerprint: self.live.spec().fingerprint(),
            seed: self.live.seed(),
            judge: self.live.state(),
        }
    }
}

/// What the start of a comparison needs.
pub struct StartContext<'a> {
    /// What probes a target.
    pub prober: &'a dyn Fn(&str) -> Option<Arc<Prober>>,
    /// The seed of a comparison.
    pub seed: &'a dyn Fn(&Comparison) -> u64,
    /// Tracks what is started.
    pub tasks: &'a TaskTracker,
}

impl Fleet {
    /// Goes on from what an earlier run has written, with the first configuration.
    #[must_use]
    pub fn remembering(remembered: Vec<Remembered>) -> Self {
        Self { remembered, ..Self::default() }
    }

    /// Puts these in force: equal ones go on undisturbed, those that compare the same in another
    /// rhythm go on with what they have learnt, others begin a new run, those that are gone end. So
    /// many `streams` can raise an alarm, these and all others.
    pub fn apply(
        &mut self,
        wanted: &[Arc<Comparison>],
        streams: usize,
        context: &StartContext<'_>,
    ) -> Vec<Arc<Live>> {
        let stays = |running: &Running| wanted.iter().any(|c| c == running.live.spec());
        for (_, gone) in self.running.extract_if(|_, running| !stays(running)) {
            gone.stop.cancel();
            self.remembered.push(gone.remember());
        }
        for spec in wanted {
            if let Some(running) = self.running.get(&spec.name) {
                running.live.set_fleet(streams);
            } else {
                self.start(spec, streams, context);
            }
        }
        self.remembered.clear();
        let live = wanted.iter().filter_map(|c| self.running.get(&c.name));
        live.map(|running| Arc::clone(&running.live)).collect()
    }

    fn start(&mut self, spec: &Arc<Comparison>, streams: usize, context: &StartContext<'_>) {
        let (baseline, candidate) = (&spec.baseline.name, &spec.candidate.name);
        let Some((baseline, candidate)) =
            (context.prober)(baseline).zip((context.prober)(candidate))
        else {
            tracing::error!(comparison = %spec.name, "a side has no prober");
            return;
        };
        let (seed, judge) = match self.recall(spec, streams) {
            Ok(known) => known,
            Err(cause) => {
                let run = begin(None, cause);
                tracing::info!(
                    comparison = %spec.name, run = %run.id, cause = %run.cause, "a new run begins"
                );
                ((context.seed)(spec), Judge::new(spec, streams, run))
            }
        };
        let live = Arc::new(Live::new(Arc::clone(spec), seed, judge));
        let stop = CancellationToken::new();
        let comparer = Comparer::new(Arc::clone(&live), baseline, candidate, stop.clone());
        context.tasks.spawn(comparer.run());
        self.running.insert(spec.name.clone(), Running { live, stop });
    }

    /// What was learnt earlier about this very comparison, or why a new run begins.
    fn recall(&mut self, spec: &Comparison, streams: usize) -> Result<(u64, Judge), Cause> {
        let known = self.remembered.iter().position(|r| r.name == spec.name).ok_or(Cause::New)?;
        let Remembered { fingerprint, seed, mut judge, .. } = self.remembered.swap_remove(known);
        let changed = spec.fingerprint().differing(&fingerprint);
        if !changed.is_empty() {
            return Err(Cause::Changed(changed));
        }
        if !judge.fits(spec) {
            return Err(Cause::New);
        }
        judge.set_fleet(spec, streams);
        Ok((seed, judge))
    }

    /// What every comparison has learnt, by name.
    #[must_use]
    pub fn state(&self) -> Vec<Remembered> {
        let mut all: Vec<_> = self.running.values().map(Running::remember).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Ends every comparison; what was learnt is still there to be written down.
    pub fn end(&self) {
        self.running.values().for_each(|running| running.stop.cancel());
    }
}
