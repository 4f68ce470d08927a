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

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use axum::body::Body;
    use futures_util::poll;
    use http_body_util::BodyExt;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::config::Config;
    use crate::daemon::Daemon;
    use crate::metrics::{Metrics, MetricsOptions};
    use crate::target::Target;
    use crate::transport::Transport;
    use crate::web::WebOptions;

    /// With targets enough for a page that does not fit into what waits for a client.
    fn site() -> Site {
        let mut yaml = "defaults: {interval: 7d}\ntargets:\n".to_owned();
        for i in 0..60 {
            writeln!(yaml, "- {{name: t{i}, url: 'http://llm.test/v1', model: m}}").unwrap();
        }
        let config = Config::parse(&yaml, Path::new("test.yml"), Path::new("")).unwrap();
        let metrics = Metrics::new(MetricsOptions::default());
        let nobody = || tokio::io::duplex(64).0;
        let dial = Box::new(move |target: &Target| Ok(Transport::pipe(target, Arc::new(nobody))));
        let daemon = Daemon::start(config, None, metrics, dial).unwrap();
        Site::new(daemon, WebOptions::default(), CancellationToken::new())
    }

    async fn scrape(site: &Site) -> Response {
        metrics(State(site.clone()), HeaderMap::new()).await
    }

    async fn unread(site: &Site) -> Vec<Body> {
        let mut bodies = Vec::new();
        for _ in 0..8 {
            let response = scrape(site).await;
            assert_eq!(response.status(), StatusCode::OK);
            bodies.push(response.into_body());
        }
        bodies
    }

    #[tokio::test(start_paused = true)]
    async fn a_ninth_scrape_waits_and_is_then_told_to_come_again() {
        let site = site();
        let mut under_way = unread(&site).await;
        let mut ninth = Box::pin(scrape(&site));
        assert!(poll!(&mut ninth).is_pending());
        // The others' readers take a little now and then, so that none of them is given up.
        tokio::time::advance(PATIENCE.piece / 2).await;
        for body in &mut under_way {
            let piece = body.frame().await.unwrap().unwrap();
            assert!(!piece.into_data().unwrap().is_empty());
        }
        assert!(poll!(&mut ninth).is_pending());
        tokio::time::advance(PATIENCE.piece / 2).await;
        let refused = ninth.await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let why = refused.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(why, "too many scrapes are under way, try again later\n");
        for body in under_way {
            let rest = body.collect().await.unwrap().to_bytes();
            assert!(rest.len() > 256 << 10, "{}", rest.len());
        }
        assert_eq!(scrape(&site).await.status(), StatusCode::OK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_scrape_that_waits_has_the_place_of_one_whose_client_is_gone() {
        let site = site();
        let mut under_way = unread(&site).await;
        let mut ninth = Box::pin(scrape(&site));
        assert!(poll!(&mut ninth).is_pending());
        under_way.pop();
        assert_eq!(ninth.await.status(), StatusCode::OK);
    }
}
