//! Sends an answer in one piece, when its last token is ready.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use super::complaint::engine_failure;
use super::faults::Fault;
use super::generation::Generation;
use super::line::Ticket;
use super::reply::{self, Body, Dropped, with_body};
use super::simulator::Shared;

const JSON: &str = "application/json";

/// Waits for the whole answer and returns it. Faults that a stream shows after some tokens show
/// here as what the same server would send without streaming.
pub(super) async fn answered(
    shared: &Shared,
    mut generation: Generation,
    mut ticket: Ticket,
) -> Response<Body> {
    generation.begin(ticket.granted().await);
    let mut text = String::new();
    let mut ready = generation.due();
    let mut broken = generation.breaks_now();
    while broken.is_none() && generation.left() > 0 {
        ready = generation.due();
        text.push_str(if text.is_empty() { "" } else { " " });
        text.push_str(generation.word());
        broken = generation.breaks_now();
        if broken.is_some() {
            ready = generation.due();
        }
    }
    shared.clock.until(ready).await;
    drop(ticket);
    if broken.is_none() {
        generation.finished();
    }
    match broken {
        None => complete(&generation, &text),
        Some(fault) => cut_short(&generation, &text, fault),
    }
}

fn complete(generation: &Generation, text: &str) -> Response<Body> {
    let usage = generation.usage();
    let body = generation.writer.whole(text, Some(generation.finish()), usage);
    let mut response = reply::whole(JSON, body.into());
    for (name, value) in generation.writer.headers(usage) {
        // Numbers: always legal.
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn cut_short(generation: &Generation, text: &str, fault: Fault) -> Response<Body> {
    let body = Bytes::from(generation.writer.whole(text, None, None));
    let half = body.slice(..body.len() / 2);
    match fault {
        Fault::ErrorEvent { .. } => reply::json(&generation.speaker.complaint(&engine_failure())),
        Fault::CutJson { .. } => reply::whole(JSON, half),
        Fault::CutBody { .. } => with_body(JSON, dropped_after(half)),
        _ => reply::whole(JSON, body),
    }
}

fn dropped_after(sent: Bytes) -> Body {
    let drop = stream::once(async {
        // What was sent has to leave before the connection is gone.
        tokio::task::yield_now().await;
        Err(Dropped)
    });
    let writes = stream::iter([Ok(Frame::data(sent))]).chain(drop);
    StreamBody::new(writes).boxed_unsync()
}
