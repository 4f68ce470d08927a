//! The GPUs of this machine, as the configuration wants them watched.

use super::running::{Daemon, State, Watched};
use crate::gpu::Gpus;
use crate::target::gpu_settings::GpuSettings;

impl Watched {
    /// Begins to watch them.
    pub fn start(settings: &GpuSettings) -> std::io::Result<Self> {
        Ok(Self { gpus: Gpus::start(settings)? })
    }
}

impl Daemon {
    /// Switches to other GPUs; the threads of those before end in their own time.
    pub(super) fn watch_gpus(&self, state: &mut State, watched: Watched) {
        self.energy.watch(watched.gpus.clone());
        let before = state.watched.replace(watched);
        self.forget(before);
    }

    pub(super) fn forget(&self, watched: Option<Watched>) {
        if let Some(gpus) = watched.and_then(|w| w.gpus) {
            self.tasks.spawn(async move { gpus.stop().await });
        }
    }

    /// Takes a fresh look at the GPUs, as far as the driver gives one in time.
    pub async fn look_at_gpus(&self) {
        let gpus = self.state().watched.as_ref().and_then(|w| w.gpus.clone());
        if let Some(gpus) = &gpus {
            gpus.refresh().await;
        }
        self.metrics.set_gpus(gpus.map(|gpus| gpus.view()));
    }
}
