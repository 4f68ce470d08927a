//! The labels of a target's series. They are kept from scrape to scrape: they change only with a
//! reload and with the discovery of a model.

use std::sync::Arc;

use super::encode::Labels;
use crate::config::Config;
use crate::target::Target;

/// The labels that every probe metric has, before the users' own.
pub const TARGET_LABELS: [&str; 3] = ["target", "model", "workload"];

/// Those of the target as a whole, whose `workload` is empty, and of each workload.
#[derive(Debug)]
pub(super) struct TargetLabels {
    names: Arc<[String]>,
    model: Arc<String>,
    whole: Labels,
    workloads: Vec<(String, Labels)>,
}

/// The names of a configuration's labels: those that every target has, and then its own.
pub(super) fn names(config: &Config) -> Arc<[String]> {
    let fixed = TARGET_LABELS.iter().map(|&name| name.to_owned());
    fixed.chain(config.label_keys.iter().cloned()).collect()
}

impl TargetLabels {
    /// `names` begins with [`TARGET_LABELS`]. A label that the target lacks is empty.
    pub fn new(target: &Target, names: &Arc<[String]>, model: Arc<String>) -> Self {
        let labels = |workload: &str| {
            let own = names.iter().skip(TARGET_LABELS.len());
            let own = own.map(|name| target.labels.get(name).map_or("", String::as_str));
            Labels::new(names, [&*target.name, model.as_str(), workload].into_iter().chain(own))
        };
        let workloads = target.workloads.iter().map(|w| (w.name.clone(), labels(&w.name)));
        let workloads = workloads.collect();
        Self { names: Arc::clone(names), whole: labels(""), workloads, model }
    }

    /// Whether they are of these names and this model.
    pub fn are_of(&self, names: &Arc<[String]>, model: &Arc<String>) -> bool {
        Arc::ptr_eq(&self.names, names) && Arc::ptr_eq(&self.model, model)
    }

    /// Of the target as a whole.
    pub fn whole(&self) -> &Labels {
        &self.whole
    }

    /// With this workload; an empty one is the target as a whole. `None` for a workload that the
    /// target does not have.
    pub fn of(&self, workload: &str) -> Option<&Labels> {
        if workload.is_empty() {
            return Some(&self.whole);
        }
        let found = self.workloads.iter().find(|(name, _)| name == workload);
        found.map(|(_, labels)| labels)
    }
}
