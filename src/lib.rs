//! llm-prober: continuous, trustworthy measurement of LLM serving.
//!
//! **Record first, interpret after.** The shell writes down bytes and when they arrived (a
//! [`Recording`](answer::recording::Recording)); everything else is a pure function of that value.
//! Decoding never disturbs timing, and a saved incident is a regression test.
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
//!          │        by `regression`           │
//!          └───────────────┴────── web, top ──┘
//! ```
//! The rooms stand below from the bottom up: none uses a room below it in this list, and no file
//! uses another in a circle (a test sees to both).
//!
//! | room | holds |
//! | --- | --- |
//! | `text` | durations as people write them, files that a configuration names, texts in which secrets are masked |
//! | [`answer`] | recording, framing, timeline, figures, SLOs, outcome and failure: what an answer amounts to |
//! | [`workload`] | what is asked: the weighted mix, prompts, captured requests, what an answer must satisfy |
//! | [`dialect`] | the APIs: one file each |
//! | [`target`] | one endpoint, its schedule, budget, secrets, and the request that it is sent |
//! | [`interpret`] | from a recording to an outcome, and how far an answer under way has come |
//! | [`explain`] | why a probe failed, in words for people |
//! | [`regression`] | whether a server got worse: `detect` is the mathematics; `comparison`, `change`, `gate` and `outage` ask it |
//! | [`sweep`] | what a server gives as a function of its load: levels, their figures, the knee |
//! | [`config`] | the configuration file: a key is declared once in `raw`, resolved in `resolve` |
//! | [`rules`] | alert rules for a configuration: one file per format |
//! | [`transport`] | the measured path, its clocks, and the control-plane calls beside it |
//! | [`server_metrics`] | what an inference server says about its own load: one file per engine |
//! | [`gpu`] | this machine's GPUs |
//! | [`probe`] | one probe, and the sinks that are told of it |
//! | [`report`] | a probe, a comparison and a sweep, written for programs and for people |
//! | [`memory`] | history, flight records, and the database that outlives a restart |
//! | [`watcher`] | holds targets against their own past, and counts what goes unanswered |
//! | [`load`] | the one loop that asks targets: by a schedule, by so many users, in pairs; limits and budget |
//! | [`metrics`] | what Prometheus scrapes: a metric is a line in `families` |
//! | [`daemon`] | wiring, start, reload, end |
//! | [`web`] | pages, API, scrape |
//! | [`top`] | a running daemon in the terminal |
//! | [`simulate`] | a server to probe |
//! | [`cli`] | the commands: one file each |
//!
//! Invariants:
//! - The core below knows no clock and no runtime, and of files only the configuration and what it
//!   names.
//! - Every end of a probe is one of a closed set ([`answer::failure::FailureReason`]); free text
//!   never becomes a label.
//! - A figure that cannot be observed is `None`, never zero.
//! - One kind of thing, one file, one registration line: a dialect is a file in [`dialect`] and
//!   a line in its table; a metric is a line in the tables of `metrics::families`; a configuration
//!   key is a line in `config::raw`, from which its redaction, schema and reference follow.
//! - Every task is tracked, every queue, buffer and label set has a limit, and a panic in one
//!   target's probe is counted as that target's failure.

// The functional core.
pub mod text;

pub mod answer;

pub mod workload;

pub mod dialect;

pub mod target;

pub mod interpret;

pub mod explain;

pub mod regression;

pub mod sweep;

pub mod config;

pub mod rules;

// The shell.
pub mod transport;

pub mod server_metrics;

pub mod gpu;

pub mod probe;

pub mod report;

pub mod memory;

pub mod watcher;

pub mod load;

pub mod metrics;

pub mod daemon;

pub mod web;

pub mod top;

pub mod simulate;

pub mod cli;

#[cfg(test)]
mod testing;
