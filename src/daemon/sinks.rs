//! Who is told of probes, in this order.

use std::sync::Arc;

use super::{Daemon, State};
use crate::gpu::EnergyMeter;
use crate::memory::flight::{Recorder, RecorderStatus};
use crate::memory::history::History;
use crate::probe::log::Log;
use crate::probe::sink::{Sink, TargetSinks};
use crate::target::Target;

/// What the probes of the past are kept in.
#[derive(Debug, Default)]
pub struct Memory {
    /// The recent past.
    pub history: Arc<History>,
    /// Records on disk, if there are to be any.
    pub recorder: Option<Recorder>,
}

impl Daemon {
    /// How the flight recorder does, if there is one.
    #[must_use]
    pub fn recorder(&self) -> Option<RecorderStatus> {
        self.recorder.as_ref().map(Recorder::status)
    }

    /// What measures the energy of probes.
    #[must_use]
    pub fn energy(&self) -> &Arc<EnergyMeter> {
        &self.energy
    }

    /// Everything that is told of the target's probes.
    pub(super) fn sinks(&self, state: &State, target: &Arc<Target>) -> TargetSinks {
        let recorder = self.recorder.as_ref().map(|recorder| recorder.sink(&self.history));
        let mut sinks: Vec<&dyn Sink> =
            vec![&Log, &self.history, &*self.metrics, &state.watchers, &state.outages];
        sinks.extend(recorder.as_ref().map(|recorder| recorder as &dyn Sink));
        TargetSinks::open(&sinks, target, self.metrics.sink_panics())
    }
}
