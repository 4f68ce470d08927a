//! Values about the prober itself.

use prometheus::metrics::gauge::Gauge;

use super::cells::LateGauge;

/// See the families for what each value is.
#[derive(Debug, Default)]
pub(super) struct ProberMetrics {
    pub reload_successful: LateGauge,
    pub reload_timestamp: LateGauge,
    pub state_successful: LateGauge,
    pub state_timestamp: LateGauge,
    pub scrape_duration: LateGauge,
    pub history_records: Gauge,
}
