//! Everything that is quick and has no program of its own: one file per subject.
//!
//! A program of its own have tests of one subject in many files (`tests/daemon/`, …), those whose
//! figures other tests beside them would spoil, and those that must be the first in their process.

#[path = "../common/mod.rs"]
mod common;

mod alerts;
mod answers;
mod config;
mod config_keys;
mod config_limits;
mod dialects;
mod dockerfile;
mod documentation;
mod explanations;
mod figures;
mod incidents;
mod kubernetes;
mod model_discovery;
mod replay;
mod requests;
mod rollouts;
mod server_metrics;
mod terms;
