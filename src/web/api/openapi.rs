//! `GET /api/v1/openapi.json`: the description of all this, itself included.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Written once, from what the routes themselves declare.
static DESCRIPTION: LazyLock<String> =
    LazyLock::new(|| super::documented().into_openapi().to_json().unwrap_or_default());

/// The description
///
/// Of every resource and field, as `OpenAPI` 3.1.
#[utoipa::path(get, path = "/openapi.json", responses(
    (status = 200, description = "This document.", body = serde_json::Value),
))]
pub(super) async fn get() -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, DESCRIPTION.as_str()).into_response()
}
