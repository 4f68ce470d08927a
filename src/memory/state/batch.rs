//! What is written at one time.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::json_rows::{self, Cut};

/// The section of what targets used to be like.
pub const CHANGE: &str = "change_detection";

/// The section of what comparisons have learnt.
pub const COMPARISONS: &str = "comparisons";

/// The section of what sweeps have found.
pub const SWEEPS: &str = "sweeps";

/// The section of which targets go unanswered.
pub const OUTAGES: &str = "outages";

/// The section of what was spent today.
pub const BUDGETS: &str = "budgets";

/// The section of what each target was when it was last probed.
pub const ENDPOINTS: &str = "endpoints";

/// Named values that are to be written, cut into rows. What is not among them is forgotten.
#[derive(Debug, Clone, Default)]
pub struct Sections(BTreeMap<String, Vec<Arc<Cut>>>);

impl Sections {
    /// Adds a section, or replaces it.
    ///
    /// # Errors
    /// When `state` refuses to be serialised.
    pub fn put<T: Serialize>(&mut self, name: &str, state: &T) -> Result<(), serde_json::Error> {
        let cut = Cut::of(name, &serde_json::to_value(state)?)?;
        self.0.insert(name.to_owned(), vec![Arc::new(cut)]);
        Ok(())
    }

    /// Adds a section that is a map, or replaces it: of its members those that have not changed
    /// since they were cut need not be cut again.
    pub fn put_members(&mut self, name: &str, members: impl IntoIterator<Item = Arc<Cut>>) {
        let whole = Arc::new(Cut::map(name));
        self.0.insert(name.to_owned(), [whole].into_iter().chain(members).collect());
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &json_rows::Row> {
        self.0.values().flatten().flat_map(|cut| cut.rows())
    }
}

/// A member of a section, as [`Sections::put_members`] wants it.
///
/// # Errors
/// When `state` refuses to be serialised.
pub fn member<T: Serialize>(
    section: &str,
    key: &str,
    state: &T,
) -> Result<Arc<Cut>, serde_json::Error> {
    let path = json_rows::path(section, key);
    Ok(Arc::new(Cut::of(&path, &serde_json::to_value(state)?)?))
}

/// Changes of the rows that are too many to be written each time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// Beginnings of keys: all that begin so go first.
    pub cleared: Vec<Vec<u8>>,
    /// New values by key; `None` is gone.
    pub changed: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

/// All that is written at one time.
#[derive(Debug, Default)]
pub struct Batch {
    /// Whole.
    pub sections: Sections,
    /// Since the last write that succeeded.
    pub history: Rows,
}

/// Sections by name.
pub(super) type Values = BTreeMap<String, Value>;
