//! `POST /-/comparisons/{name}/start[?run=…]`: the candidate is another one from now on.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::daemon::Daemon;
use crate::regression::comparison::RunId;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    run: Option<String>,
}

/// The answer.
#[derive(Serialize)]
struct Started<'a> {
    comparison: &'a str,
    run: &'a str,
}

/// Begins a new run and answers its id.
pub(super) async fn start(
    State(daemon): State<Arc<Daemon>>,
    name: Result<Path<String>, PathRejection>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let refuse = |status, why: String| (status, format!("{why}\n")).into_response();
    let (name, wanted) = match (name, query) {
        (Ok(Path(name)), Ok(Query(wanted))) => (name, wanted),
        (Err(error), _) => return refuse(StatusCode::BAD_REQUEST, error.body_text()),
        (_, Err(error)) => return refuse(StatusCode::BAD_REQUEST, error.body_text()),
    };
    let id = match wanted.run.map(RunId::try_from).transpose() {
        Ok(id) => id,
        Err(why) => return refuse(StatusCode::BAD_REQUEST, why.to_string()),
    };
    let comparisons = daemon.metrics.comparisons();
    let Some(live) = comparisons.iter().find(|live| live.spec().name == name) else {
        return refuse(StatusCode::NOT_FOUND, "no comparison of that name".to_owned());
    };
    match live.start(id) {
        Ok(id) => Json(Started { comparison: &name, run: id.as_str() }).into_response(),
        Err(used) => refuse(StatusCode::CONFLICT, used.to_string()),
    }
}
