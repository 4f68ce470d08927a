//! The section `tokenizers`.

use std::path::Path;

use super::catalog::Catalog;
use super::context::MAX_TOKENIZERS;
use crate::config::error::Report;
use crate::config::raw;
use crate::target::tokenizer::TargetTokenizer;

/// Loads every tokenizer, used or not: a typing mistake shows at once.
pub(super) fn resolve(
    section: &raw::Named<raw::Tokenizer>,
    base_dir: &Path,
    report: &mut Report<'_>,
) -> Catalog<TargetTokenizer> {
    Catalog::new("tokenizer", section, MAX_TOKENIZERS, report, |name, raw, report| {
        let file = base_dir.join(&raw.file.value);
        let loaded = TargetTokenizer::load(&name.value, &file).map_err(|e| {
            let shown = file.display();
            format!("cannot load {shown}: {e}, expected a Hugging Face tokenizer.json")
        });
        report.check(raw.file.referenced, loaded)
    })
}
