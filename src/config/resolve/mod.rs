//! From the serde mirror to validated domain types. Every part is checked even where another
//! failed, so that one run shows all problems.

mod access;
mod behaviour;
mod catalog;
mod change_detection;
mod comparisons;
mod context;
mod cost;
mod endpoint;
mod expect;
mod gpu;
mod labels;
mod lengths;
mod occasions;
mod prefix;
mod preset;
mod rounds;
mod server_metrics;
mod slos;
mod sweeps;
mod target;
mod timing;
mod tokenizers;
mod workloads;

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use serde_yaml::Location;

use self::context::{Context, optional};
use super::error::Report;
use super::raw::{IN_FLIGHT_IN_ALL, Raw};
use super::resolved::Config;
use crate::target::Target;

/// The configuration; problems go to `report`, and then the result is of no use.
pub(super) fn resolve(raw: &Raw, base_dir: &Path, report: &mut Report<'_>) -> Option<Config> {
    let workloads = workloads::resolve(&raw.workloads, raw.seed, base_dir, report);
    let slos = slos::resolve(&raw.slos, &workloads, report);
    let tokenizers = tokenizers::resolve(&raw.tokenizers, base_dir, report);
    let gpu = gpu::settings(&raw.gpu, base_dir, report);
    let counted = RefCell::default();
    let context =
        Context { defaults: &raw.defaults, base_dir, workloads, slos, tokenizers, gpu, counted };
    target::check_defaults(&context, report);
    let targets = resolve_targets(raw, &context, report)?;
    let comparisons = comparisons::resolve(raw.comparisons.as_ref(), &targets, report)?;
    let sweeps = sweeps::resolve(raw.sweeps.as_ref(), &targets, report);
    let state_dir = optional(raw.change_detection.state_dir.as_ref(), |folder| {
        change_detection::state_dir(folder, base_dir, report)
    });
    let change_detection = change_detection::resolve(&raw.change_detection, report)?;
    let budget = cost::budget_in_all(raw, report);
    let max_in_flight = optional(raw.max_in_flight.as_ref(), |most| {
        target::in_flight("max_in_flight", most, &IN_FLIGHT_IN_ALL, report)
    });
    let label_keys = labels::union(raw, report);
    Some(Config {
        targets,
        comparisons,
        sweeps: sweeps?,
        change_detection,
        state_dir: state_dir.ok()?,
        label_keys,
        seed: raw.seed,
        gpu: context.gpu?,
        max_in_flight: max_in_flight.ok()?,
        budget: budget?,
    })
}

fn resolve_targets(
    raw: &Raw,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Option<Vec<Arc<Target>>> {
    let Some(list) = raw.targets.as_ref().filter(|list| !list.value.0.is_empty()) else {
        let at = raw.targets.as_ref().map_or(Location::UNKNOWN, |list| list.referenced);
        return report.add(at, "no targets, expected at least one under `targets`");
    };
    let mut names = HashSet::new();
    let mut targets = Vec::new();
    for raw in &list.value.0 {
        if !names.insert(raw.name.value.as_str()) {
            let name = &raw.name.value;
            let why = format!("two targets are named `{name}`, expected unique names");
            report.add::<()>(raw.name.referenced, why);
        }
        targets.push(target::resolve(raw, context, report).map(Arc::new));
    }
    targets.into_iter().collect()
}
