//! Responses that come whole: lists, errors, pages.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use serde_json::Value;

use super::complaint::Complaint;
use super::faults::Fault;
use super::speak::Speaker;

/// The body of every response.
pub(super) type Body = UnsyncBoxBody<Bytes, Dropped>;

/// Makes the HTTP layer drop the connection.
#[derive(Debug)]
pub(super) struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the simulator dropped the connection, as it was told to")
    }
}

impl std::error::Error for Dropped {}

/// A complaint, in the words of a dialect.
pub(super) fn refusal(speaker: &dyn Speaker, complaint: &Complaint) -> Response<Body> {
    with_status(complaint.status, json(&speaker.complaint(complaint)))
}

/// 429 with the time after which a client may come again, in whole seconds.
pub(super) fn throttled(speaker: &dyn Speaker, message: &str, retry_after: u64) -> Response<Body> {
    let complaint = Complaint::of_status(StatusCode::TOO_MANY_REQUESTS, message);
    let mut response = refusal(speaker, &complaint);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after));
    response
}

/// The response of a fault that comes instead of an answer; `None` if the fault is another one.
pub(super) fn instead_of_answer(speaker: &dyn Speaker, fault: Fault) -> Option<Response<Body>> {
    match fault {
        Fault::HttpStatus(status) => {
            Some(refusal(speaker, &Complaint::of_status(status, "scripted failure")))
        }
        Fault::Throttle { retry_after } => {
            let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
            Some(throttled(speaker, "scripted throttling", seconds))
        }
        Fault::Html => Some(html()),
        _ => None,
    }
}

fn html() -> Response<Body> {
    let page = "<!DOCTYPE html>\n<html><body><h1>Please sign in</h1></body></html>\n";
    whole("text/html; charset=utf-8", Bytes::from_static(page.as_bytes()))
}

pub(super) fn json(value: &Value) -> Response<Body> {
    whole("application/json", Bytes::from(value.to_string()))
}

pub(super) fn empty() -> Response<Body> {
    Response::new(full(Bytes::new()))
}

pub(super) fn whole(content_type: &'static str, body: Bytes) -> Response<Body> {
    with_body(content_type, full(body))
}

pub(super) fn with_body(content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn with_status(status: StatusCode, mut response: Response<Body>) -> Response<Body> {
    *response.status_mut() = status;
    response
}

fn full(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}
