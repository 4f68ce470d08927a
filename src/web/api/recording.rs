//! `GET /api/v1/probes/{id}/recording`: the flight record.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::error::{ApiPath, ErrorView, Refusal};
use super::probe::find;
use crate::memory::flight::FlightRecord;
use crate::web::site::Site;

/// A probe's recording
///
/// A file for `llm-prober replay`. It holds the answer, so it is served only if the program was
/// started with `--web.enable-recordings`.
#[utoipa::path(get, path = "/probes/{id}/recording",
    params(("id" = String, Path, description = "Id of the probe: 32 hex digits.")),
    responses(
        (status = 200, description = "JSON lines: a head, then portions of the answer.",
            body = String, content_type = "application/jsonl"),
        (status = 400, description = "The id is not UTF-8.", body = ErrorView),
        (status = 403, description = "Recordings are not served.", body = ErrorView),
        (status = 404, description = "There is no recording of this id.", body = ErrorView),
    ))]
pub(super) async fn get(
    State(site): State<Site>,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, Refusal> {
    if !site.options.recordings {
        let message = "recordings hold answers; they are served with --web.enable-recordings";
        return Err(Refusal::new(StatusCode::FORBIDDEN, message));
    }
    let flight = find(&site.daemon, &id)?
        .flight()
        .ok_or_else(|| Refusal::not_found("the memory for recordings had to go to newer probes"))?;
    let record = FlightRecord::of(&flight).and_then(|record| record.write().ok());
    let text = record.ok_or_else(|| {
        Refusal::not_found("nothing was sent in this probe, so there is nothing to replay")
    })?;
    let name = format!("attachment; filename=\"{}.flight.jsonl\"", flight.probe.id.as_str());
    let headers =
        [(header::CONTENT_TYPE, "application/jsonl"), (header::CONTENT_DISPOSITION, &name)];
    Ok((headers, text).into_response())
}
