//! `GET /api/v1/targets/{name}/change`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiPath, ErrorView, Refusal};
use super::lookup::find;
use super::view::ChangeView;
use crate::daemon::Daemon;

/// A target against its own past.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChangeList {
    /// By workload and signal; none where `change_detection` is not enabled.
    pub streams: Vec<ChangeView>,
}

/// One target against its own past
///
/// How far each workload's figures are watched, and whether they have got worse.
#[utoipa::path(get, path = "/targets/{name}/change",
    params(("name" = String, Path, description = "Name of the target.")),
    responses(
        (status = 200, description = "Its streams.", body = ChangeList),
        (status = 400, description = "The name is not UTF-8.", body = ErrorView),
        (status = 404, description = "There is no target of this name.", body = ErrorView),
    ))]
pub(super) async fn get(
    State(daemon): State<Arc<Daemon>>,
    ApiPath(name): ApiPath<String>,
) -> Result<Json<ChangeList>, Refusal> {
    find(&daemon, &name)?;
    let settings = daemon.config().change_detection;
    let known = daemon.watch(&name).map(|watch| watch.snapshot()).unwrap_or_default();
    let streams = known.into_iter().map(|(w, stream)| ChangeView::new(w, &stream, &settings));
    Ok(Json(ChangeList { streams: streams.collect() }))
}
