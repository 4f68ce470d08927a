//! What the formats share.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::answer::slo::Slo;
use crate::config::Config;

/// Why no rules were written: a defect of this program, not of the configuration.
#[derive(Debug)]
pub struct RulesError(pub(super) String);

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write the rules: {}", self.0)
    }
}

impl std::error::Error for RulesError {}

/// The SLOs that targets are held to, by name.
pub(super) fn slos(config: &Config) -> BTreeMap<&str, &Arc<Slo>> {
    config.targets.iter().flat_map(|t| &t.slos).map(|slo| (slo.name.as_str(), slo)).collect()
}

/// One or more YAML documents.
pub(super) fn to_yaml<T: serde::Serialize>(documents: &[T]) -> Result<String, RulesError> {
    let texts: Result<Vec<_>, _> = documents.iter().map(serde_yaml::to_string).collect();
    Ok(texts.map_err(|e| RulesError(e.to_string()))?.join("---\n"))
}

/// A share as percent, without the noise of binary fractions.
pub(super) fn percent(ratio: f64) -> f64 {
    (ratio * 1e8).round() / 1e6
}
