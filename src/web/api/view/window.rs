//! A target over other stretches of time than its last hour.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hour::{QuantilesView, SloView};
use crate::memory::history::Window;

/// A stretch of time that ends with the present. It does not end at a mark: where the target became
/// another server or model within it, figures from before are in it, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WindowView {
    /// Its length in minutes. One of a day or more ends with the current hour and is counted in
    /// whole hours, so up to an hour of it is still to come. One of more than two days may hold up to
    /// 7 hours more: older hours are kept eight at a time.
    pub minutes: u32,
    /// Probes that ended.
    pub probes: u32,
    /// Those that succeeded and were good by every SLO that they were held to then.
    pub good: u32,
    /// Those that failed, by reason.
    pub failures: BTreeMap<String, u32>,
    /// Time to first token; null where no probe had one.
    pub ttft: Option<QuantilesView>,
    /// Inter-token latency; null where no probe had one.
    pub itl: Option<QuantilesView>,
    /// The target's SLOs. Probes that were held to other bounds of the same SLO are not counted.
    pub slos: Vec<SloView>,
}

impl From<&Window> for WindowView {
    fn from(window: &Window) -> Self {
        let failures = window.failures.iter().map(|(r, n)| (r.as_str().to_owned(), *n));
        Self {
            minutes: window.minutes,
            probes: window.probes,
            good: window.good,
            failures: failures.collect(),
            ttft: window.ttft.as_ref().map(QuantilesView::from),
            itl: window.itl.as_ref().map(QuantilesView::from),
            slos: window.slos.iter().map(SloView::from).collect(),
        }
    }
}
