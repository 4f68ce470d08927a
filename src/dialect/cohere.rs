//! What Cohere's APIs that give no text share.

use serde_json::{Map, Value};

use super::values::whole_number;
use crate::answer::timeline::Usage;

/// The list of models, in one page of the most that one may have.
pub(super) const MODELS: &str = "v1/models?page_size=1000";

/// The tokens of a request: as they were read, else as they are billed.
pub(super) fn tokens(root: &Map<String, Value>) -> Option<Usage> {
    let meta = root.get("meta")?;
    let groups = ["tokens", "billed_units"].into_iter().filter_map(|group| meta.get(group));
    let mut counts = groups.filter_map(|group| whole_number(group.get("input_tokens")?));
    let input = counts.find(|count| *count > 0)?;
    Some(Usage { input: Some(input), ..Usage::default() })
}
