//! Why a request is refused, in whatever dialect.

use http::StatusCode;

/// Why a request is refused, or an answer broken off.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub status: StatusCode,
    pub kind: &'static str,
    pub message: String,
    pub param: Option<&'static str>,
}

impl Complaint {
    pub fn bad_request(message: String, param: &'static str) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self { status, kind: "BadRequestError", message, param: Some(param) }
    }

    pub fn of_status(status: StatusCode, message: &str) -> Self {
        let kind = match status.as_u16() {
            404 => "NotFoundError",
            429 => "RateLimitError",
            400..=499 => "BadRequestError",
            _ => "InternalServerError",
        };
        Self { status, kind, message: message.to_owned(), param: None }
    }
}

/// The complaint of an engine that died after the answer had begun.
pub(super) fn engine_failure() -> Complaint {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Complaint::of_status(status, "scripted failure of the engine")
}
