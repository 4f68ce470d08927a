//! A workload that is watched for a change, as a scrape sees it.

use crate::regression::change::StreamSnapshot;
use crate::regression::comparison::WorkloadSnapshot;
use crate::watcher::Watch;

use super::comparison::ComparisonMetrics;
use super::encode::Labels;

/// The streams of one workload: of a target against its own past, or of a comparison.
#[derive(Debug, Clone)]
pub(super) struct ChangeMetrics {
    /// The comparison's name; empty against the own past.
    pub comparison: String,
    pub workload: String,
    /// One per signal.
    pub streams: Vec<StreamSnapshot>,
}

impl ChangeMetrics {
    /// What the alarm of any of the streams needs: it is the same for all of them.
    pub fn threshold_log10(&self) -> Option<f64> {
        self.streams.iter().map(|stream| stream.threshold_log10).reduce(f64::max)
    }

    /// Observations of the stream that has least of them; `None` for comparisons.
    pub fn reference_samples(&self) -> Option<u64> {
        let references = self.streams.iter().filter_map(|stream| stream.reference);
        references.map(|reference| reference.observations).min()
    }

    /// When the reference of the last stream was complete; `None` while one of them is being
    /// collected, and for comparisons.
    pub fn reference_complete_unix_millis(&self) -> Option<u64> {
        let complete = self.streams.iter().map(|s| s.reference?.complete_unix_millis);
        complete.reduce(|a, b| Some(a?.max(b?))).flatten()
    }
}

/// One stream.
#[derive(Debug, Clone)]
pub(super) struct StreamMetrics {
    /// As in [`ChangeMetrics`].
    pub comparison: String,
    pub stream: StreamSnapshot,
}

/// Each stream with the labels of its workload.
pub(super) fn streams<'l>(
    workloads: &[(&'l Labels, ChangeMetrics)],
) -> Vec<(&'l Labels, StreamMetrics)> {
    let each = workloads.iter().flat_map(|(labels, w)| {
        w.streams.iter().map(move |stream| {
            let (comparison, stream) = (w.comparison.clone(), stream.clone());
            (*labels, StreamMetrics { comparison, stream })
        })
    });
    each.collect()
}

/// The workloads of a target.
pub(super) fn of_past(watch: &Watch) -> Vec<ChangeMetrics> {
    let mut workloads: Vec<ChangeMetrics> = Vec::new();
    for (workload, stream) in watch.snapshot() {
        match workloads.last_mut() {
            Some(last) if last.workload == workload => last.streams.push(stream),
            _ => {
                let (comparison, streams) = (String::new(), vec![stream]);
                workloads.push(ChangeMetrics { comparison, workload, streams });
            }
        }
    }
    workloads
}

/// The workloads of a comparison. They are its candidate's. Of the same moment as everything else
/// that a scrape says of the comparison.
pub(super) fn of_comparison(compared: &ComparisonMetrics) -> Vec<ChangeMetrics> {
    let comparison = &compared.live.spec().name;
    let workload = |w: &WorkloadSnapshot| ChangeMetrics {
        comparison: comparison.clone(),
        workload: w.workload.clone(),
        streams: w.streams.iter().map(StreamSnapshot::from).collect(),
    };
    compared.snapshot.workloads.iter().map(workload).collect()
}
