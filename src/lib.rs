//! llm-prober

pub mod config;
pub mod failure;
pub mod measure;
pub mod metrics;
pub mod outcome;
pub mod protocol;
pub mod recording;
pub mod schedule;
pub mod skip;
pub mod slo;
pub mod target;
#[cfg(test)]
mod testing;
pub mod timeline;
pub mod tokenizer;
pub mod units;
pub mod workload;
