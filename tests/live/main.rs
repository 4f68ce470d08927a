//! Against real servers and clients: Prometheus, llama.cpp, schemathesis.

#[path = "../common/mod.rs"]
mod common;

mod api_fuzz;
mod counterparts_start;
mod llama;
mod prometheus;
