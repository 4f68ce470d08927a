//! The HTTP side: metrics, health, configuration, reload, pages to look at, and the API behind them.

pub mod api;
mod comparison_start;
mod content_coding;
mod page;
mod probe;
mod probe_debug;
mod reference;
mod scrape;
mod site;
mod streamed;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tower_http::compression::CompressionLayer;

pub use self::site::{Site, WebOptions};
use crate::daemon::Daemon;

/// Every route.
pub fn router(site: Site) -> Router {
    Router::new()
        .merge(page::router())
        .route("/probe", get(probe::probe))
        .route("/config", get(config))
        .route("/-/healthy", get(|| async { "llm-prober is healthy.\n" }))
        .route("/-/ready", get(|| async { "llm-prober is ready.\n" }))
        .route("/-/reload", post(reload))
        .route("/-/reference", post(reference::begin_anew))
        .route("/-/comparisons/{name}/start", post(comparison_start::start))
        .merge(api::router())
        .fallback(page::no_such_page)
        .layer(CompressionLayer::new())
        // Compresses by itself.
        .route("/metrics", get(scrape::metrics))
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

/// How long a client may take for its answer when the site has stopped.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Serves on `listener` until the site stops, then lets requests under way finish, for a while: a
/// client that never ends its request, or never reads its answer, does not keep the program.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(listener: TcpListener, site: Site) -> std::io::Result<()> {
    let stop = site.stop.clone();
    let shutdown = stop.clone().cancelled_owned();
    let served = axum::serve(listener, router(site)).with_graceful_shutdown(shutdown);
    tokio::select! {
        result = served => result,
        () = async { stop.cancelled().await; sleep(LAST_ANSWERS).await } => Ok(()),
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
