//! The HTTP side: metrics, health, configuration, reload, pages to look at, and the API behind them.

mod access;
mod acts;
pub mod api;
mod comparison_start;
mod connections;
mod content_coding;
mod entrance;
mod held;
mod page;
mod places;
mod probe;
mod probe_debug;
mod reference;
mod scrape;
mod serving;
mod shortage;
mod site;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

pub use self::access::{Access, AccessError};
use self::acts::{acting, acting_on_get};
pub use self::shortage::keep_to_memory;
pub use self::site::{Site, WebOptions};
use crate::daemon::Daemon;

/// Every route.
pub fn router(site: Site) -> Router {
    Router::new()
        .merge(page::router())
        .route("/probe", acting_on_get(get(probe::probe), &site))
        .route("/config", get(config))
        .route("/-/healthy", get(|| async { "llm-prober is healthy.\n" }))
        .route("/-/ready", get(ready))
        .route("/-/reload", acting(post(reload), &site))
        .route("/-/reference", acting(post(reference::begin_anew), &site))
        .route("/-/comparisons/{name}/start", acting(post(comparison_start::start), &site))
        .merge(api::router())
        .fallback(page::no_such_page)
        .layer(from_fn_with_state(site.held.clone(), held::hold))
        // Beside other work: little effort saves nearly as much.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        // Compresses by itself.
        .route("/metrics", get(scrape::metrics))
        .layer(from_fn_with_state(site.access.clone(), access::admit))
        .with_state(site)
        .layer(map_response(guarded))
}

/// Every answer says how things are now, and nothing is to be taken for another kind of file: names
/// of others are in it.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    response
}

/// Serves on `listener` until the site stops; see `serving`.
pub async fn serve(listener: TcpListener, site: Site) {
    let (stop, connections) = (site.stop.clone(), site.connections.clone());
    let access = site.access.clone();
    serving::serve(listener, router(site), access, connections, stop).await;
}

/// While it probes.
async fn ready(State(daemon): State<Arc<Daemon>>) -> Response {
    if daemon.is_ready() {
        "llm-prober is ready.\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "llm-prober is ending.\n").into_response()
    }
}

async fn config(State(daemon): State<Arc<Daemon>>) -> Response {
    match daemon.config().redacted() {
        Ok(page) => page.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn reload(State(daemon): State<Arc<Daemon>>) -> Response {
    match daemon.reload().await {
        Ok(()) => "configuration reloaded\n".into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
