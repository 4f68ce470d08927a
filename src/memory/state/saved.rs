//! What a start finds.

use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::batch::Values;
use super::claim::Claim;
use super::error::StateError;
use super::store::{HistoryRows, Store};

/// What the run before has written, to be taken by whom it belongs to.
#[derive(Debug)]
pub struct Saved {
    store: Store,
    sections: Values,
    history: HistoryRows,
}

impl Saved {
    /// Takes the folder, which is made if there is none, and reads what is in it. A file that is
    /// damaged is kept aside.
    ///
    /// # Errors
    /// The folder cannot be made or used, is on a network, another process uses it, or a newer
    /// release has written to it.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        Self::of(Claim::now(folder)?)
    }

    /// As [`Saved::open`], of a folder that is this process' already.
    ///
    /// # Errors
    /// As [`Saved::open`].
    pub fn of(claim: Claim) -> Result<Self, StateError> {
        let (store, sections, history) = Store::open(claim)?;
        Ok(Self { store, sections, history })
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
