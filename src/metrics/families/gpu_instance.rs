//! The instances of a divided GPU (MIG): the labels of [`INSTANCE_LABELS`].

use prometheus::metrics::MetricType;

use super::family::{Family, counter, family, gauge};
use crate::gpu::state::Instance;

/// Those of the GPU, and the instance's number within it.
pub(in crate::metrics) const INSTANCE_LABELS: [&str; 3] = ["gpu", "uuid", "gpu_instance"];

/// Of a GPU that is divided (MIG), beside those of the GPU as a whole.
pub(in crate::metrics) static GPU_INSTANCE: &[Family<Instance>] = &[
    family(
        "gpu_instance_info",
        MetricType::Info,
        &["instance_uuid", "profile"],
        "An instance of a divided GPU (MIG), by its number as nvidia-smi -L shows it. Always 1.",
        |i, s| {
            let uuid = i.uuid.as_deref().unwrap_or_default();
            s.info(&[uuid, i.profile.as_deref().unwrap_or_default()], std::iter::empty())
        },
    ),
    gauge("gpu_instance_memory_total_bytes", &[], "Device memory of an instance.", |i, s| {
        s.maybe(&[], i.memory.map(|m| m.total))
    }),
    gauge(
        "gpu_instance_memory_used_bytes",
        &[],
        "Allocated device memory of an instance, without the reserved.",
        |i, s| s.maybe(&[], i.memory.map(|m| m.used)),
    ),
    gauge(
        "gpu_instance_memory_free_bytes",
        &[],
        "Device memory of an instance that is not allocated.",
        |i, s| s.maybe(&[], i.memory.map(|m| m.free)),
    ),
    counter(
        "gpu_instance_ecc_errors_total",
        &["kind", "scope"],
        "Memory errors in an instance, as gpu_ecc_errors_total.",
        |i, s| i.ecc.iter().try_for_each(|e| s.counter(&[e.kind, e.scope], e.count)),
    ),
];
