//! Against real servers and clients: Prometheus, Alertmanager, llama.cpp, a browser, schemathesis.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test
#![allow(clippy::disallowed_methods)] // tasks of a test end with its runtime

#[path = "../common/mod.rs"]
mod common;

mod alerting;
mod alerts_week;
mod api_fuzz;
mod counterparts_start;
mod llama;
mod llama_compare;
mod page;
mod prometheus;
mod synthetic;
