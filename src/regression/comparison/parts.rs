//! What each signal says, before all that becomes one verdict.

use super::event::{ALL_WORKLOADS, Event, What};
use super::signal::Signal;
use crate::regression::detect::Verdict;

/// Every signal's part in the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    /// Of each workload, by its name, in the order of the configuration.
    pub workloads: Vec<(String, Vec<(Signal, Verdict)>)>,
    /// Those over all workloads; none where there is only one.
    pub together: Vec<(Signal, Verdict)>,
}

impl Parts {
    /// Whether any says so.
    pub fn any(&self, verdict: Verdict) -> bool {
        let each = self.workloads.iter().flat_map(|(_, parts)| parts);
        each.chain(&self.together).any(|(_, part)| *part == verdict)
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
        let together = self.together.iter().zip(&before.together);
        let differing = together.filter(|(now, before)| now.1 != before.1);
        events.extend(differing.map(|((s, part), _)| event(ALL_WORKLOADS, *s, *part)));
        events.retain(|e| e.what != What::Part(Verdict::Changed));
        events
    }
}
