//! How probes get into the history.

use std::sync::Arc;

use super::History;
use crate::probe::sink::{ProbeEvent, Sink, SinkName, TargetSink, TargetStatus};
use crate::target::Target;

impl Sink for Arc<History> {
    fn name(&self) -> SinkName {
        SinkName::History
    }

    fn open(&self, target: &Arc<Target>) -> Option<Box<dyn TargetSink>> {
        Some(Box::new(TargetHistory { history: Arc::clone(self), target: Arc::clone(target) }))
    }
}

/// Remembers a probe with the target as it was then.
struct TargetHistory {
    history: Arc<History>,
    target: Arc<Target>,
}

impl TargetSink for TargetHistory {
    fn tell(&self, event: ProbeEvent<'_>, status: TargetStatus) {
        if let ProbeEvent::Over(probe) = event
            && !probe.confirming
            && probe.apart.is_none()
            && status != TargetStatus::Removed
        {
            self.history.add(&self.target, probe.clone());
        }
    }
}
