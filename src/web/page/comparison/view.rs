//! What the sections of a comparison's page have to show.

use crate::daemon::Daemon;
use crate::regression::comparison::{Comparison, Snapshot};

pub(super) const ROOT: &str = "../";

/// What a section can show.
pub(super) struct View<'a> {
    pub daemon: &'a Daemon,
    pub spec: &'a Comparison,
    pub snapshot: Snapshot,
    pub now: i64,
}
