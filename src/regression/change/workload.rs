//! All streams of one workload of a target.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::basis::{Basis, FieldNames};
use super::observation::Observation;
use super::settings::{ChangeDetection, signals};
use super::snapshot::StreamSnapshot;
use super::stream::{Stream, Terms, What};
use crate::regression::comparison::{Comparison, Signal};
use crate::regression::detect::{PastDetector, ShareDetector};
use crate::target::Target;
use crate::workload::Workload;

/// What is written down of a workload.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Streams {
    /// Of an earlier version of the program there is none.
    #[serde(default)]
    basis: Basis,
    latencies: Vec<Stream<PastDetector>>,
    shares: Vec<Stream<ShareDetector>>,
}

#[derive(Debug, Clone)]
pub(super) struct WorkloadWatch {
    pub name: String,
    terms: Terms,
    pub streams: Streams,
}

impl WorkloadWatch {
    pub fn new(
        settings: &ChangeDetection,
        target: &Target,
        workload: &Workload,
        comparisons: &[Arc<Comparison>],
        fleet: usize,
        names: &mut FieldNames,
    ) -> Self {
        let basis = Basis::of(target, workload, names);
        let mut streams = Streams { basis, ..Streams::default() };
        for signal in signals(target, workload) {
            let tolerance = settings.tolerances.of(signal);
            match signal {
                Signal::Ttft | Signal::Itl | Signal::RequestLatency => {
                    streams.latencies.push(Stream::new(signal, tolerance));
                }
                Signal::Failure | Signal::Slo => {
                    streams.shares.push(Stream::new(signal, tolerance));
                }
            }
        }
        streams.latencies.shrink_to_fit();
        streams.shares.shrink_to_fit();
        let terms = Terms {
            reference: settings.reference,
            min_samples: settings.min_samples,
            threshold: settings.threshold(target, workload, comparisons, fleet),
        };
        Self { name: workload.name.clone(), terms, streams }
    }

    pub fn adopt(&mut self, earlier: &Streams) -> Vec<(Signal, What)> {
        let (threshold, mut events) = (self.terms.threshold, Vec::new());
        let basis = &self.streams.basis;
        let differing = |signal| basis.differing(&earlier.basis, signal);
        for stream in &mut self.streams.latencies {
            let same = earlier.latencies.iter().find(|e| e.signal == stream.signal);
            let event = same.and_then(|e| stream.adopt(e, differing(e.signal), threshold));
            events.extend(event.map(|what| (stream.signal, what)));
        }
        for stream in &mut self.streams.shares {
            let same = earlier.shares.iter().find(|e| e.signal == stream.signal);
            let event = same.and_then(|e| stream.adopt(e, differing(e.signal), threshold));
            events.extend(event.map(|what| (stream.signal, what)));
        }
        events
    }

    pub fn begin_anew(&mut self) {
        self.streams.latencies.iter_mut().for_each(Stream::begin_anew);
        self.streams.shares.iter_mut().for_each(Stream::begin_anew);
    }

    pub fn observe(&mut self, observation: &Observation) -> Vec<(Signal, What)> {
        let (terms, mut events) = (&self.terms, Vec::new());
        for stream in &mut self.streams.latencies {
            let event = stream.observe(observation, terms);
            events.extend(event.map(|what| (stream.signal, what)));
        }
        for stream in &mut self.streams.shares {
            let event = stream.observe(observation, terms);
            events.extend(event.map(|what| (stream.signal, what)));
        }
        events
    }

    pub fn snapshot(&self) -> Vec<StreamSnapshot> {
        let latencies = self.streams.latencies.iter().map(|s| s.snapshot(&self.terms));
        latencies.chain(self.streams.shares.iter().map(|s| s.snapshot(&self.terms))).collect()
    }
}
