//! `/metrics`, in the format the scraper asks for.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::content_coding::ContentCoding;
use super::site::Site;
use super::streamed::{self, Patience};
use crate::metrics::Format;

/// A scraper is given up that takes nothing for as long as it would wait itself, by Prometheus'
/// default, or that is still not through when any scraper would have given up.
const PATIENCE: Patience =
    Patience { piece: Duration::from_secs(10), whole: Duration::from_secs(120) };

/// The answer is put together while it is read, and compressed where the scraper asks for it, beside
/// the threads that begin the probes: a thousand targets take a good part of a second.
pub(super) async fn metrics(State(site): State<Site>, headers: HeaderMap) -> Response {
    let asked = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let format = Format::negotiate(asked(header::ACCEPT));
    let coding = ContentCoding::negotiate(asked(header::ACCEPT_ENCODING));
    site.daemon.look_at_gpus().await;
    site.daemon.metrics.set_history_records(site.daemon.history.len());
    let permit = timeout(PATIENCE.piece, Arc::clone(&site.scrapes).acquire_owned()).await;
    let Ok(Ok(permit)) = permit else {
        let message = "too many scrapes are under way, try again later\n";
        return (StatusCode::SERVICE_UNAVAILABLE, message).into_response();
    };
    let daemon = Arc::clone(&site.daemon);
    let body = streamed::body(PATIENCE, move |pieces| {
        let _permit = permit;
        coding.compress(pieces, |sink| daemon.metrics.write(format, sink))
    });
    let mut response = body.into_response();
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    set.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    if let Some(name) = coding.name() {
        set.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}
