//! A workload that is watched for a change, as a scrape sees it.

use crate::regression::change::StreamSnapshot;
use crate::regression::comparison::{Signal, WorkloadSnapshot};
use crate::regression::detect::Estimate;
use crate::watcher::Watch;

use super::comparison::ComparisonMetrics;

/// The streams of one workload: of a target against its own past, or of a comparison. A scrape holds
/// those of all targets, so no more of them than it tells.
#[derive(Debug)]
pub(super) struct ChangeMetrics {
    /// The comparison's name; empty against the own past.
    pub comparison: String,
    /// What the alarm of any of the streams needs: it is the same for all of them.
    pub threshold_log10: Option<f64>,
    /// Observations of the stream that has least of them; `None` for comparisons.
    pub reference_samples: Option<u64>,
    /// When the reference of the last stream was complete; `None` while one of them is being
    /// collected, and for comparisons.
    pub reference_complete_unix_millis: Option<u64>,
    /// One per signal.
    pub streams: Box<[StreamMetrics]>,
}

/// One stream. See [`StreamSnapshot`].
#[derive(Debug)]
pub(super) struct StreamMetrics {
    pub signal: Signal,
    pub evidence_log10: Option<f64>,
    /// Most have none.
    pub effect: Option<Box<Estimate>>,
    pub alarmed: Option<bool>,
    pub alarms: u64,
    pub last_alarm_unix_millis: Option<u64>,
}

impl ChangeMetrics {
    fn new(comparison: &str, streams: &[StreamSnapshot]) -> Self {
        let references = || streams.iter().filter_map(|stream| stream.reference);
        let complete = streams.iter().map(|s| s.reference?.complete_unix_millis);
        Self {
            comparison: comparison.to_owned(),
            threshold_log10: streams.iter().map(|s| s.threshold_log10).reduce(f64::max),
            reference_samples: references().map(|reference| reference.observations).min(),
            reference_complete_unix_millis: complete.reduce(|a, b| Some(a?.max(b?))).flatten(),
            streams: streams.iter().map(StreamMetrics::from).collect(),
        }
    }
}

impl From<&StreamSnapshot> for StreamMetrics {
    fn from(stream: &StreamSnapshot) -> Self {
        Self {
            signal: stream.signal,
            evidence_log10: stream.evidence_log10,
            effect: stream.effect.map(Box::new),
            alarmed: stream.alarmed,
            alarms: stream.alarms,
            last_alarm_unix_millis: stream.last_alarm_unix_millis,
        }
    }
}

/// The workloads of a target, by name.
pub(super) fn of_past(watch: &Watch) -> Vec<(String, ChangeMetrics)> {
    let snapshot = watch.snapshot();
    let workloads = snapshot.chunk_by(|(one, _), (next, _)| one == next);
    let of = |streams: &[(String, StreamSnapshot)]| {
        let (name, streams): (_, Vec<_>) =
            (streams[0].0.clone(), streams.iter().map(|(_, stream)| stream.clone()).collect());
        (name, ChangeMetrics::new("", &streams))
    };
    workloads.map(of).collect()
}

/// The workloads of a comparison, by name. They are its candidate's. Of the same moment as everything
/// else that a scrape says of the comparison.
pub(super) fn of_comparison(compared: &ComparisonMetrics) -> Vec<(String, ChangeMetrics)> {
    let comparison = &compared.live.spec().name;
    let workload = |w: &WorkloadSnapshot| {
        let streams: Vec<_> = w.streams.iter().map(StreamSnapshot::from).collect();
        (w.workload.clone(), ChangeMetrics::new(comparison, &streams))
    };
    compared.snapshot.workloads.iter().map(workload).collect()
}
