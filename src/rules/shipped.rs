//! The rule files of `alerts/`, adapted to a configuration.

use super::adapt;
use super::document::RuleFile;
use super::links::Links;
use super::parts::{RulesError, slos};
use crate::config::Config;

/// The files in `alerts/`, SLOs first.
pub(super) const SLO_RULES: &str = include_str!("../../alerts/llm-prober-slo.rules.yml");

pub(super) const OTHER_RULES: [&str; 7] = [
    include_str!("../../alerts/llm-prober-regression.rules.yml"),
    include_str!("../../alerts/llm-prober-probes.rules.yml"),
    include_str!("../../alerts/llm-prober-server.rules.yml"),
    include_str!("../../alerts/llm-prober-gpu.rules.yml"),
    include_str!("../../alerts/llm-prober-comparison.rules.yml"),
    include_str!("../../alerts/llm-prober-change.rules.yml"),
    include_str!("../../alerts/llm-prober-sweep.rules.yml"),
];

/// The rules for this configuration.
pub(super) fn rule_file(config: &Config, links: &Links) -> Result<RuleFile, RulesError> {
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
