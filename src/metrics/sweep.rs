//! A scheduled sweep as a scrape sees it.

use std::sync::Arc;

use crate::load::sweeps::{Live, Snapshot};
use crate::sweep::{ScheduledSweep, SweepLevel};

/// All families of a sweep are written from one moment.
pub(super) struct SweepMetrics {
    pub spec: Arc<ScheduledSweep>,
    pub snapshot: Snapshot,
}

impl SweepMetrics {
    pub fn new(live: &Arc<Live>) -> Self {
        Self { spec: Arc::clone(live.spec()), snapshot: live.snapshot() }
    }

    /// The levels of the last run that say something about the server, each with its users for a
    /// label.
    pub fn levels(&self) -> impl Iterator<Item = (String, &SweepLevel)> {
        let levels = self.snapshot.past.last().into_iter().flat_map(|run| &run.levels);
        levels.filter(|level| level.valid).map(|level| (level.users.to_string(), level))
    }
}
