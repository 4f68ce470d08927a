//! Where the links of the alerts lead.

use super::document::{Rule, RuleFile};

/// Addresses for the alerts, in the place of those that the shipped files find for themselves: the
/// external label `llm_prober_url`, else a prober that is scraped. Templates of Prometheus, such
/// as `{{ $labels.target }}`, stay what they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// The runbook; the alert's name follows after a `#`.
    pub runbook: Option<String>,
    /// The page to look at.
    pub dashboard: Option<String>,
}

impl Links {
    /// Whether every link stays as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn put(&self, file: &mut RuleFile) {
        for rule in file.groups.iter_mut().flat_map(|group| &mut group.rules) {
            self.put_in(rule);
        }
    }

    fn put_in(&self, rule: &mut Rule) {
        let Some(alert) = &rule.alert else { return };
        if let Some(runbook) = &self.runbook {
            let link = format!("{runbook}#{}", alert.to_lowercase());
            rule.annotations.insert("runbook_url".to_owned(), link);
        }
        if let Some(dashboard) = &self.dashboard {
            rule.annotations.insert("dashboard_url".to_owned(), dashboard.clone());
        }
    }
}
