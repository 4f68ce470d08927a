//! `/metrics`, in the format the scraper asks for.

use std::io;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::task::spawn_blocking;

use super::site::Site;
use crate::metrics::Format;

pub(super) async fn metrics(State(site): State<Site>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
    let format = Format::negotiate(accept);
    site.daemon.look_at_gpus().await;
    site.daemon.metrics.set_history_records(site.daemon.history.len());
    match encode(&site, format).await {
        Ok(body) => ([(header::CONTENT_TYPE, format.content_type())], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be encoded");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Beside the threads that begin the probes: a thousand targets take a good part of a second.
async fn encode(site: &Site, format: Format) -> io::Result<Vec<u8>> {
    let permit = Arc::clone(&site.scrapes).acquire_owned().await.map_err(io::Error::other)?;
    let daemon = Arc::clone(&site.daemon);
    let work = move || {
        let body = daemon.metrics.encode(format);
        drop(permit);
        body
    };
    spawn_blocking(work).await.unwrap_or_else(|e| Err(io::Error::other(e)))
}
