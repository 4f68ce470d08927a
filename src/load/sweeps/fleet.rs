//! The sweeps of a configuration: a reload changes what changed and nothing else.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::live::{Live, Snapshot};
use super::runner::{Equipment, Runner};
use crate::load::Sweeping;
use crate::sweep::{ScheduledSweep, SweepPast};
use crate::target::Target;
use crate::target::budget::{Ahead, Charge};

/// Every sweep in force.
#[derive(Debug, Default)]
pub struct Fleet {
    running: HashMap<String, Running>,
    /// Of the program's run before, or of the configuration before, until it is asked for.
    remembered: Vec<Remembered>,
}

/// The runs of a sweep, to go on from after a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    name: String,
    /// Of what was swept, and how: of anything else the runs say nothing.
    fingerprint: u64,
    past: SweepPast,
}

#[derive(Debug)]
struct Running {
    live: Arc<Live>,
    stop: CancellationToken,
}

impl Running {
    fn remember(&self) -> Remembered {
        let (spec, past) = (self.live.spec(), self.live.snapshot().past);
        Remembered { name: spec.name.clone(), fingerprint: spec.fingerprint(), past }
    }
}

/// What the start of a sweep needs.
pub struct StartContext<'a> {
    /// What the sweeps of a target work with; `None` for one that is not probed.
    pub equipment: &'a dyn Fn(&ScheduledSweep) -> Option<Equipment>,
    /// Whether a target's server is being swept.
    pub sweeping: &'a mut dyn FnMut(&Target) -> Arc<Sweeping>,
    /// Tracks what is started.
    pub tasks: &'a TaskTracker,
}

impl Fleet {
    /// Goes on from what an earlier run has written, with the first configuration.
    #[must_use]
    pub fn remembering(remembered: Vec<Remembered>) -> Self {
        Self { remembered, ..Self::default() }
    }

    /// Puts these in force: equal ones go on undisturbed, also one under way. Of the others, what is under
    /// way is given up; those that sweep the same at another time keep their past.
    pub fn apply(
        &mut self,
        wanted: &[Arc<ScheduledSweep>],
        context: &mut StartContext<'_>,
    ) -> Vec<Arc<Live>> {
        let stays = |running: &Running| wanted.iter().any(|sweep| sweep == running.live.spec());
        for (_, gone) in self.running.extract_if(|_, running| !stays(running)) {
            gone.stop.cancel();
            self.remembered.push(gone.remember());
        }
        for spec in wanted {
            if !self.running.contains_key(&spec.name) {
                self.start(spec, context);
            }
        }
        self.remembered.clear();
        let live = wanted.iter().filter_map(|sweep| self.running.get(&sweep.name));
        live.map(|running| Arc::clone(&running.live)).collect()
    }

    fn start(&mut self, spec: &Arc<ScheduledSweep>, context: &mut StartContext<'_>) {
        let Some(equipment) = (context.equipment)(spec) else {
            tracing::error!(sweep = %spec.name, "its target has no prober");
            return;
        };
        let past = self.recall(spec).unwrap_or_default();
        let live = Arc::new(Live::new(Arc::clone(spec), past));
        let stop = CancellationToken::new();
        let sweeping = (context.sweeping)(&spec.target);
        let runner = Runner::new(Arc::clone(&live), equipment, sweeping, stop.clone());
        context.tasks.spawn(runner.run());
        self.running.insert(spec.name.clone(), Running { live, stop });
    }

    /// The earlier runs of this very sweep.
    fn recall(&mut self, spec: &ScheduledSweep) -> Option<SweepPast> {
        let known = self.remembered.iter().position(|known| known.name == spec.name)?;
        let Remembered { fingerprint, past, .. } = self.remembered.swap_remove(known);
        if fingerprint != spec.fingerprint() {
            tracing::info!(sweep = %spec.name, "it is another sweep now: earlier runs are forgotten");
            return None;
        }
        Some(past)
    }

    /// The runs of every sweep, by name.
    #[must_use]
    pub fn state(&self) -> Vec<Remembered> {
        let mut all: Vec<_> = self.running.values().map(Running::remember).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// What the sweeps of a target may spend from `now` (milliseconds since the Unix epoch) until `within`
    /// is over.
    #[must_use]
    pub fn ahead(&self, target: &Target, now: u64, within: Duration) -> Ahead {
        let until = now.saturating_add(u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
        let spends = |Snapshot { running, next, .. }: &Snapshot| {
            running.is_some() || next.is_some_and(|next| next <= until)
        };
        let of_target = self.running.values().filter(|r| r.live.spec().target.name == target.name);
        let spending = of_target.filter(|running| spends(&running.live.snapshot()));
        let all = spending.map(|running| most(running.live.spec()));
        all.fold(Ahead::default(), Ahead::plus)
    }

    /// Gives up every sweep; what was found is still there to be written down.
    pub fn end(&self) {
        self.running.values().for_each(|running| running.stop.cancel());
    }
}

/// What a run costs at most, as far as can be told.
fn most(spec: &ScheduledSweep) -> Ahead {
    let input = Charge::most_of(spec.workloads()).input.saturating_mul(spec.requests());
    let charge = Charge { input, output: spec.most_output_tokens };
    Ahead::of(spec.target.price.as_ref(), charge, 1)
}
