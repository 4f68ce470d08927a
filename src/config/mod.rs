//! The configuration: a serde mirror of the file, and the resolved, validated [`Config`].

pub mod secret;

use std::sync::Arc;

use crate::target::Target;

/// A configuration that has passed every check.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// At least one.
    pub targets: Vec<Arc<Target>>,
    /// The union of the targets' own label keys, sorted: the same for every probe series.
    pub label_keys: Vec<String>,
    /// Seed of every random draw; `None` takes a fresh one at start.
    pub seed: Option<u64>,
}
