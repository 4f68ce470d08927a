//! `GET /api/v1/targets/{name}/probes`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiPath, ApiQuery, ErrorView, Refusal};
use super::lookup::{find, within};
use super::view::{Named, ProbeSummary, ReasonName};
use crate::daemon::Daemon;
use crate::memory::history::{FAILED, ODD, ORDINARY, Summary};

/// All that is remembered of a target.
const MAX_LIMIT: usize = ORDINARY + ODD + FAILED;

/// Probes of a target.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProbeList {
    /// What started last comes first. Failures and odd successes are remembered longer than others.
    pub probes: Vec<ProbeSummary>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only failures.
    failed: Option<bool>,
    /// Only failures for this reason.
    #[param(inline)]
    reason: Option<ReasonName>,
    /// Only probes of this workload.
    workload: Option<String>,
    /// Show so many at most.
    #[param(minimum = 1, maximum = 128)]
    limit: Option<usize>,
}

impl Filter {
    fn takes(&self, probe: &Summary) -> bool {
        let failed = self.failed.is_none_or(|failed| failed == probe.reason.is_some());
        let reason = self.reason.is_none_or(|Named(reason)| probe.reason == Some(reason));
        let workload = self.workload.as_ref().is_none_or(|name| *name == probe.workload.name);
        failed && reason && workload
    }
}

/// Probes of a target
///
/// The newest, and older ones that failed or were odd.
#[utoipa::path(get, path = "/targets/{name}/probes",
    params(("name" = String, Path, description = "Name of the target."), Filter),
    responses(
        (status = 200, description = "Its probes.", body = ProbeList),
        (status = 400, description = "The filter cannot be used.", body = ErrorView),
        (status = 404, description = "There is no target of this name.", body = ErrorView),
    ))]
pub(super) async fn list(
    State(daemon): State<Arc<Daemon>>,
    ApiPath(name): ApiPath<String>,
    ApiQuery(filter): ApiQuery<Filter>,
) -> Result<Json<ProbeList>, Refusal> {
    let limit = filter.limit.unwrap_or(MAX_LIMIT);
    within("limit", limit, 1..=MAX_LIMIT)?;
    let target = find(&daemon, &name)?;
    let all = daemon.history.probes(&target.name);
    let taken = all.iter().map(|e| &*e.summary).filter(|s| filter.takes(s)).take(limit);
    Ok(Json(ProbeList { probes: taken.map(ProbeSummary::from).collect() }))
}
