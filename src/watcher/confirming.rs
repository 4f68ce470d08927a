//! When a doubt is to be settled by further probes, instead of waiting for the schedule.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::regression::outage::Doubt;
use crate::workload::Workload;

/// When a failure is looked into, counted from its end.
const FAILING: &[Duration] = &[Duration::from_secs(10), Duration::from_secs(20)];

/// When the first answer of a target that was down is.
const RECOVERING: &[Duration] = &[Duration::from_secs(10)];

/// The confirming probes that are still to be made: at most two.
#[derive(Debug, Default)]
pub(super) struct Confirming {
    due: VecDeque<Instant>,
    /// The workload of the last probe: the next one asks something else, where there is something
    /// else, because one workload may be refused by a target that is well.
    after: String,
}

impl Confirming {
    /// What follows from a probe of `workload` that was over at `now` and left this doubt.
    /// `throttled`: the server asked for fewer requests.
    pub fn settle(
        &mut self,
        doubt: Doubt,
        workload: &str,
        throttled: bool,
        confirming: bool,
        now: Instant,
    ) {
        match doubt {
            Doubt::None => self.due.clear(),
            // It would be the prober itself that keeps a small limit exceeded.
            Doubt::Failing if throttled => self.due.clear(),
            // One failure, two confirming probes at most.
            Doubt::Failing if confirming || !self.due.is_empty() => {}
            Doubt::Failing => self.plan(FAILING, workload, now),
            Doubt::Recovering => self.plan(RECOVERING, workload, now),
        }
    }

    fn plan(&mut self, delays: &[Duration], workload: &str, now: Instant) {
        self.due = delays.iter().map(|delay| now + *delay).collect();
        workload.clone_into(&mut self.after);
    }

    /// When the next one is due.
    pub fn next(&self) -> Option<Instant> {
        self.due.front().copied()
    }

    /// Takes the next one: the workload to ask.
    pub fn take<'w>(&mut self, workloads: &'w [Arc<Workload>]) -> Option<&'w Arc<Workload>> {
        self.due.pop_front()?;
        let last = workloads.iter().position(|w| w.name == self.after).unwrap_or_default();
        let workload = workloads.get((last + 1) % workloads.len().max(1))?;
        workload.name.clone_into(&mut self.after);
        Some(workload)
    }
}
