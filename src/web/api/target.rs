//! `GET /api/v1/targets/{name}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::error::{ApiPath, ErrorView, Refusal};
use super::lookup::{find, target_view};
use super::view::TargetView;
use crate::daemon::Daemon;
use crate::web::site::now;

/// One target
///
/// With its state, its newest probe and its last hour.
#[utoipa::path(get, path = "/targets/{name}",
    params(("name" = String, Path, description = "Name of the target.")),
    responses(
        (status = 200, description = "The target.", body = TargetView),
        (status = 400, description = "The name is not UTF-8.", body = ErrorView),
        (status = 404, description = "There is no target of this name.", body = ErrorView),
    ))]
pub(super) async fn get(
    State(daemon): State<Arc<Daemon>>,
    ApiPath(name): ApiPath<String>,
) -> Result<Json<TargetView>, Refusal> {
    let target = find(&daemon, &name)?;
    Ok(Json(target_view(&daemon, &target, now())))
}
