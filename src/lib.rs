//! llm-prober

pub mod config;
pub mod failure;
pub mod measure;
pub mod outcome;
pub mod protocol;
pub mod recording;
pub mod schedule;
pub mod simulate;
pub mod slo;
pub mod target;
pub mod timeline;
pub mod tokenizer;
pub mod units;
pub mod workload;
