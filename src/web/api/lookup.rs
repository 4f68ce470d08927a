//! What the resources have in common.

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::http::StatusCode;

use super::error::Refusal;
use super::view::TargetView;
use crate::daemon::Daemon;
use crate::target::Target;

/// Refuses a number that is out of its range.
pub(super) fn within(
    what: &str,
    value: usize,
    range: RangeInclusive<usize>,
) -> Result<(), Refusal> {
    if range.contains(&value) {
        return Ok(());
    }
    let message = format!("{what} is {value}, expected {} to {}", range.start(), range.end());
    Err(Refusal::new(StatusCode::BAD_REQUEST, message))
}

pub(super) fn find(daemon: &Daemon, name: &str) -> Result<Arc<Target>, Refusal> {
    let config = daemon.config();
    let found = config.targets.iter().find(|t| t.name == name).cloned();
    found.ok_or_else(|| Refusal::not_found("there is no target of this name"))
}

pub(super) fn target_view(daemon: &Daemon, target: &Target, now_unix_nanos: i64) -> TargetView {
    let metrics = daemon.metrics.target(&target.name);
    let known = metrics.as_ref().map(|metrics| metrics.model());
    let model = known.filter(|name| !name.is_empty()).map(|name| (*name).clone());
    let server = metrics.as_ref().and_then(|metrics| metrics.server_look());
    let addresses = metrics.map(|metrics| metrics.addresses()).unwrap_or_default();
    let overview = daemon.history.overview(target, now_unix_nanos);
    TargetView::new(target, model, server, &addresses, &overview)
}
