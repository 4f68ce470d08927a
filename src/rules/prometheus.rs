//! A rule file for Prometheus.

use super::{Links, RulesError, rule_file, to_yaml};
use crate::config::Config;

pub(super) fn write(config: &Config, links: &Links) -> Result<String, RulesError> {
    to_yaml(&[rule_file(config, links)?])
}
