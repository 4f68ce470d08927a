//! Alert and recording rules for a configuration.
//!
//! The rules are written once, in `alerts/`: those files hold for every configuration with a period
//! of 30 days. Here they are adapted: one copy of the SLO groups per SLO, with windows that fit its
//! period, in the format that the user's tools read. The logic is never touched.

mod adapt;
mod burn;
mod document;
mod duration;
mod links;
mod operator;
mod prometheus;
mod pyrra;
mod sloth;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use self::document::RuleFile;
use crate::answer::slo::Slo;
use crate::config::Config;

pub use self::burn::{PAGE_BURN_RATE, too_few_probes};
pub use self::duration::is_rehearsal;
pub use self::links::Links;

/// The files in `alerts/`, SLOs first.
const SLO_RULES: &str = include_str!("../../alerts/llm-prober-slo.rules.yml");
const OTHER_RULES: [&str; 6] = [
    include_str!("../../alerts/llm-prober-regression.rules.yml"),
    include_str!("../../alerts/llm-prober-probes.rules.yml"),
    include_str!("../../alerts/llm-prober-server.rules.yml"),
    include_str!("../../alerts/llm-prober-gpu.rules.yml"),
    include_str!("../../alerts/llm-prober-comparison.rules.yml"),
    include_str!("../../alerts/llm-prober-change.rules.yml"),
];

/// Why no rules were written: a defect of this program, not of the configuration.
#[derive(Debug)]
pub struct RulesError(String);

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write the rules: {}", self.0)
    }
}

impl std::error::Error for RulesError {}

/// What one format writes.
type Write = fn(&Config, &Links) -> Result<String, RulesError>;

/// Whom the rules are for.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// As on the command line.
    pub name: &'static str,
    /// For the help text.
    pub about: &'static str,
    /// Whether the alerts in it are this program's, with links of its own.
    pub linked: bool,
    write: Write,
}

/// Every format: one line and one file each.
pub static FORMATS: [Format; 4] = [
    Format { name: "prometheus", about: "a rule file", linked: true, write: prometheus::write },
    Format {
        name: "sloth",
        about: "SLO specifications of sloth",
        linked: false,
        write: |config, _| sloth::write(config),
    },
    Format {
        name: "pyrra",
        about: "ServiceLevelObjectives of Pyrra",
        linked: false,
        write: |config, _| pyrra::write(config),
    },
    Format {
        name: "operator",
        about: "a PrometheusRule object",
        linked: true,
        write: operator::write,
    },
];

impl Format {
    /// The rules for this configuration as YAML.
    ///
    /// # Errors
    /// The rules that are built in cannot be read, or YAML cannot be written.
    pub fn write(&self, config: &Config) -> Result<String, RulesError> {
        self.write_linked(config, &Links::default())
    }

    /// The same, with other links.
    ///
    /// # Errors
    /// As [`Format::write`].
    pub fn write_linked(&self, config: &Config, links: &Links) -> Result<String, RulesError> {
        (self.write)(config, links)
    }
}

/// The SLOs that targets are held to, by name.
fn slos(config: &Config) -> BTreeMap<&str, &Arc<Slo>> {
    config.targets.iter().flat_map(|t| &t.slos).map(|slo| (slo.name.as_str(), slo)).collect()
}

/// One or more YAML documents.
fn to_yaml<T: serde::Serialize>(documents: &[T]) -> Result<String, RulesError> {
    let texts: Result<Vec<_>, _> = documents.iter().map(serde_yaml::to_string).collect();
    Ok(texts.map_err(|e| RulesError(e.to_string()))?.join("---\n"))
}

/// A share as percent, without the noise of binary fractions.
fn percent(ratio: f64) -> f64 {
    (ratio * 1e8).round() / 1e6
}

/// The rules for this configuration.
fn rule_file(config: &Config, links: &Links) -> Result<RuleFile, RulesError> {
    let slo_rules = RuleFile::parse(SLO_RULES)?;
    let mut groups = Vec::new();
    for slo in slos(config).values() {
        groups.extend(adapt::for_slo(&slo_rules, slo));
    }
    for text in OTHER_RULES {
        groups.extend(adapt::for_all(&RuleFile::parse(text)?, config));
    }
    let mut file = RuleFile { groups };
    links.put(&mut file);
    Ok(file)
}

#[cfg(test)]
mod tests;
