//! Which rows are others than those that were written last.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::saved::{Key, Kind};

/// Beyond so many rows that wait, all are written anew: a disk may be full for weeks.
const MOST: usize = 1 << 18;

/// What is to be written.
#[derive(Debug, Default)]
pub struct Unsaved {
    /// Everything; else the rest says what.
    pub(super) all: bool,
    /// Targets whose rows from before are none of them any more.
    pub(super) gone: BTreeSet<Arc<str>>,
    pub(super) keys: BTreeSet<Key>,
}

impl Unsaved {
    pub(super) fn everything() -> Self {
        Self { all: true, ..Self::default() }
    }

    pub(super) fn row(&mut self, target: &Arc<str>, kind: Kind, number: i64) {
        self.keys.insert(Key { target: Arc::clone(target), kind, number });
        if self.keys.len() > MOST {
            *self = Self::everything();
        }
    }

    pub(super) fn target_gone(&mut self, target: &str) {
        self.keys.retain(|key| *key.target != *target);
        self.gone.insert(target.into());
        if self.gone.len() > MOST {
            *self = Self::everything();
        }
    }

    /// What could not be written is to be written still, besides what came after it.
    pub(super) fn and_earlier(&mut self, earlier: Self) {
        self.all |= earlier.all;
        self.gone.extend(earlier.gone);
        self.keys.extend(earlier.keys);
        if self.all || self.keys.len() > MOST {
            *self = Self::everything();
        }
    }
}
