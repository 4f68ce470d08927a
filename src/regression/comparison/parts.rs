//! What each signal says, before all that becomes one verdict.

use super::event::{ALL_WORKLOADS, Event, What};
use super::signal::Signal;
use crate::regression::detect::Verdict;

/// Every signal's part in the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    /// Of each workload, by its name, in the order of the configuration.
    pub workloads: Vec<(String, Vec<(Signal, Verdict)>)>,
    /// That of failures over all workloads, where there are several.
    pub together: Option<Verdict>,
}

impl Parts {
    /// Whether any says so.
    pub fn any(&self, verdict: Verdict) -> bool {
        let mut all = self.workloads.iter().flat_map(|(_, parts)| parts);
        self.together == Some(verdict) || all.any(|(_, part)| *part == verdict)
    }

    /// The parts that were another one before; alarms tell of themselves.
    pub fn news(&self, before: &Self) -> Vec<Event> {
        let event = |workload: &str, signal, verdict| Event {
            workload: workload.to_owned(),
            signal,
            what: What::Part(verdict),
        };
        let mut events = Vec::new();
        for ((name, now), (_, before)) in self.workloads.iter().zip(&before.workloads) {
            let differing = now.iter().zip(before).filter(|(now, before)| now.1 != before.1);
            events.extend(differing.map(|((signal, part), _)| event(name, *signal, *part)));
        }
        let together = self.together.filter(|_| self.together != before.together);
        events.extend(together.map(|part| event(ALL_WORKLOADS, Signal::Failure, part)));
        events.retain(|e| e.what != What::Part(Verdict::Changed));
        events
    }
}
