//! The section `gpu`, and which GPUs a target runs on.

use std::path::Path;

use super::timing;
use crate::config::error::Report;
use crate::config::raw::{self, RETRIES};
use crate::target::gpu_settings::{GpuSettings, RETRY, TargetGpus, Watch};

/// The settings; what is left out has its default.
pub(super) fn settings(
    raw: &raw::Gpu,
    base_dir: &Path,
    report: &mut Report<'_>,
) -> Option<GpuSettings> {
    let retry = timing::duration("retry", raw.retry.as_ref(), RETRY, &RETRIES, report);
    let library = super::context::optional(raw.library.as_ref(), |library| {
        let path = base_dir.join(&library.value);
        if path.is_file() {
            return Some(path);
        }
        let why = "no such file, expected NVIDIA's management library (libnvidia-ml.so.1)";
        report.add(library.referenced, why)
    });
    Some(GpuSettings {
        watch: raw.enabled.map_or(Watch::Auto, |word| word.0),
        processes: raw.processes,
        library: library.ok()?,
        retry: retry?,
    })
}

/// The target's GPUs; refused where they could not have any effect.
pub(super) fn target(
    raw: &raw::Target,
    settings: Option<&GpuSettings>,
    report: &mut Report<'_>,
) -> Option<TargetGpus> {
    let Some(list) = &raw.gpus else {
        if let Some(exclusive) = &raw.gpus_exclusive {
            let why = "`gpus_exclusive` without GPUs, expected `gpus` at the same target";
            return report.add(exclusive.referenced, why);
        }
        return Some(TargetGpus::default());
    };
    if settings.is_some_and(|s| s.watch == Watch::Never) {
        let why = "`gpus` though GPUs are not watched, expected `gpu: {enabled: auto}`";
        return report.add(list.referenced, why);
    }
    if list.value.is_empty() {
        let why = "no GPUs, expected at least one (leave the key out if none is known)";
        return report.add(list.referenced, why);
    }
    let mut ids = Vec::new();
    for gpu in &list.value {
        if ids.contains(&gpu.value.0) {
            let why = format!("GPU {} appears twice, expected once", gpu.value.0);
            return report.add(gpu.referenced, why);
        }
        ids.push(gpu.value.0.clone());
    }
    let exclusive = raw.gpus_exclusive.as_ref().is_some_and(|e| e.value);
    Some(TargetGpus { ids, exclusive })
}
