//! `GET /api/v1/comparisons`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::ComparisonView;
use crate::daemon::Daemon;

/// The comparisons under way.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ComparisonList {
    /// In the order of the configuration.
    pub comparisons: Vec<ComparisonView>,
}

/// Comparisons
///
/// Each with its verdict and, for every workload and signal, its effect and evidence.
#[utoipa::path(get, path = "/comparisons", responses(
    (status = 200, description = "The comparisons.", body = ComparisonList),
))]
pub(super) async fn list(State(daemon): State<Arc<Daemon>>) -> Json<ComparisonList> {
    let live = daemon.metrics.comparisons();
    Json(ComparisonList { comparisons: live.iter().map(|c| ComparisonView::new(c)).collect() })
}
