//! Helpers that several integration tests share.

pub mod counterparts;
pub mod llama;
pub mod process;
pub mod prometheus;
