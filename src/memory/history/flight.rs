//! A whole probe.

use std::sync::Arc;

use crate::probe::Probe;
use crate::target::Target;

/// A whole probe: its bytes with their stamps, and what they amounted to.
#[derive(Debug, Clone)]
pub struct Flight {
    /// What was probed, as it was configured then.
    pub target: Arc<Target>,
    /// Recording and outcome.
    pub probe: Probe,
}

impl Flight {
    pub(crate) fn new(target: &Arc<Target>, probe: Probe) -> Self {
        Self { target: Arc::clone(target), probe }
    }
}
