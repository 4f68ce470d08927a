//! Whether a target answers at all: their `workload` label is empty.

use super::family::{Family, counter, gauge};
use crate::watcher::OutageWatch;

pub(in crate::metrics) static OUTAGE: &[Family<OutageWatch>] = &[
    gauge(
        "failures_in_a_row",
        &[],
        "Probes in a row that got no answer, confirming ones included; those that the prober gave \
         up or spoilt itself do not count, and an answer that a validator rejected is one. An \
         answer sets it to 0; where there were three failures and no answer for 90 s, only the \
         second answer in a row does. Goes on over reloads, and over restarts with a state_dir. \
         Absent before the first probe.",
        |o, s| {
            let row = o.outage().failures_in_a_row();
            #[allow(clippy::cast_precision_loss)] // nobody fails that often
            row.map_or(Ok(()), |row| s.gauge(&[], row as f64))
        },
    ),
    gauge(
        "unanswered_since_timestamp_seconds",
        &[],
        "Unix time of the end of the last answer, or of the first failure where there never was an \
         answer. A single answer of a target that had three failures in a row and no answer for \
         90 s does not count. Absent before the first probe.",
        |o, s| {
            let since = o.outage().unanswered_since();
            #[allow(clippy::cast_precision_loss)] // milliseconds are far below 2^53
            since.map_or(Ok(()), |millis| s.gauge(&[], millis as f64 / 1000.0))
        },
    ),
    counter(
        "confirming_probes_total",
        &[],
        "Probes that were sent 10 s and 20 s after a first failure, to tell an outage from bad \
         luck, and 10 s after the first answer of a target that was down. They are in no other \
         figure but the cost and the budget.",
        |o, s| s.counter(&[], o.confirming()),
    ),
];
