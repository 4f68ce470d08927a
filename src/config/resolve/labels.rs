//! The users' own labels.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml::{Location, Spanned};

use super::context::limit;
use crate::config::error::Report;
use crate::config::labels::{
    LabelError, MAX_LABEL_KEYS, check_label, check_value, check_version_key,
};
use crate::config::raw::{Named, Raw, Target};

type Raws<'a> = Option<&'a Named<Spanned<String>>>;

/// Labels of every series of a target.
pub(super) fn labels(raw: Raws<'_>, report: &mut Report<'_>) -> Option<BTreeMap<String, String>> {
    map(raw, check_label, report)
}

/// Labels of `target_info` alone.
pub(super) fn version(raw: Raws<'_>, report: &mut Report<'_>) -> Option<BTreeMap<String, String>> {
    map(raw, check_version_key, report)
}

fn map(
    raw: Raws<'_>,
    check: fn(&str) -> Result<(), LabelError>,
    report: &mut Report<'_>,
) -> Option<BTreeMap<String, String>> {
    let Some(raw) = raw else { return Some(BTreeMap::new()) };
    let at = raw.first().map_or(Location::UNKNOWN, |(name, _)| name.referenced);
    limit(raw.len(), MAX_LABEL_KEYS, "label names", at, report)?;
    let mut good = true;
    let mut map = BTreeMap::new();
    for (name, value) in raw {
        good &= report.check(name.referenced, check(&name.value)).is_some();
        good &= report.check(value.referenced, check_value(&value.value, false)).is_some();
        map.insert(name.value.clone(), value.value.clone());
    }
    good.then_some(map)
}

/// The label keys of all targets, sorted. `version` keys have a place in `target_info` beside
/// them, so a name cannot be both.
pub(super) fn union(raw: &Raw, report: &mut Report<'_>) -> Vec<String> {
    let targets: &[Target] = raw.targets.as_ref().map_or(&[], |list| &list.value.0);
    let mut union = BTreeSet::new();
    for key in targets.iter().filter_map(|t| t.labels.as_ref()).flat_map(|l| l.keys()) {
        if union.insert(key.value.clone()) && union.len() == MAX_LABEL_KEYS + 1 {
            let why = format!(
                "more than {MAX_LABEL_KEYS} different label names over all targets, expected at \
                 most {MAX_LABEL_KEYS}: every series carries all of them"
            );
            report.add::<()>(key.referenced, why);
        }
    }
    for key in targets.iter().filter_map(|t| t.version.as_ref()).flat_map(|v| v.keys()) {
        if union.contains(&key.value) {
            let why = "this name is used under `labels` as well, expected one or the other";
            report.add::<()>(key.referenced, why);
        }
    }
    union.into_iter().collect()
}
