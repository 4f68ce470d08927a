//! What a start finds.

use serde::de::DeserializeOwned;

use super::{Sections, Store};

/// The sections of the run before, to be taken by whom they belong to.
#[derive(Debug)]
pub struct Saved {
    store: Store,
    sections: Sections,
}

impl Saved {
    pub(super) fn new(store: Store, sections: Sections) -> Self {
        Self { store, sections }
    }

    /// A section; `None` if there is none, or none that can be read: then the log says so and the
    /// file is kept aside.
    pub fn take<T: DeserializeOwned>(&mut self, section: &str) -> Option<T> {
        let value = self.sections.0.remove(section)?;
        match serde_json::from_value(value) {
            Ok(state) => Some(state),
            Err(error) => {
                self.store.refuse(&format!("section `{section}`: {error}"));
                None
            }
        }
    }

    /// Where to write from now on; what nobody took is forgotten.
    #[must_use]
    pub fn into_store(self) -> Store {
        self.store
    }
}
