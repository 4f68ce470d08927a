//! `GET /api/v1/events`: live updates as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::error::{ErrorView, Refusal};
use super::view::ProbeSummary;
use crate::memory::history::Summary;
use crate::web::connections::Client;
use crate::web::places::Place;
use crate::web::site::Site;

/// A comment this often keeps proxies from closing a quiet connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Live updates
///
/// An event `probe` with a `ProbeSummary` for each probe that ends, from now on. A listener that is
/// too slow gets an event `lagged` with how many it missed: `{"missed": 7}`.
#[utoipa::path(get, path = "/events", responses(
    (status = 200, description = "Server-sent events, without end.", body = ProbeSummary,
        content_type = "text/event-stream"),
    (status = 429, description = "Too many listen already, all together or at your address.", body = ErrorView),
))]
pub(super) async fn listen(
    State(site): State<Site>,
    client: Client,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let place = site.listeners.take(client.address()).ok_or_else(|| {
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too many listen already, try again later")
    })?;
    let listener =
        Listener { finished: site.daemon.history.finished(), stop: site.stop, _place: place };
    let events = unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Listener {
    finished: Receiver<Arc<Summary>>,
    stop: CancellationToken,
    _place: Place,
}

impl Listener {
    /// The next event; none when the program ends.
    async fn next(&mut self) -> Option<Event> {
        let received = tokio::select! {
            received = self.finished.recv() => received,
            () = self.stop.cancelled() => return None,
        };
        match received {
            Ok(summary) => {
                Event::default().event("probe").json_data(ProbeSummary::from(&*summary)).ok()
            }
            Err(RecvError::Lagged(missed)) => {
                Some(Event::default().event("lagged").data(format!("{{\"missed\": {missed}}}")))
            }
            Err(RecvError::Closed) => None,
        }
    }
}
