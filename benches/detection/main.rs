//! How soon are regressions found, and how often falsely? `cargo bench --bench detection [-- --full]`
//!
//! Seeded: the same machine prints the same figures, in about a minute on two cores; `--full`
//! simulates five times as many streams. The exit status is 1 if a target is missed.
//!
//! * A latency is log-normal, σ = 0.25, and one in fifty is three times as long; there is one probe,
//!   or one pair, per 15 s. In pairs a swing of load is common to both sides.
//! * Delays count from the change to the alarm, in probes or pairs, with the standard error of the
//!   mean. "New" is a change before the first observation, when there is no evidence yet to build on.
//! * ARL is the mean number of observations to a false alarm. A run is cut off where its table says;
//!   with runs cut off the figure is a lower bound, written ≥.
//! * The usual rule is `p95 over 30 m > 1.15 × the same a day ago`, for 10 m, evaluated every
//!   minute, on exact quantiles: histograms would only blur them. What it finds is to be read with
//!   what it says where nothing changed.

mod compare;
mod gate;
mod misses;
mod noise;
mod null;
mod others;
mod pairs;
mod past;
mod rule;
mod runs;
mod sides;
mod summary;
mod table;
mod targets;

use std::process::ExitCode;

use targets::Targets;

/// Observations in 30 days: one false alarm per stream in that time.
pub const THRESHOLD: f64 = 172_800.0;

fn main() -> ExitCode {
    // Cargo passes `--bench`.
    let effort = if std::env::args().any(|arg| arg == "--full") { 5 } else { 1 };
    let mut targets = Targets::default();
    pairs::run_length(effort, &mut targets);
    pairs::delays(effort, &mut targets);
    pairs::long_null(&mut targets);
    past::run_length(effort, &mut targets);
    past::delays(effort);
    compare::run(effort);
    null::run(effort);
    gate::run(effort, &mut targets);
    misses::run(effort, &mut targets);
    table::run(effort, &mut targets);
    targets.print()
}
