//! A comparison as a scrape sees it.

use std::sync::Arc;

use super::encode::Labels;
use crate::load::comparer::Live;
use crate::regression::comparison::Snapshot;

/// All families of a comparison are written from one moment.
pub(super) struct ComparisonMetrics {
    pub live: Arc<Live>,
    pub snapshot: Snapshot,
}

impl ComparisonMetrics {
    pub fn new(live: &Arc<Live>) -> Self {
        Self { live: Arc::clone(live), snapshot: live.snapshot() }
    }

    pub fn labels(&self) -> Labels {
        Labels::from_iter([("comparison".to_owned(), self.live.spec().name.clone())])
    }
}
