//! Keeps a target's addresses new beside its probes, which on a reused connection never look.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::io_threads::AbortOnDrop;
use super::lane::Lane;
use super::names::Names;

/// Ends when it is dropped.
pub(super) struct Refresh {
    _task: AbortOnDrop<()>,
}

impl Refresh {
    /// Looks the name up now and then, and closes idle connections to addresses that are gone.
    /// `None` where there is nothing to look up, or no thread to do it on.
    pub fn start(names: &Arc<Names>, lanes: &Arc<[Lane]>, every: Duration) -> Option<Self> {
        if names.literal().is_some() {
            return None;
        }
        let handle = lanes.first()?.io.clone()?;
        let task = keep_new(Arc::clone(names), Arc::downgrade(lanes), every);
        Some(Self { _task: AbortOnDrop::spawn(&handle, task) })
    }
}

async fn keep_new(names: Arc<Names>, lanes: Weak<[Lane]>, every: Duration) {
    // Not all targets of a fleet at once.
    let mut pause = every.mul_f64(rand::random_range(0.5..1.0));
    loop {
        tokio::time::sleep(pause).await;
        // The probes that need an address ask by themselves, and say what is wrong.
        if let Err(problem) = names.resolve().await {
            tracing::debug!(?problem, "the name was not looked up again");
        }
        let Some(lanes) = lanes.upgrade() else { return };
        for lane in lanes.iter() {
            lane.inner.idle.retain(|address| names.has(address));
        }
        pause = every;
    }
}
