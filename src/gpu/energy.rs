//! The energy that a probe took, where it is known that nothing else ran on its GPUs.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::time::{Instant, timeout_at};

use super::gpus::Gpus;
use super::occupancy::{Occupancy, Stay};
use crate::target::gpu_settings::{GpuId, TargetGpus};

/// Longest wait for the driver before and after a probe.
const PATIENCE: Duration = Duration::from_millis(20);

/// Measures the energy of probes.
#[derive(Debug, Default)]
pub struct EnergyMeter {
    gpus: ArcSwapOption<Gpus>,
    occupancy: Arc<Occupancy>,
}

/// A probe under way on the target's GPUs.
#[derive(Debug)]
pub struct Measuring {
    gpus: Option<Arc<Gpus>>,
    ids: Vec<GpuId>,
    exclusive: bool,
    /// Whether a GPU has parts that others may use.
    divided: bool,
    stay: Stay,
    before: Option<Vec<f64>>,
}

impl EnergyMeter {
    /// The GPUs whose counters are read from now on.
    pub fn watch(&self, gpus: Option<Arc<Gpus>>) {
        self.gpus.store(gpus);
    }

    /// To be called right before a probe: waits for the driver for at most 20 ms. `None` for a
    /// target that names no GPUs.
    pub async fn begin(&self, target: &TargetGpus) -> Option<Measuring> {
        if target.ids.is_empty() {
            return None;
        }
        let gpus = self.gpus.load_full();
        let place = |id| gpus.as_ref().and_then(|gpus| gpus.index_of(id));
        let places: Vec<_> = target.ids.iter().map(place).collect();
        let stay = self.occupancy.enter(&places);
        let before = joules(gpus.as_deref(), &target.ids).await;
        let divided = gpus.as_ref().is_some_and(|g| target.ids.iter().any(|id| g.is_divided(id)));
        let (ids, exclusive) = (target.ids.clone(), target.exclusive);
        Some(Measuring { gpus, ids, exclusive, divided, stay, before })
    }
}

impl Measuring {
    /// To be called right after the probe: joules of all its GPUs together, what they take idle
    /// included. `server_alone`: whether the server had no other request during the probe; `None`:
    /// not known, and then only a target whose GPUs are its own has a figure; so it is on a GPU that
    /// is divided (MIG), where a server knows of its part only.
    pub async fn end(self, server_alone: Option<bool>) -> Option<f64> {
        let before = self.before?;
        let after = joules(self.gpus.as_deref(), &self.ids).await?;
        let server = server_alone.filter(|alone| !(*alone && self.divided));
        let alone = server.unwrap_or(self.exclusive) && self.stay.alone();
        rise(&before, &after).filter(|_| alone)
    }
}

/// Of each GPU.
async fn joules(gpus: Option<&Gpus>, ids: &[GpuId]) -> Option<Vec<f64>> {
    let deadline = Instant::now() + PATIENCE;
    let mut each = Vec::with_capacity(ids.len());
    for id in ids {
        each.push(timeout_at(deadline, gpus?.energy(id)).await.ok()??);
    }
    Some(each)
}

/// What all counters together rose by. `None` where one was reset, though others may have risen by
/// more, and where one did not move: it was not updated yet, its resolution is some 10 ms.
fn rise(before: &[f64], after: &[f64]) -> Option<f64> {
    let each = || before.iter().zip(after).map(|(before, after)| after - before);
    each().all(|joules| joules > 0.0).then(|| each().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_to_rise() {
        assert_eq!(rise(&[5.0, 100.0], &[6.5, 102.0]), Some(3.5));
        assert_eq!(rise(&[5.0, 100.0], &[0.5, 150.0]), None, "reset");
        assert_eq!(rise(&[5.0, 100.0], &[5.0, 150.0]), None, "not updated yet");
    }
}
