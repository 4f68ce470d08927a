//! `GET /api/v1/targets`: all targets, or those that a filter leaves.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiQuery, ErrorView, Refusal};
use super::lookup::{target_view, within};
use super::view::{Named, StateName, TargetView};
use crate::target::Target;
use crate::web::site::{Site, now};

/// Targets on one page, where nothing else is asked for.
const DEFAULT_LIMIT: usize = 100;
/// Targets on one page at most.
const MAX_LIMIT: usize = 1_000;
/// As many targets as a configuration may have.
const MAX_OFFSET: usize = 10_000;

/// A page of targets.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TargetList {
    /// How many targets match, on this page and others.
    pub total: usize,
    /// How many of them were left out before the first of this page.
    pub offset: usize,
    /// In the order of the configuration.
    pub targets: Vec<TargetView>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only targets whose name contains this text, whatever its case.
    name: Option<String>,
    /// Only targets with these labels: `key=value`, several with commas between.
    #[param(pattern = "^[^=,]+=[^,]*(,[^=,]+=[^,]*)*$")]
    label: Option<String>,
    /// Only targets in this state.
    #[param(inline)]
    state: Option<StateName>,
    /// Leave out so many.
    #[param(minimum = 0, maximum = 10000)]
    offset: Option<usize>,
    /// Show so many at most; 100 where nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Targets
///
/// Each with its state, its newest probe, its last minutes, hour, day and thirty days.
#[utoipa::path(get, path = "/targets", params(Filter), responses(
    (status = 200, description = "A page of targets.", body = TargetList),
    (status = 400, description = "The filter cannot be used.", body = ErrorView),
))]
pub(super) async fn list(
    State(site): State<Site>,
    ApiQuery(filter): ApiQuery<Filter>,
) -> Result<Json<TargetList>, Refusal> {
    let (limit, offset) = (filter.limit.unwrap_or(DEFAULT_LIMIT), filter.offset.unwrap_or(0));
    within("limit", limit, 1..=MAX_LIMIT)?;
    within("offset", offset, 0..=MAX_OFFSET)?;
    let labels = filter.label.as_deref().map_or_else(|| Ok(Vec::new()), labels)?;
    let (config, now) = (site.daemon.config(), now());
    let name = filter.name.unwrap_or_default().to_lowercase();
    let named = |t: &Target| t.name.to_lowercase().contains(&name);
    let labelled = |t: &Target| labels.iter().all(|(k, v)| t.labels.get(k).is_some_and(|l| l == v));
    let mut matching: Vec<_> = config.targets.iter().filter(|t| named(t) && labelled(t)).collect();
    if let Some(Named(state)) = filter.state {
        matching.retain(|t| site.daemon.history.overview(t, now).state == state);
    }
    let page = matching.iter().skip(offset).take(limit);
    let targets = page.map(|t| target_view(&site.daemon, t, now)).collect();
    Ok(Json(TargetList { total: matching.len(), offset, targets }))
}

fn labels(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let pair = |pair: &str| match pair.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => {
            let message = format!("label has `{pair}`, expected key=value");
            Err(Refusal::new(StatusCode::BAD_REQUEST, message))
        }
    };
    text.split(',').map(pair).collect()
}
