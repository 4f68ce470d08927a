//! Values about the prober itself.

use std::sync::OnceLock;

use prometheus::metrics::gauge::Gauge;

use super::buckets;
use super::cells::LateGauge;
use super::histogram::{Histogram, histogram};
use super::options::HistogramForm;
use crate::probe::sink::{Losses, SinkPanics};

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
    pub main_loop_lag: Histogram,
    pub io_loop_lag: Histogram,
}

impl ProberMetrics {
    pub fn new(form: HistogramForm) -> Self {
        let lag = || histogram(form, buckets::TOKEN);
        Self {
            reload_successful: LateGauge::default(),
            reload_timestamp: LateGauge::default(),
            state_successful: LateGauge::default(),
            state_timestamp: LateGauge::default(),
            scrape_duration: LateGauge::default(),
            history_records: Gauge::default(),
            sink_panics: SinkPanics::default(),
            flight_losses: OnceLock::new(),
            main_loop_lag: lag(),
            io_loop_lag: lag(),
        }
    }
}
