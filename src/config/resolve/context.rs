//! What the parts of a configuration are resolved with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_yaml::Location;

use super::catalog::Catalog;
use crate::answer::slo::Slo;
use crate::config::error::Report;
use crate::config::raw::Defaults;
use crate::target::gpu_settings::GpuSettings;
use crate::target::tokenizer::TargetTokenizer;
use crate::workload::Workload;

pub(super) const MAX_WORKLOADS: usize = 1_000;

pub(super) const MAX_SLOS: usize = 100;

pub(super) const MAX_TOKENIZERS: usize = 100;

/// What targets refer to.
pub(super) struct Context<'a> {
    pub defaults: &'a Defaults,
    pub base_dir: &'a Path,
    pub workloads: Catalog<Arc<Workload>>,
    pub slos: Catalog<Arc<Slo>>,
    pub tokenizers: Catalog<TargetTokenizer>,
    /// `None`: they are wrong, and that has been said.
    pub gpu: Option<GpuSettings>,
}

impl Context<'_> {
    /// A file named in the configuration.
    pub fn path(&self, file: &Path) -> PathBuf {
        self.base_dir.join(file)
    }
}

/// A check failed, and has been reported.
pub(super) struct Refused;

/// Resolves what may be left out.
pub(super) fn optional<R, T>(
    raw: Option<R>,
    resolve: impl FnOnce(R) -> Option<T>,
) -> Result<Option<T>, Refused> {
    raw.map(|raw| resolve(raw).ok_or(Refused)).transpose()
}

/// Refuses more than `most` entries.
pub(super) fn limit(
    count: usize,
    most: usize,
    what: &str,
    at: Location,
    report: &mut Report<'_>,
) -> Option<()> {
    if count > most {
        return report.add(at, format!("{count} {what}, expected at most {most}"));
    }
    Some(())
}

/// A key of the target, or else of `defaults`.
macro_rules! setting {
    ($raw:ident, $context:ident, $key:ident) => {
        $raw.$key.as_ref().or($context.defaults.$key.as_ref())
    };
}
pub(super) use setting;
