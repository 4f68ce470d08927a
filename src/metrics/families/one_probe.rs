//! What a probe on demand adds, under the names that every prober of its kind uses.

use super::family::{Family, gauge};

/// See the families for what each value is.
#[derive(Debug, Clone, Copy)]
pub(in crate::metrics) struct OneProbe {
    pub success: f64,
    pub duration_seconds: f64,
}

pub(in crate::metrics) static ONE_PROBE: &[Family<OneProbe>] = &[
    gauge("probe_success", &[], "Whether the probe succeeded (1) or failed (0).", |p, s| {
        s.gauge(&[], p.success)
    }),
    gauge(
        "probe_duration_seconds",
        &[],
        "How long the probe took, from before name resolution to the end of the answer or the \
         failure.",
        |p, s| s.gauge(&[], p.duration_seconds),
    ),
];
