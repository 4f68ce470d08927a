//! `POST /-/reference?target=…[&workload=…]`: what is usual now is right.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::daemon::Daemon;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    target: String,
    workload: Option<String>,
}

/// Collects the reference anew; alarms are over.
pub(super) async fn begin_anew(
    State(daemon): State<Arc<Daemon>>,
    Query(Which { target, workload }): Query<Which>,
) -> Response {
    let refuse = |status, why: &str| (status, format!("{why}\n")).into_response();
    let Some(watch) = daemon.watch(&target) else {
        return refuse(StatusCode::NOT_FOUND, "no target of that name");
    };
    if !daemon.config().change_detection.enabled {
        return refuse(StatusCode::CONFLICT, "change_detection is not enabled");
    }
    match watch.begin_anew(workload.as_deref()) {
        0 => refuse(StatusCode::NOT_FOUND, "the target has no workload of that name"),
        n => format!("the reference begins anew; workloads: {n}\n").into_response(),
    }
}
