//! Joins what the prober measured with what the server logged.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    prober::{Probe, Probed},
    reference::Served,
    runs::Load,
};

/// The errors of one run.
pub struct Report {
    name: String,
    /// Probes that did not succeed or do not match the server's log.
    pub failed: usize,
    requests: usize,
    sources: String,
    ttft: Errors,
    arrival: Errors,
    coalesced: usize,
    cpu: Duration,
}

impl Report {
    /// Joins by request id.
    pub fn new(load: &Load, busy: u16, probed: &Probed, served: &HashMap<String, Served>) -> Self {
        let mut report = Self {
            name: if busy == 0 { load.name.into() } else { format!("{}, {busy} busy", load.name) },
            failed: 0,
            requests: probed.probes.len(),
            sources: sources(&probed.probes),
            ttft: Errors::default(),
            arrival: Errors::default(),
            coalesced: 0,
            cpu: probed.cpu,
        };
        for probe in &probed.probes {
            let succeeded = probe.outcome == "success";
            match served.get(&probe.id) {
                Some(served) if succeeded && served.sent.len() == probe.content_at.len() => {
                    report.add(probe, served);
                }
                _ => report.failed += 1,
            }
        }
        report.ttft.0.sort_unstable();
        report.arrival.0.sort_unstable();
        report
    }

    fn add(&mut self, probe: &Probe, served: &Served) {
        if let (Some(ttft), Some(first)) = (probe.ttft, served.sent.first()) {
            self.ttft.push(nanos(ttft) - (first - served.received));
        }
        for (at, sent) in probe.content_at.iter().zip(&served.sent) {
            self.arrival.push(probe.started_unix_nanos + nanos(*at) - sent);
        }
        // Events of one read have one stamp: exact for the last of them only.
        let same = probe.content_at.windows(2).filter(|pair| nanos(pair[0]) == nanos(pair[1]));
        self.coalesced += same.count();
    }

    /// The table's heading; errors are in microseconds.
    pub fn heading() -> String {
        let columns = format!("{:>9} {:>9} {:>9}", "p50", "p99", "max");
        format!(
            "{:24} {:>9} {:>7}  {:^29}  {:^29}  {:>9} {:>9}\n{:24} {:>9} {:>7}  {columns}  {columns}  {:>9} {:>9}",
            "run",
            "probes",
            "stamps",
            "TTFT error, µs",
            "token arrival error, µs",
            "coalesced",
            "CPU µs",
            "",
            "failed",
            "",
            "of tokens",
            "per token"
        )
    }

    /// One line of the table.
    pub fn row(&self) -> String {
        let columns = |errors: &Errors| {
            errors.figures().map(|figure| format!("{:>9.1}", micros(figure))).join(" ")
        };
        format!(
            "{:24} {:>9} {:>7}  {}  {}  {:>8.2}% {:>9.1}",
            self.name,
            format!("{}/{}", self.failed, self.requests),
            self.sources,
            columns(&self.ttft),
            columns(&self.arrival),
            self.coalesced_ratio() * 100.0,
            self.cpu_per_token(),
        )
    }

    /// The same for machines.
    pub fn json(&self) -> String {
        let errors = |errors: &Errors| -> Value {
            let [p50, p99, max] = errors.figures().map(micros);
            json!({"p50": p50, "p99": p99, "max": max, "samples": errors.0.len()})
        };
        json!({
            "run": self.name,
            "probes": self.requests,
            "failed": self.failed,
            "timestamp_source": self.sources,
            "ttft_error_micros": errors(&self.ttft),
            "arrival_error_micros": errors(&self.arrival),
            "coalesced_ratio": self.coalesced_ratio(),
            "cpu_micros_per_token": self.cpu_per_token(),
        })
        .to_string()
    }

    fn coalesced_ratio(&self) -> f64 {
        count(self.coalesced) / count(self.arrival.0.len()).max(1.0)
    }

    fn cpu_per_token(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / count(self.arrival.0.len()).max(1.0)
    }
}

/// Absolute errors in nanoseconds, sorted once all are there.
#[derive(Default)]
struct Errors(Vec<u64>);

impl Errors {
    fn push(&mut self, nanos: i64) {
        self.0.push(nanos.unsigned_abs());
    }

    /// p50, p99 and the largest; `None` without samples.
    fn figures(&self) -> [Option<u64>; 3] {
        let rank = |percent: usize| self.0.get((self.0.len() * percent / 100).max(1) - 1).copied();
        [rank(50), rank(99), self.0.last().copied()]
    }
}

fn sources(probes: &[Probe]) -> String {
    let sources: BTreeSet<&str> =
        probes.iter().map(|probe| probe.timestamp_source.as_deref().unwrap_or("none")).collect();
    sources.into_iter().collect::<Vec<_>>().join("+")
}

#[allow(clippy::cast_possible_truncation)] // seconds of one probe: far from 292 years
fn nanos(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

/// `NaN`, shown as such and `null` in JSON, where there is nothing.
fn micros(nanos: Option<u64>) -> f64 {
    nanos.map_or(f64::NAN, |nanos| Duration::from_nanos(nanos).as_secs_f64() * 1e6)
}

#[allow(clippy::cast_precision_loss)] // counts of a run stay far below 2^53
fn count(number: usize) -> f64 {
    number as f64
}
