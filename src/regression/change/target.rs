//! Everything that is remembered of one target.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::basis::FieldNames;
use super::observation::Observation;
use super::settings::ChangeDetection;
use super::snapshot::StreamSnapshot;
use super::stream::What;
use super::workload::{Streams, WorkloadWatch};
use crate::regression::comparison::{Comparison, Signal};
use crate::target::Target;

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Of which workload.
    pub workload: String,
    /// Of which signal.
    pub signal: Signal,
    /// What happened.
    pub what: What,
}

/// What is written down of a target, by workload. Read back, it goes on bit for bit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetState(BTreeMap<String, Streams>);

/// Watches one target.
#[derive(Debug, Clone, Default)]
pub struct TargetWatch {
    workloads: Vec<WorkloadWatch>,
}

impl TargetWatch {
    /// One that has seen nothing, beside these comparisons, whose probes it observes as well, in a
    /// fleet of so many streams. Watches nothing if that is not wanted. Those that are made with the
    /// same `names` have in common what they can.
    #[must_use]
    pub fn new(
        settings: &ChangeDetection,
        target: &Target,
        comparisons: &[Arc<Comparison>],
        fleet: usize,
        names: &mut FieldNames,
    ) -> Self {
        let watched = if settings.enabled { &target.workloads[..] } else { &[] };
        let workloads = watched
            .iter()
            .map(|w| WorkloadWatch::new(settings, target, w, comparisons, fleet, names));
        Self { workloads: workloads.collect() }
    }

    /// Goes on where another one was, as far as that was about the same.
    pub fn adopt(&mut self, earlier: &TargetState) -> Vec<Event> {
        let mut events = Vec::new();
        for workload in &mut self.workloads {
            if let Some(streams) = earlier.0.get(&workload.name) {
                let outdated = workload.adopt(streams);
                events.extend(told(&workload.name, outdated));
            }
        }
        events
    }

    /// Takes up one probe.
    pub fn observe(&mut self, workload: &str, observation: &Observation) -> Vec<Event> {
        let Some(known) = self.workloads.iter_mut().find(|w| w.name == workload) else {
            return Vec::new();
        };
        let events = known.observe(observation);
        told(workload, events).collect()
    }

    /// What is usual is collected anew, of one workload or of all; alarms are over. Returns how
    /// many workloads that concerns.
    pub fn begin_anew(&mut self, workload: Option<&str>) -> usize {
        let chosen = self.workloads.iter_mut();
        let chosen = chosen.filter(|w| workload.is_none_or(|name| w.name == name));
        chosen.map(WorkloadWatch::begin_anew).count()
    }

    /// What is to be written down.
    #[must_use]
    pub fn state(&self) -> TargetState {
        TargetState(self.workloads.iter().map(|w| (w.name.clone(), w.streams.clone())).collect())
    }

    /// How every stream stands, each with its workload.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(String, StreamSnapshot)> {
        let of = |w: &WorkloadWatch| {
            let name = w.name.clone();
            w.snapshot().into_iter().map(move |stream| (name.clone(), stream))
        };
        self.workloads.iter().flat_map(of).collect()
    }
}

fn told(workload: &str, events: Vec<(Signal, What)>) -> impl Iterator<Item = Event> {
    let tell = move |(signal, what)| Event { workload: workload.to_owned(), signal, what };
    events.into_iter().map(tell)
}
