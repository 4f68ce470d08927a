//! What outlives a restart: one small file of named sections.
//!
//! What cannot be read is never guessed at: the file is kept aside, the log says why, and what was
//! in it starts anew. Whoever keeps something here has a section of their own and a type for it.

mod keeper;
mod saved;
mod store;
#[cfg(test)]
mod tests;

pub use keeper::keep;
pub use saved::Saved;
pub use store::{MAX_BYTES, Store};

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// The section of what targets used to be like.
pub const CHANGE: &str = "change_detection";

/// The section of what comparisons have learnt.
pub const COMPARISONS: &str = "comparisons";

/// The section of which targets go unanswered.
pub const OUTAGES: &str = "outages";

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sections(BTreeMap<String, Value>);

impl Sections {
    /// Adds a section, or replaces it.
    ///
    /// # Errors
    /// When `state` refuses to be serialised.
    pub fn put<T: Serialize>(&mut self, name: &str, state: &T) -> Result<(), serde_json::Error> {
        self.0.insert(name.to_owned(), serde_json::to_value(state)?);
        Ok(())
    }
}
