//! What the daemon keeps across restarts.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use super::Daemon;
use crate::change::TargetState;
use crate::state::{self, Sections, Store};

/// Everything that a target's watch has learnt, by the target's name.
pub(super) type Past = BTreeMap<String, TargetState>;

impl Daemon {
    /// Writes the state now and then, where there is a place for it.
    pub(super) fn keep_state(self: &Arc<Self>) {
        if self.store().is_none() {
            tracing::info!("no state_dir: what is learnt of targets is forgotten at the end");
            return;
        }
        let (writing, telling) = (Arc::downgrade(self), Arc::downgrade(self));
        let write = move || writing.upgrade().map_or(Ok(()), |daemon| daemon.save());
        let told = move |result: &io::Result<()>| {
            if let Some(daemon) = telling.upgrade() {
                daemon.saved(result);
            }
        };
        self.tasks.spawn(state::keep(write, told, self.ending.clone()));
    }

    fn store(&self) -> Option<Arc<Store>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn save(&self) -> io::Result<()> {
        self.store().map_or(Ok(()), |store| store.write(&self.sections()?))
    }

    /// Writes it for the last time, and lets the folder go.
    pub(super) async fn save_at_the_end(&self) {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(store) = store else { return };
        let sections = self.sections();
        let write = move || sections.and_then(|sections| store.write(&sections));
        let written = tokio::task::spawn_blocking(write).await;
        self.unwritten.store(false, Ordering::Relaxed); // the last failure is told in any case
        self.saved(&written.unwrap_or_else(|panicked| Err(io::Error::other(panicked))));
    }

    fn sections(&self) -> io::Result<Sections> {
        let (watches, compared, outages) = {
            let state = self.state();
            (state.watchers.all(), state.comparisons.state(), state.outages.state())
        };
        let past: Past = watches.iter().map(|w| (w.target().to_owned(), w.state())).collect();
        let mut sections = Sections::default();
        sections.put(state::CHANGE, &past)?;
        sections.put(state::COMPARISONS, &compared)?;
        sections.put(state::OUTAGES, &outages)?;
        Ok(sections)
    }

    fn saved(&self, result: &io::Result<()>) {
        match result {
            Ok(()) => {
                self.metrics.state_written(SystemTime::now());
                if self.unwritten.swap(false, Ordering::Relaxed) {
                    tracing::info!("the state can be written again");
                }
            }
            Err(error) => {
                self.metrics.state_not_written();
                if self.unwritten.swap(true, Ordering::Relaxed) {
                    tracing::debug!(%error, "the state still cannot be written");
                } else {
                    tracing::error!(%error, "the state cannot be written");
                }
            }
        }
    }
}
