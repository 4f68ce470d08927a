//! `GET /api/v1/gpus`.

use std::sync::Arc;
use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::GpuState;
use crate::daemon::Daemon;

/// The GPUs of the machine that the prober runs on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GpuList {
    /// Whether the driver is there and answers; left out where GPUs are not watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_up: Option<bool>,
    /// By the driver's index.
    pub gpus: Vec<GpuState>,
}

/// GPUs
///
/// Of the machine that the prober runs on, as they are now, or were seen last.
#[utoipa::path(get, path = "/gpus", responses(
    (status = 200, description = "The GPUs.", body = GpuList),
))]
pub(super) async fn list(State(daemon): State<Arc<Daemon>>) -> Json<GpuList> {
    daemon.look_at_gpus().await;
    let (view, now) = (daemon.metrics.gpus(), SystemTime::now());
    let gpus = view.iter().flat_map(|view| &view.gpus);
    Json(GpuList {
        driver_up: view.as_ref().map(|view| view.up),
        gpus: gpus.map(|gpu| GpuState::new(gpu, now)).collect(),
    })
}
