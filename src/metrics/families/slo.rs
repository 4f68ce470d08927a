//! Service level objectives. A probe is good when it succeeded and met every objective that
//! applies to it.

use super::family::{Family, counter, histogram};
use crate::metrics::secondary::Secondary;
use crate::metrics::workload::WorkloadMetrics;

pub(in crate::metrics) static SLO: &[Family<WorkloadMetrics>] = &[
    counter(
        "slo_probes_total",
        &["slo"],
        "Probes that an SLO covers, failed ones included, skipped ones and those that the prober \
         gave up itself not. Attainment is slo_good_probes_total / slo_probes_total, exact whatever \
         the buckets are.",
        |w, s| w.slos.iter().try_for_each(|o| s.counter(&[&o.name], o.probes.get())),
    ),
    counter(
        "slo_good_probes_total",
        &["slo"],
        "Probes that succeeded and met every objective of the SLO that applies to them.",
        |w, s| w.slos.iter().try_for_each(|o| s.counter(&[&o.name], o.good.get())),
    ),
    counter(
        "slo_missed_total",
        &["slo", "objective"],
        "Objectives that a probe missed; one probe may miss several. The objective is success \
         when the probe itself failed: then its figures are not judged.",
        |w, s| w.slos.iter().try_for_each(|o| s.counters(&[&o.name], &o.missed)),
    ),
    histogram(
        "goodput_tokens_per_second",
        &["slo"],
        "Output tokens / request latency of each good probe, 0 for each probe that was not good.",
        |w, s| w.slos.iter().try_for_each(|o| s.histogram(&[&o.name], &o.goodput)),
    ),
    counter("good_output_tokens_total", &["slo"], "Output tokens of the good probes.", |w, s| {
        w.slos.iter().try_for_each(|o| s.counter(&[&o.name], o.good_output_tokens.get()))
    }),
];

/// Per target or per workload.
pub(in crate::metrics) static SLO_CONSUMPTION: &[Family<Secondary>] = &[histogram(
    "slo_consumption_ratio",
    &["slo", "objective"],
    "Observed / threshold (threshold / observed for tokens per second, missed deadlines / the tenth \
     that may be missed for `deadline`) of each objective, so that 1 or less is good whatever the \
     threshold is. Failed probes are not in it.",
    |x, s| {
        let each = x.consumption.iter().flat_map(|c| c.objectives.iter().map(move |o| (c, o)));
        each.into_iter().try_for_each(|(c, (kind, h))| s.histogram(&[&c.slo, kind], h))
    },
)];
