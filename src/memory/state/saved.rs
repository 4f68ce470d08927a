//! What a start finds.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Claim, StateError, Store};

/// Sections by name.
pub(super) type Values = BTreeMap<String, Value>;

/// What the run before has written, to be taken by whom it belongs to.
#[derive(Debug)]
pub struct Saved {
    store: Store,
    sections: Values,
    history: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Saved {
    pub(super) fn new(store: Store, sections: Values, history: Vec<(Vec<u8>, Vec<u8>)>) -> Self {
        Self { store, sections, history }
    }

    /// Reads what is in a folder.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn of(claim: Claim) -> Result<Self, StateError> {
        Store::of(claim)
    }

    /// A section; `None` if there is none, or none that can be read: then the log says so and a
    /// copy of the file is kept aside.
    pub fn take<T: DeserializeOwned>(&mut self, section: &str) -> Option<T> {
        let value = self.sections.remove(section)?;
        match serde_json::from_value(value) {
            Ok(state) => Some(state),
            Err(error) => {
                self.store.refuse(&format!("section `{section}`: {error}"));
                None
            }
        }
    }

    /// The rows of the history, in the order of their keys.
    pub fn take_history(&mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        std::mem::take(&mut self.history)
    }

    /// Is to be written so often, instead of every few seconds: hours of a virtual clock pass faster.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.store.every = interval;
        self
    }

    /// Where to write from now on; what nobody took is forgotten.
    #[must_use]
    pub fn into_store(self) -> Store {
        self.store
    }
}
