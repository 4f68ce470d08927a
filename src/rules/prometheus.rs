//! A rule file for Prometheus.

use super::links::Links;
use super::parts::{RulesError, to_yaml};
use super::shipped::rule_file;
use crate::config::Config;

pub(super) fn write(config: &Config, links: &Links) -> Result<String, RulesError> {
    to_yaml(&[rule_file(config, links)?])
}
