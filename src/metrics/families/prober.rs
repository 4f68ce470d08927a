//! The prober itself.

use prometheus::metrics::MetricType;

use super::family::{Family, counter, family, gauge, histogram};
use crate::metrics::prober::{MEASUREMENT_STATISTICS, ProberMetrics};
use crate::probe::sink::Losses;

pub(in crate::metrics) static PROBER: &[Family<ProberMetrics>] = &[
    family(
        "build_info",
        MetricType::Info,
        &["version", "os", "arch"],
        "The running build: version, operating system and processor architecture. Always 1.",
        |_, s| {
            let values = [env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH];
            s.info(&values, std::iter::empty())
        },
    ),
    gauge(
        "config_last_reload_successful",
        &[],
        "Whether the last attempt to load the configuration succeeded (1); if not (0), the one \
         before is still in force.",
        |p, s| s.late(&[], &p.reload_successful),
    ),
    gauge(
        "config_last_reload_success_timestamp_seconds",
        &[],
        "Unix time at which the configuration in force was loaded.",
        |p, s| s.late(&[], &p.reload_timestamp),
    ),
    gauge(
        "budget_in_all_remaining_ratio",
        &["period"],
        "As budget_remaining_ratio, of the budget of all targets together. Only for periods with a \
         limit.",
        |p, s| {
            let left = p.budget_in_all_remaining();
            left.into_iter().try_for_each(|(period, left)| s.gauge(&[period.as_str()], left))
        },
    ),
    gauge(
        "state_last_write_successful",
        &[],
        "Whether the last attempt to write what was learnt into the state folder succeeded (1). \
         Absent before the first, and without a state folder.",
        |p, s| s.late(&[], &p.state_successful),
    ),
    gauge(
        "state_last_write_success_timestamp_seconds",
        &[],
        "Unix time at which what was learnt was last written into the state folder. Absent before \
         that, and without a state folder.",
        |p, s| s.late(&[], &p.state_timestamp),
    ),
    gauge(
        "scrape_duration_seconds",
        &[],
        "How long it took to encode the answer to the previous scrape; compression and sending \
         are not in it. Absent on the first.",
        |p, s| s.late(&[], &p.scrape_duration),
    ),
    histogram(
        "event_loop_lag_seconds",
        &["loop"],
        "How long after its due time a task ran that asks once a second to be woken: io, the \
         threads that read from targets; main, all other work. About 1 ms is the timer's own \
         grain.",
        |p, s| {
            s.histogram(&["main"], &p.main_loop_lag)?;
            s.histogram(&["io"], &p.io_loop_lag)
        },
    ),
    gauge(
        "measurement_error_seconds",
        &["statistic"],
        "How long after a token was sent the prober says that it came, on this machine: from the last \
         check at the start and once a day, in which the prober reads 200 tokens of a server of its \
         own over loopback. statistic is p50, p99 or max. Absent before the first check.",
        |p, s| {
            let each = MEASUREMENT_STATISTICS.iter().zip(&p.measurement_error);
            each.into_iter().try_for_each(|((label, _), error)| s.late(&[label], error))
        },
    ),
    gauge(
        "measurement_error_timestamp_seconds",
        &[],
        "Unix time of the check that measurement_error_seconds is from. Absent before the first.",
        |p, s| s.late(&[], &p.measurement_error_timestamp),
    ),
    gauge("history_records", &[], "Probes in the history that is kept in memory.", |p, s| {
        s.gauge(&[], p.history_records.get())
    }),
    counter(
        "flight_records_lost_total",
        &[],
        "Flight records that could not be written, or for which there was no room in the queue. \
         Absent without a flight recorder.",
        |p, s| s.maybe_counter(&[], p.flight_losses.get().map(Losses::get)),
    ),
    counter(
        "sink_panics_total",
        &["sink"],
        "Defects of the prober by which something was not told of a probe: log, history, metrics, \
         change (detection of changes), outage, flight_recorder. Its figures lack that probe.",
        |p, s| p.sink_panics.iter().try_for_each(|(sink, panics)| s.counter(&[sink], panics)),
    ),
];
