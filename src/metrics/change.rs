//! A stream that is watched for a change, as a scrape sees it.

use crate::change::StreamSnapshot;
use crate::comparer::Live;
use crate::watcher::Watch;

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

/// The streams of a comparison, each with its workload. They are its candidate's.
pub(super) fn of_comparison(live: &Live) -> Vec<(String, ChangeMetrics)> {
    let comparison = &live.spec().name;
    let workloads = live.snapshot().workloads.into_iter();
    let streams = workloads.flat_map(|w| {
        w.streams.into_iter().map(move |stream| (w.workload.clone(), StreamSnapshot::from(&stream)))
    });
    streams
        .map(|(workload, stream)| {
            (workload, ChangeMetrics { comparison: comparison.clone(), stream })
        })
        .collect()
}
