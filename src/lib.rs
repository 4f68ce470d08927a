//! llm-prober: continuous, trustworthy measurement of LLM serving.
//!
//! **Record first, interpret after.** The shell writes down bytes and when they arrived (a
//! [`recording::Recording`]); everything else is a pure function of that value. Decoding never
//! disturbs timing, and a saved incident is a regression test.
//!
//! ```text
//! config ─► Target ─► Schedule ─► load ─► probe ─► transport
//!                                           │          │ Recording
//!                                           ▼          ▼
//!              interpret(&Target, &Workload, &Prompt, &Recording) -> Outcome     (pure)
//!                decode ─► Timeline ─► measure ─► judge
//!                                           │ Outcome, told to the sinks of `probe`
//!          ┌───────────────┬────────────────┴─┬───────────────┬────────────┐
//!       metrics   comparison, change       history         flight         log
//!          │         by `detect`              │
//!          └───────────────┴────── web, top ──┘
//! ```
//! While an answer is under way, [`progress`] says whether it goes on and whether it has ended; what
//! a server was found to take is in `learned`. Around a probe `server_metrics` looks at the inference
//! server's own page, and beside all probes `gpu` watches this machine's GPUs. [`load`] has the one
//! loop that asks targets, by a schedule, by so many users or in pairs, and each target's one place
//! for limits and budget. `comparer` has pairs made of two targets and lets [`comparison`] judge;
//! `watcher` holds a target against its own past by [`change`], and counts what goes unanswered by
//! [`outage`]; whether something is still the same is told by its [`fingerprint`]. What they know
//! survives in `state`. [`explain`] says why a probe failed, for which `inquiry` may ask the server
//! afterwards. `loop_lag` says how late the prober itself is. Beside it all stand `simulate`, a
//! server to probe, `rules`, the alert rules of `alerts/` written for a configuration, and [`gate`],
//! release profiles.
//!
//! Invariants:
//! - The core below knows no clock and no runtime, and of files only the configuration and what it
//!   names (by `input_file`); each module uses only those above it.
//! - Every end of a probe is one of a closed set ([`failure::FailureReason`]); free text never
//!   becomes a label.
//! - A figure that cannot be observed is `None`, never zero.
//! - One kind of thing, one file, one registration line: a dialect is a file in [`dialect`] and
//!   a line in its table; a metric is a line in the tables of `metrics::families`; a configuration
//!   key is a line in `config::raw`, from which its redaction, schema and reference follow.
//! - Every task is tracked, every queue, buffer and label set has a limit, and a panic in one
//!   target's probe is counted as that target's failure.

// The pure core, from the bottom up.
pub mod text;

pub mod answer;

pub mod workload;

pub mod dialect;

pub mod target;

pub mod interpret;

pub mod explain;

pub mod regression;

pub mod config;

pub mod rules;

// The shell, from the bottom up.
pub mod transport;

pub mod server_metrics;

pub mod gpu;

pub mod probe;

pub mod memory;

pub mod watcher;

pub mod load;

pub mod metrics;

pub mod daemon;

pub mod report;

pub mod web;

pub mod top;

pub mod simulate;

pub mod cli;

#[cfg(test)]
mod testing;
