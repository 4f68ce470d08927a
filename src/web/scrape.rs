//! `/metrics`, in the format the scraper asks for.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::daemon::Daemon;
use crate::metrics::Format;

pub(super) async fn metrics(State(daemon): State<Arc<Daemon>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
    let format = Format::negotiate(accept);
    daemon.look_at_gpus().await;
    daemon.metrics.set_history_records(daemon.history.len());
    match daemon.metrics.encode(format) {
        Ok(body) => ([(header::CONTENT_TYPE, format.content_type())], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be encoded");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
