//! Everything that needs no other program than ours: one file, or folder, per subject.
//!
//! Programs of their own are the tests on virtual time, which play hours of load, those against real
//! servers and clients, and those that must be the first in their process.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test
#![allow(clippy::needless_raw_string_hashes)] // as expect-test writes them
#![allow(clippy::float_cmp)] // counters hold whole numbers
#![allow(clippy::disallowed_methods)] // tasks of a test end with its runtime

#[path = "../common/mod.rs"]
mod common;

mod alerts;
mod alerts_needed;
mod answers;
mod api;
mod architecture;
mod config;
mod config_keys;
mod config_limits;
mod daemon;
mod dialect_recordings;
mod dialects;
mod dockerfile;
mod documentation;
mod explanations;
mod figures;
mod fuzzed;
mod gpu;
mod incidents;
mod kubernetes;
mod model_discovery;
mod probe_url;
mod replay;
mod requests;
mod rollouts;
mod server_metrics;
mod terms;
mod transport;
