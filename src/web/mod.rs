//! The HTTP side: metrics, health, configuration, reload, a page to look at.

mod landing;
mod reference;
mod scrape;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;

use crate::daemon::Daemon;

/// Every route.
pub fn router(daemon: Arc<Daemon>) -> Router {
    Router::new()
        .route("/", get(landing_page))
        .route("/metrics", get(scrape::metrics))
        .route("/config", get(config))
        .route("/-/healthy", get(|| async { "llm-prober is healthy.\n" }))
        .route("/-/ready", get(|| async { "llm-prober is ready.\n" }))
        .route("/-/reload", post(reload))
        .route("/-/reference", post(reference::begin_anew))
        .with_state(daemon)
        .layer(CompressionLayer::new())
}

/// Serves on `listener` until `stop`, then lets requests under way finish.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    daemon: Arc<Daemon>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let shutdown = async move { stop.cancelled().await };
    axum::serve(listener, router(daemon)).with_graceful_shutdown(shutdown).await
}

async fn landing_page(State(daemon): State<Arc<Daemon>>) -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    let page = Html(landing::page(&daemon.config(), &daemon.history));
    ([(header::CONTENT_SECURITY_POLICY, policy)], page).into_response()
}

async fn config(State(daemon): State<Arc<Daemon>>) -> String {
    daemon.config().redacted().to_owned()
}

async fn reload(State(daemon): State<Arc<Daemon>>) -> Response {
    match daemon.reload().await {
        Ok(()) => "configuration reloaded\n".into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
