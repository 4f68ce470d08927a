//! `GET /api/v1/probes/{id}`.

use axum::Json;
use axum::extract::State;

use super::error::{ApiPath, ErrorView, Refusal};
use super::view::ProbeView;
use crate::daemon::Daemon;
use crate::memory::history::Entry;
use crate::web::site::Site;

/// One probe
///
/// With its phases, tokens, stages and verdicts, but without any text.
#[utoipa::path(get, path = "/probes/{id}",
    params(("id" = String, Path, description = "Id of the probe: 32 hex digits.")),
    responses(
        (status = 200, description = "The probe.", body = ProbeView),
        (status = 400, description = "The id is not UTF-8.", body = ErrorView),
        (status = 404, description = "No probe of this id is remembered.", body = ErrorView),
    ))]
pub(super) async fn get(
    State(site): State<Site>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<ProbeView>, Refusal> {
    let entry = find(&site.daemon, &id)?;
    Ok(Json(ProbeView::new(&entry, site.options.recordings)))
}

pub(super) fn find(daemon: &Daemon, id: &str) -> Result<Entry, Refusal> {
    let found = daemon.history.find(id);
    found.ok_or_else(|| Refusal::not_found("no probe of this id is remembered (any more)"))
}
