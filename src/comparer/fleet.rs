//! The comparisons of a configuration: a reload changes what changed and nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Comparer, Live};
use crate::comparison::{Comparison, Judge};
use crate::prober::commission::Desk;

/// Every comparison under way.
#[derive(Debug, Default)]
pub struct Fleet {
    running: HashMap<String, Running>,
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

impl Fleet {
    /// Puts these in force: equal ones go on, others begin anew, those that are gone end.
    pub fn apply(&mut self, wanted: &[Arc<Comparison>], means: &Means<'_>) -> Vec<Arc<Live>> {
        let streams = wanted.iter().map(|c| c.streams()).sum();
        let stays = |running: &Running| wanted.iter().any(|c| c == running.live.spec());
        for (_, gone) in self.running.extract_if(|_, running| !stays(running)) {
            gone.stop.cancel();
        }
        for spec in wanted {
            if let Some(running) = self.running.get(&spec.name) {
                running.live.set_fleet(streams);
            } else {
                self.start(spec, streams, means);
            }
        }
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
        let judge = Judge::new(spec, streams);
        let live = Arc::new(Live::new(Arc::clone(spec), (means.seed)(spec), judge));
        let stop = CancellationToken::new();
        let comparer = Comparer::new(Arc::clone(&live), baseline, candidate, stop.clone());
        means.tasks.spawn(comparer.run());
        self.running.insert(spec.name.clone(), Running { live, stop });
    }

    /// Ends every comparison.
    pub fn end(&mut self) {
        self.running.drain().for_each(|(_, running)| running.stop.cancel());
    }
}
