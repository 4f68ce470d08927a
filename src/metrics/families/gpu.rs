//! The GPUs of this machine as their driver shows them. All but `gpu_up` carry the labels of
//! [`GPU_LABELS`]. What a GPU, its driver or the library lacks has no series; a GPU that is lost
//! keeps `gpu_info`, `gpu_collect_*` and `gpu_xid_*` only.

use prometheus::metrics::MetricType;

use super::family::{Family, counter, family, gauge};
use crate::gpu::state::{GpuView, Memory, Seen};
use crate::gpu::xid::XidLog;
use crate::metrics::samples::SampleWriter;

/// The driver's index and the GPU's own name.
pub(in crate::metrics) const GPU_LABELS: [&str; 2] = ["gpu", "uuid"];

pub(in crate::metrics) static GPU_DRIVER: &[Family<GpuView>] = &[gauge(
    "gpu_up",
    &[],
    "Whether NVIDIA's library and driver are there and answer (1) or not (0). Absent where GPUs \
     are not to be watched.",
    |v, s| s.gauge(&[], i64::from(v.up)),
)];

pub(in crate::metrics) static GPU: &[Family<Seen>] = &[
    family(
        "gpu_info",
        MetricType::Info,
        &[
            "name",
            "driver_version",
            "pci_bus_id",
            "mig_mode",
            "architecture",
            "vbios_version",
            "virtualization",
        ],
        "What the GPU is; empty labels are not known. MIG mode: enabled, disabled, or empty for a \
         GPU without it. Virtualization: none, passthrough, vgpu, host_vgpu, host_vsga. Always 1.",
        info,
    ),
    gauge(
        "gpu_collect_success",
        &[],
        "Whether the driver gave this GPU's values (1). If it does not answer (0), the values are \
         those of gpu_collect_timestamp_seconds; if the GPU is lost (0), it has none.",
        |g, s| s.gauge(&[], i64::from(g.success())),
    ),
    gauge(
        "gpu_collect_duration_seconds",
        &[],
        "How long it took to read this GPU's values.",
        |g, s| looked(g, s, |g| Some(g.state.took.as_secs_f64())),
    ),
    gauge(
        "gpu_collect_timestamp_seconds",
        &[],
        "Unix time at which this GPU's values were read. A driver that hangs leaves it behind.",
        |g, s| looked(g, s, |g| super::family::unix_seconds(g.state.at)),
    ),
    gauge(
        "gpu_utilization_ratio",
        &[],
        "Share of the driver's last sample period (up to 1 s) in which a kernel was running.",
        |g, s| s.maybe(&[], g.state.reading.utilization),
    ),
    gauge(
        "gpu_memory_copy_utilization_ratio",
        &[],
        "Share of the driver's last sample period in which device memory was read or written.",
        |g, s| s.maybe(&[], g.state.reading.memory_copy_utilization),
    ),
    gauge(
        "gpu_encoder_utilization_ratio",
        &[],
        "Utilization of the video encoder in the driver's last sample period.",
        |g, s| s.maybe(&[], g.state.reading.encoder_utilization),
    ),
    gauge(
        "gpu_decoder_utilization_ratio",
        &[],
        "Utilization of the video decoder in the driver's last sample period.",
        |g, s| s.maybe(&[], g.state.reading.decoder_utilization),
    ),
    gauge("gpu_memory_total_bytes", &[], "Installed device memory.", |g, s| {
        s.maybe(&[], memory(g).map(|m| m.total))
    }),
    gauge(
        "gpu_memory_used_bytes",
        &[],
        "Allocated device memory, without the reserved.",
        |g, s| s.maybe(&[], memory(g).map(|m| m.used)),
    ),
    gauge("gpu_memory_free_bytes", &[], "Device memory that is not allocated.", |g, s| {
        s.maybe(&[], memory(g).map(|m| m.free))
    }),
    gauge("gpu_memory_reserved_bytes", &[], "Device memory that the driver keeps.", |g, s| {
        s.maybe(&[], memory(g).and_then(|m| m.reserved))
    }),
    gauge("gpu_temperature_celsius", &["sensor"], "Temperature by sensor: gpu, memory.", |g, s| {
        g.state.reading.temperatures.iter().try_for_each(|(sensor, t)| s.gauge(&[sensor], *t))
    }),
    gauge(
        "gpu_temperature_limit_celsius",
        &["limit"],
        "Temperature at which something happens: gpu_max (clocks may fall below base), \
         memory_max, slowdown (the hardware throttles), shutdown.",
        |g, s| {
            let limits = g.state.facts.temperature_limits.iter().filter(|_| g.state.success);
            limits.into_iter().try_for_each(|(limit, t)| s.gauge(&[limit], *t))
        },
    ),
    gauge("gpu_power_watts", &[], "Power that the board draws.", |g, s| {
        s.maybe(&[], g.state.reading.power_watts)
    }),
    gauge("gpu_power_limit_watts", &[], "The power limit that is enforced.", |g, s| {
        s.maybe(&[], g.state.reading.power_limit_watts)
    }),
    counter(
        "gpu_energy_joules_total",
        &[],
        "Energy that the GPU took since its driver was loaded.",
        |g, s| s.maybe_counter(&[], g.state.reading.energy_joules),
    ),
    gauge(
        "gpu_clock_hertz",
        &["clock"],
        "Current clock by domain: graphics, sm, memory, video.",
        |g, s| g.state.reading.clocks.iter().try_for_each(|(clock, hz)| s.gauge(&[clock], *hz)),
    ),
    gauge(
        "gpu_clock_event_active",
        &["reason"],
        "Whether the clocks are held down for this reason now (1). gpu_idle, \
         applications_clocks_setting and display_clock_setting are no throttling.",
        |g, s| {
            let events = &g.state.reading.clock_events;
            events.iter().try_for_each(|(reason, on)| s.gauge(&[reason], i64::from(*on)))
        },
    ),
    counter(
        "gpu_clock_event_seconds_total",
        &["reason"],
        "Time for which the clocks were held down for this reason, as the driver counts it: what \
         happens between two scrapes is in it.",
        |g, s| {
            let held = &g.state.reading.clock_event_seconds;
            held.iter().try_for_each(|(reason, seconds)| s.counter(&[reason], *seconds))
        },
    ),
    gauge("gpu_performance_state", &[], "Performance state: 0 (fastest) to 15.", |g, s| {
        s.maybe(&[], g.state.reading.performance_state)
    }),
    gauge(
        "gpu_fan_speed_ratio",
        &["fan"],
        "Speed of a fan as a share of its intended top speed, which it may exceed.",
        |g, s| {
            let mut fans = g.state.reading.fans.iter().enumerate();
            fans.try_for_each(|(fan, speed)| s.gauge(&[&fan.to_string()], *speed))
        },
    ),
    counter("gpu_pcie_tx_bytes_total", &[], "Bytes that the GPU sent over PCIe.", |g, s| {
        s.maybe_counter(&[], g.state.reading.pcie_tx_bytes)
    }),
    counter("gpu_pcie_rx_bytes_total", &[], "Bytes that the GPU received over PCIe.", |g, s| {
        s.maybe_counter(&[], g.state.reading.pcie_rx_bytes)
    }),
    counter("gpu_pcie_replay_total", &[], "PCIe packets that had to be sent again.", |g, s| {
        s.maybe_counter(&[], g.state.reading.pcie_replays)
    }),
    gauge("gpu_nvlink_links", &[], "NVLinks that the GPU has.", |g, s| {
        s.maybe(&[], g.state.reading.nvlink_links)
    }),
    counter(
        "gpu_nvlink_tx_bytes_total",
        &["link"],
        "Bytes of data that the GPU sent over an NVLink. Link 0 only: the others cannot be asked \
         for; where all links share the load, it stands for them.",
        |g, s| g.state.reading.nvlink_tx_bytes.iter().try_for_each(|(l, n)| s.counter(&[l], *n)),
    ),
    counter(
        "gpu_nvlink_rx_bytes_total",
        &["link"],
        "Bytes of data that the GPU received over an NVLink. Link 0 only, as for tx.",
        |g, s| g.state.reading.nvlink_rx_bytes.iter().try_for_each(|(l, n)| s.counter(&[l], *n)),
    ),
    counter(
        "gpu_nvlink_errors_total",
        &["kind"],
        "Errors on all NVLinks together: crc_flit, crc_data, ecc_data, replay, recovery.",
        |g, s| g.state.reading.nvlink_errors.iter().try_for_each(|(k, n)| s.counter(&[k], *n)),
    ),
    counter(
        "gpu_ecc_errors_total",
        &["kind", "scope"],
        "Memory errors, corrected and uncorrected: volatile since the driver was loaded, aggregate \
         since the board was made. Absent while ECC is off.",
        |g, s| {
            let counts = g.state.reading.ecc.iter();
            counts.into_iter().try_for_each(|e| s.counter(&[e.kind, e.scope], e.count))
        },
    ),
    gauge(
        "gpu_remapped_rows",
        &["kind"],
        "Rows of memory that were replaced because of correctable or uncorrectable errors.",
        |g, s| g.state.reading.remapped_rows.iter().try_for_each(|(k, n)| s.gauge(&[k], *n)),
    ),
    gauge(
        "gpu_remap_pending",
        &[],
        "Whether rows wait for a reset of the GPU to be replaced (1).",
        |g, s| s.maybe(&[], g.state.reading.remap_pending.map(i64::from)),
    ),
    gauge(
        "gpu_remap_failure",
        &[],
        "Whether a row could not be replaced (1): the board is at its end.",
        |g, s| s.maybe(&[], g.state.reading.remap_failure.map(i64::from)),
    ),
    counter(
        "gpu_xid_errors_total",
        &["xid"],
        "Errors that the driver reported since the prober watches, by NVIDIA's number (XID); \
         unknown: without a number, other: beyond 64 different ones.",
        |g, s| {
            let mut counts = g.state.xids.iter().flat_map(XidLog::counts);
            counts.try_for_each(|(xid, seen)| s.counter(&[xid], seen.count))
        },
    ),
    gauge(
        "gpu_xid_last_timestamp_seconds",
        &["xid"],
        "Unix time at which the prober took notice of the last such error. Absent before the \
         first.",
        |g, s| {
            let mut counts = g.state.xids.iter().flat_map(XidLog::counts);
            counts.try_for_each(|(xid, seen)| {
                s.maybe(&[xid], seen.last.and_then(super::family::unix_seconds))
            })
        },
    ),
    gauge(
        "gpu_process_memory_used_bytes",
        &["pid", "process", "kind"],
        "Device memory of a process (kind: compute, graphics), by the driver's number for it and \
         the program's file name; the 64 largest. Only if configured.",
        |g, s| {
            let mut processes = g.state.reading.processes.iter();
            processes.try_for_each(|p| s.gauge(&[&p.pid.to_string(), &p.name, p.kind], p.used))
        },
    ),
];

fn info(gpu: &Seen, samples: &mut SampleWriter<'_, '_>) -> std::fmt::Result {
    let (facts, reading) = (&gpu.state.facts, &gpu.state.reading);
    let text = |value: &'_ Option<String>| value.clone().unwrap_or_default();
    let mig = reading.mig_enabled.map_or("", |on| if on { "enabled" } else { "disabled" });
    let values = [
        text(&facts.name),
        gpu.state.driver_version.as_deref().unwrap_or_default().to_owned(),
        text(&facts.pci_bus_id),
        mig.to_owned(),
        text(&facts.architecture),
        text(&facts.vbios_version),
        facts.virtualization.unwrap_or_default().to_owned(),
    ];
    samples.info(&values.each_ref().map(String::as_str), std::iter::empty())
}

/// Nothing before the first look.
fn looked(
    gpu: &Seen,
    samples: &mut SampleWriter<'_, '_>,
    value: impl Fn(&Seen) -> Option<f64>,
) -> std::fmt::Result {
    samples.maybe(&[], gpu.was_looked_at().then(|| value(gpu)).flatten())
}

fn memory(gpu: &Seen) -> Option<Memory> {
    gpu.state.reading.memory
}
