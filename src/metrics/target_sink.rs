//! How probes get into the values of their target.

use std::collections::HashMap;
use std::sync::Arc;

use super::Metrics;
use super::target::TargetMetrics;
use super::workload::InFlight;
use crate::answer::recording::Ending;
use crate::probe::sink::{ProbeEvent, Sink, SinkName, TargetSink, TargetStatus};
use crate::probe::{Apart, Probe};
use crate::target::Target;
use crate::target::request::ProbeId;
use parking_lot::Mutex;

impl Sink for Metrics {
    fn name(&self) -> SinkName {
        SinkName::Metrics
    }

    fn open(&self, target: &Arc<Target>) -> Option<Box<dyn TargetSink>> {
        let metrics = self.target(&target.name)?;
        Some(Box::new(TargetMetricsSink { metrics, under_way: Mutex::default() }))
    }
}

/// Writes into the values of a target as it was when the sink was opened: where those of the target
/// as it is now go on from them, they count together.
struct TargetMetricsSink {
    metrics: Arc<TargetMetrics>,
    /// As many as may be in flight.
    under_way: Mutex<HashMap<ProbeId, InFlight>>,
}

impl TargetSink for TargetMetricsSink {
    fn tell(&self, event: ProbeEvent<'_>, _: TargetStatus) {
        let under_way = || self.under_way.lock();
        match event {
            ProbeEvent::Began { id, workload } => {
                if let Some(metrics) = self.metrics.workload(&workload.name) {
                    under_way().insert(id.clone(), metrics.begin());
                }
            }
            ProbeEvent::Skipped { workload, reason } => {
                if let Some(metrics) = self.metrics.workload(&workload.name) {
                    metrics.skipped(reason);
                }
            }
            ProbeEvent::Over(probe) => {
                under_way().remove(&probe.id);
                self.metrics.take(probe);
            }
        }
    }
}

impl TargetMetrics {
    /// Takes a finished probe.
    fn take(&self, probe: &Probe) {
        if let Some(model) = &probe.model {
            self.set_model(model);
        }
        let (workload, outcome) = (&probe.workload.name, &probe.outcome);
        if probe.confirming || probe.apart.is_some() {
            match probe.apart {
                Some(Apart::Cold) => self.record_cold(outcome),
                Some(Apart::BesideSweep) => self.beside_sweep.inc_by(1),
                Some(Apart::WarmUp | Apart::CacheCheck) | None => {}
            }
            return self.record_cost(workload, &outcome.measurement);
        }
        if probe.recording.ending.skipped().is_some() {
            // It is counted as skipped; the server may have worked for it.
            return self.record_cost(workload, &outcome.measurement);
        }
        if outcome.given_up() && probe.recording.ending == Ending::ReaderStopped {
            let id = probe.id.as_str();
            return self.record_cancelled(workload, &probe.recording, outcome, id);
        }
        if outcome.given_up() {
            return self.record_given_up(workload, &outcome.measurement);
        }
        self.record(workload, &probe.recording, outcome, probe.id.as_str());
        self.record_server(workload, &probe.server, outcome.measurement.ttft);
        self.record_beside(workload, probe.others_in_flight, outcome.measurement.ttft);
        if let Some(joules) = probe.energy_joules {
            self.record_energy(workload, outcome, joules);
        }
    }
}
