//! How soon are regressions found, and how often falsely?
//!
//! ```sh
//! cargo bench --bench detection                                   # a few minutes on two cores
//! cargo bench --bench detection -- --months=20 --runs=500         # most of an hour
//! cargo bench --bench detection -- --only=nulls,pasts --seed=7    # other streams of the same kinds
//! ```
//! Seeded: the same arguments print the same figures. Sections: `lengths`, `nulls`, `pasts`, `delays`,
//! `misses`, `whole`. The exit status is 1 if a target is missed, by more than chance.
//!
//! * A latency is log-normal, σ = 0.25, and one in fifty is three times as long, where its kind
//!   (`sides`) does not say otherwise; there is one probe, or one pair, per 15 s.
//! * An alarm needs evidence of A = 172,800: one false alarm of one stream in 30 days.
//! * The usual rule is `p95 over 30 m > 1.15 × the same a day ago`, for 10 m, evaluated every
//!   minute, on exact quantiles: histograms would only blur them. What it finds is to be read with
//!   what it says where nothing changed.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod delays;
mod effort;
mod misses;
mod nulls;
mod others;
mod pasts;
mod rule;
mod run_length;
mod runs;
mod sides;
mod summary;
mod targets;
mod whole;

use std::process::ExitCode;

use effort::Effort;
use targets::Targets;

/// Observations in 30 days: one false alarm per stream in that time.
pub const THRESHOLD: f64 = 172_800.0;

/// A section, and what prints it.
type Section = (&'static str, fn(&Effort, &mut Targets));

const SECTIONS: [Section; 6] = [
    ("lengths", run_length::run),
    ("nulls", nulls::run),
    ("pasts", pasts::run),
    ("delays", delays::run),
    ("misses", misses::run),
    ("whole", whole::run),
];

fn main() -> ExitCode {
    let effort = match Effort::of(std::env::args().skip(1)) {
        Ok(effort) => effort,
        Err(code) => return code,
    };
    let mut targets = Targets::default();
    for (_, run) in SECTIONS.iter().filter(|(name, _)| effort.wants(name)) {
        run(&effort, &mut targets);
    }
    targets.print()
}
