//! Scheduled sweeps: what a target gives as a function of its load. Their `workload` label is empty.

use std::fmt;

use super::family::{Family, counter, gauge};
use crate::metrics::samples::SampleWriter;
use crate::metrics::sweep::SweepMetrics;
use crate::sweep::{LevelCounts, Percentiles, SweepLevel};
use crate::text::units::unix_seconds;

const LEVEL: &[&str] = &["sweep", "concurrency"];
const PERCENTILE: &[&str] = &["sweep", "concurrency", "percentile"];

pub(in crate::metrics) static SWEEP: &[Family<SweepMetrics>] = &[
    gauge(
        "sweep_time_to_first_token_seconds",
        PERCENTILE,
        "Time to first token with so many users (`concurrency`), each of whom asks again when answered: \
         the percentiles 50, 95 and 99 of the requests of the last sweep that succeeded. Absent for a \
         level that was not made to its end, or of which the prober was the bottleneck.",
        |sweep, s| percentiles(sweep, s, |level| level.ttft),
    ),
    gauge(
        "sweep_inter_token_latency_seconds",
        PERCENTILE,
        "The same of the inter-token latency, one value per request.",
        |sweep, s| percentiles(sweep, s, |level| level.itl),
    ),
    gauge(
        "sweep_request_latency_seconds",
        PERCENTILE,
        "The same of the request latency.",
        |sweep, s| percentiles(sweep, s, |level| level.request_latency),
    ),
    gauge(
        "sweep_attainment_ratio",
        LEVEL,
        "The share of the requests of a level that succeeded and met every SLO, at the last sweep. \
         Absent as for the time to first token.",
        |sweep, s| levels(sweep, s, |level| level.attainment),
    ),
    gauge(
        "sweep_throughput_requests_per_second",
        LEVEL,
        "Requests of a level that succeeded per second, at the last sweep. Absent as for the time to \
         first token.",
        |sweep, s| levels(sweep, s, |level| level.request_rate),
    ),
    counter(
        "sweep_probes_total",
        LEVEL,
        "Requests of all sweeps since the start, without those that the prober gave up. They are in no \
         other figure but the budget.",
        |sweep, s| counts(sweep, s, |level| level.requests),
    ),
    counter(
        "sweep_probe_failures_total",
        &["sweep", "concurrency", "reason"],
        "Those of them that failed, by the reasons of probe_failures_total. Reasons begin with their first \
         failure.",
        |sweep, s| {
            sweep.snapshot.counts.levels.iter().try_for_each(|(users, level)| {
                let users = users.to_string();
                let mut errors = level.errors.iter();
                errors
                    .try_for_each(|(reason, n)| s.counter(&[&sweep.spec.name, &users, reason], *n))
            })
        },
    ),
    counter(
        "sweep_slo_probes_total",
        LEVEL,
        "Requests of all sweeps since the start that were held to every SLO of the target which covers \
         their workload; without one, to success.",
        |sweep, s| counts(sweep, s, |level| level.requests),
    ),
    counter("sweep_slo_good_probes_total", LEVEL, "Those of them that were good.", |sweep, s| {
        counts(sweep, s, |level| level.good)
    }),
    counter(
        "sweep_runs_total",
        &["sweep", "result"],
        "Sweeps since the start by how they ended: complete; invalid (the prober was the bottleneck of a \
         level); broken off because a request was refused with status 429 (rate_limited), 5 % of a \
         level's requests failed (errors), or a first token took ten times as long as the SLO allows \
         (ttft); broken off after max_duration (time), because max_output_tokens were used up (tokens) \
         or the budget is spent (budget); stopped by a reload or the end of the program.",
        |sweep, s| {
            let mut runs = sweep.snapshot.counts.runs();
            runs.try_for_each(|(result, n)| s.counter(&[&sweep.spec.name, result.as_str()], n))
        },
    ),
    gauge(
        "sweep_knee_users",
        &["sweep"],
        "The largest number of users with whom enough requests are good (`attainment`), by the last sweep \
         that tells: one that was complete, or was broken off because of what a level did to the server, \
         which is not good then. 0: not with the fewest, either. Kept over restarts with a state_dir. \
         Absent before the first such sweep.",
        |sweep, s| s.maybe(&[&sweep.spec.name], sweep.snapshot.past.knee().map(f64::from)),
    ),
    gauge(
        "sweep_usual_knee_users",
        &["sweep"],
        "The median of the knees of the 28 days before the last sweep that tells one. Absent while they \
         are fewer than three.",
        |sweep, s| s.maybe(&[&sweep.spec.name], sweep.snapshot.past.usual_knee()),
    ),
    gauge("sweep_running", &["sweep"], "Whether the sweep is under way (1).", |sweep, s| {
        let running = sweep.snapshot.running.is_some();
        s.gauge(&[&sweep.spec.name], f64::from(u8::from(running)))
    }),
    gauge(
        "sweep_last_run_timestamp_seconds",
        &["sweep"],
        "Unix time at which the last sweep that is over began. Kept over restarts with a state_dir. Absent \
         before the first.",
        |sweep, s| {
            let last = sweep.snapshot.past.last();
            s.maybe(&[&sweep.spec.name], last.map(|run| unix_seconds(run.began)))
        },
    ),
    gauge(
        "sweep_next_run_timestamp_seconds",
        &["sweep"],
        "Unix time at which the next sweep is due; of one that is under way, or that waits for another \
         one of the same host and port, when it was due itself.",
        |sweep, s| s.maybe(&[&sweep.spec.name], sweep.snapshot.next.map(unix_seconds)),
    ),
];

fn percentiles(
    sweep: &SweepMetrics,
    samples: &mut SampleWriter<'_, '_>,
    figure: fn(&SweepLevel) -> Option<Percentiles>,
) -> fmt::Result {
    sweep.levels().try_for_each(|(users, level)| {
        let Some(percentiles) = figure(level) else { return Ok(()) };
        let mut each = percentiles.each();
        each.try_for_each(|(name, seconds)| {
            samples.gauge(&[&sweep.spec.name, &users, name], seconds)
        })
    })
}

fn levels(
    sweep: &SweepMetrics,
    samples: &mut SampleWriter<'_, '_>,
    figure: fn(&SweepLevel) -> Option<f64>,
) -> fmt::Result {
    let mut levels = sweep.levels();
    levels.try_for_each(|(users, level)| samples.maybe(&[&sweep.spec.name, &users], figure(level)))
}

fn counts(
    sweep: &SweepMetrics,
    samples: &mut SampleWriter<'_, '_>,
    count: fn(&LevelCounts) -> u64,
) -> fmt::Result {
    sweep.snapshot.counts.levels.iter().try_for_each(|(users, level)| {
        samples.counter(&[&sweep.spec.name, &users.to_string()], count(level))
    })
}
