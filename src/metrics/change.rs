//! A stream that is watched for a change, as a scrape sees it.

use crate::regression::change::StreamSnapshot;
use crate::watcher::Watch;

use super::comparison::ComparisonMetrics;

/// One stream: of a target against its own past, or of a comparison.
pub(super) struct ChangeMetrics {
    /// The comparison's name; empty against the own past.
    pub comparison: String,
    pub stream: StreamSnapshot,
}

/// The streams of a target, each with its workload.
pub(super) fn of_past(watch: &Watch) -> Vec<(String, ChangeMetrics)> {
    let streams = watch.snapshot().into_iter();
    let change = |stream| ChangeMetrics { comparison: String::new(), stream };
    streams.map(|(workload, stream)| (workload, change(stream))).collect()
}

/// The streams of a comparison, each with its workload. They are its candidate's. Of the same
/// moment as everything else that a scrape says of the comparison.
pub(super) fn of_comparison(compared: &ComparisonMetrics) -> Vec<(String, ChangeMetrics)> {
    let comparison = &compared.live.spec().name;
    let workloads = compared.snapshot.workloads.iter();
    let streams = workloads.flat_map(|w| {
        w.streams.iter().map(move |stream| (w.workload.clone(), StreamSnapshot::from(stream)))
    });
    streams
        .map(|(workload, stream)| {
            (workload, ChangeMetrics { comparison: comparison.clone(), stream })
        })
        .collect()
}
