//! A rule file for Prometheus.

use super::{RulesError, rule_file, to_yaml};
use crate::config::Config;

pub(super) fn write(config: &Config) -> Result<String, RulesError> {
    to_yaml(&[rule_file(config)?])
}
