//! The prober's process, under the names that every Prometheus client uses for them.

use super::family::{Family, counter, gauge};
use crate::metrics::process::ProcessStats;

pub(in crate::metrics) static PROCESS: &[Family<ProcessStats>] = &[
    counter(
        "process_cpu_seconds_total",
        &[],
        "User and system CPU time of the process in seconds.",
        |p, s| s.counter(&[], p.cpu_seconds),
    ),
    gauge(
        "process_resident_memory_bytes",
        &[],
        "Resident memory of the process in bytes.",
        |p, s| s.gauge(&[], p.resident_bytes),
    ),
    gauge(
        "process_virtual_memory_bytes",
        &[],
        "Virtual memory of the process in bytes.",
        |p, s| s.gauge(&[], p.virtual_bytes),
    ),
    gauge("process_open_fds", &[], "Open file descriptors of the process.", |p, s| {
        s.gauge(&[], p.open_fds)
    }),
    gauge(
        "process_max_fds",
        &[],
        "Open file descriptors that the process may have. Absent where there is no limit.",
        |p, s| p.max_fds.map_or(Ok(()), |most| s.gauge(&[], most)),
    ),
    gauge("process_start_time_seconds", &[], "Unix time at which the process started.", |p, s| {
        s.gauge(&[], p.start_time_seconds)
    }),
    gauge("process_threads", &[], "Threads of the process.", |p, s| s.gauge(&[], p.threads)),
];
