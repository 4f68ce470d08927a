//! What the parts of a configuration are resolved with.

use std::cell::RefCell;
use std::collections::HashMap;
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
use crate::workload::synthetic::Lexicon;

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
    /// Workloads that make texts, as a tokenizer counts: by both their names. Shared by the targets.
    pub counted: RefCell<HashMap<(String, String), Arc<Workload>>>,
}

impl Context<'_> {
    /// The workload for targets with this tokenizer: where it makes texts, their words are counted.
    pub fn counted_by(
        &self,
        workload: &Arc<Workload>,
        tokenizer: &TargetTokenizer,
    ) -> Arc<Workload> {
        let Some(lexicon) = &workload.lexicon else { return Arc::clone(workload) };
        let names = (workload.name.clone(), tokenizer.name().to_owned());
        let mut counted = self.counted.borrow_mut();
        let new = || {
            let (seed, own) = (lexicon.seed(), tokenizer.clone());
            let lexicon = Lexicon::counted(seed, tokenizer.name(), move |text| own.count(text));
            let lexicon = Some(Arc::new(lexicon));
            Arc::new(Workload { lexicon, ..Workload::clone(workload) })
        };
        Arc::clone(counted.entry(names).or_insert_with(new))
    }

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
