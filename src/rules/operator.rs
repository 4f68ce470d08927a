//! The object that the Prometheus operator reads.

use serde_json::json;

use super::links::Links;
use super::parts::{RulesError, to_yaml};
use super::shipped::rule_file;
use crate::config::Config;

pub(super) fn write(config: &Config, links: &Links) -> Result<String, RulesError> {
    to_yaml(&[json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": "llm-prober",
            "labels": {"app.kubernetes.io/name": "llm-prober"},
        },
        "spec": rule_file(config, links)?,
    })])
}
