//! Says what became of probes, in the log: in our own words at info level, in the server's only at
//! debug level, because they may quote the prompt.

use std::sync::Arc;

use super::Probe;
use super::sink::{ProbeEvent, Sink, SinkName, TargetSink, TargetStatus};
use crate::answer::recording::Ending;
use crate::target::Target;

/// The log, as a sink.
pub struct Log;

impl Sink for Log {
    fn name(&self) -> SinkName {
        SinkName::Log
    }

    fn open(&self, target: &Arc<Target>) -> Option<Box<dyn TargetSink>> {
        Some(Box::new(TargetLog(target.name.clone())))
    }
}

struct TargetLog(String);

impl TargetSink for TargetLog {
    fn tell(&self, event: ProbeEvent<'_>, _: TargetStatus) {
        let target = &self.0;
        match event {
            ProbeEvent::Began { .. } => {}
            ProbeEvent::Skipped { workload, reason } => {
                let workload = &workload.name;
                tracing::debug!(%target, %workload, %reason, "arrival skipped");
            }
            ProbeEvent::Over(probe) => over(target, probe),
        }
    }
}

fn over(target: &str, probe: &Probe) {
    let (id, workload, confirming) = (probe.id.as_str(), &probe.workload.name, probe.confirming);
    if probe.recording.ending == Ending::ReaderStopped && probe.outcome.given_up() {
        tracing::debug!(%target, %workload, probe = id, "probe cancelled, as its workload asks");
        return;
    }
    match &probe.outcome.result {
        Ok(()) => tracing::debug!(%target, %workload, probe = id, confirming, "probe succeeded"),
        Err(failure) => {
            let (reason, status) = (failure.reason, probe.outcome.http_status);
            let why = failure.explanation.as_deref();
            tracing::info!(
                %target, %workload, probe = id, confirming, %reason, status, why, "probe failed"
            );
            tracing::debug!(probe = id, detail = %failure.detail, "why the probe failed");
        }
    }
}
