//! Values about the prober itself.

use std::sync::{Arc, OnceLock};

use prometheus::metrics::gauge::Gauge;

use super::buckets;
use super::cells::LateGauge;
use super::histogram::{Histogram, histogram};
use super::options::MetricsOptions;
use super::target::Spent;
use crate::load::InAll;
use crate::probe::sink::{Losses, SinkPanics};
use crate::target::budget::Period;

/// See the families for what each value is.
#[derive(Debug)]
pub(super) struct ProberMetrics {
    pub reload_successful: LateGauge,
    pub reload_timestamp: LateGauge,
    pub state_successful: LateGauge,
    pub state_timestamp: LateGauge,
    pub scrape_duration: LateGauge,
    pub history_records: Gauge,
    pub sink_panics: SinkPanics,
    /// Where there is a flight recorder.
    pub flight_losses: OnceLock<Losses>,
    /// What all targets together may spend, and have.
    pub spent_in_all: OnceLock<(Arc<InAll>, Spent)>,
    /// Of all targets together; where it is not kept per target.
    pub schedule_delay: Option<Histogram>,
    pub main_loop_lag: Histogram,
    pub io_loop_lag: Histogram,
    /// In the order of [`MEASUREMENT_STATISTICS`].
    pub measurement_error: [LateGauge; MEASUREMENT_STATISTICS.len()],
    pub measurement_error_timestamp: LateGauge,
}

/// Label values, and the quantiles that they stand for.
pub(super) const MEASUREMENT_STATISTICS: [(&str, f64); 3] =
    [("p50", 0.5), ("p99", 0.99), ("max", 1.0)];

impl ProberMetrics {
    /// The share of the budget of all targets together that is left, for each period with a limit.
    pub fn budget_in_all_remaining(&self) -> Vec<(Period, f64)> {
        let all = self.spent_in_all.get();
        all.map(|(all, spent)| spent.remaining(&all.money.budget())).unwrap_or_default()
    }

    pub fn new(options: MetricsOptions) -> Self {
        let lag = || histogram(options.histograms, buckets::TOKEN);
        Self {
            reload_successful: LateGauge::default(),
            reload_timestamp: LateGauge::default(),
            state_successful: LateGauge::default(),
            state_timestamp: LateGauge::default(),
            scrape_duration: LateGauge::default(),
            history_records: Gauge::default(),
            spent_in_all: OnceLock::new(),
            sink_panics: SinkPanics::default(),
            flight_losses: OnceLock::new(),
            schedule_delay: options.delay_of_prober().then(lag),
            main_loop_lag: lag(),
            io_loop_lag: lag(),
            measurement_error: Default::default(),
            measurement_error_timestamp: LateGauge::default(),
        }
    }
}
