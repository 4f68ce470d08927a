//! What Prometheus scrapes.
//!
//! [`families`] is the contract: one table row per metric. [`TargetMetrics`] and
//! [`WorkloadMetrics`] hold the values and know no labels; `collector` walks the loaded targets at
//! scrape time and composes the labels, so that a reload loses no count of an unchanged target and
//! a removed target's series vanish at once. `encode` writes the samples in one of three formats.

mod buckets;
mod cells;
mod change;
mod collector;
mod comparison;
mod encode;
mod exposition;
pub mod families;
mod gpu;
mod histogram;
mod model;
mod native;
mod negotiate;
mod one_probe;
mod options;
mod prober;
mod process;
mod record;
mod samples;
mod secondary;
mod series;
mod server;
mod slo;
mod state;
mod sweep;
mod target;
mod target_labels;
mod target_sink;
#[cfg(test)]
mod tests;
mod workload;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use negotiate::Format;
pub use options::{HistogramForm, MetricsOptions};
pub use target::{ByInFlight, TargetMetrics};
pub use workload::{InFlight, WorkloadMetrics};

use crate::config::Config;
use crate::gpu::state::GpuView;
use crate::load::InAll;
use crate::load::comparer::Live;
use crate::load::sweeps;
use crate::probe::self_check::MeasurementError;
use crate::probe::sink::{Losses, SinkPanics};
use crate::target::budget::Period;
use crate::watcher::{OutageWatch, WallClock, Watch};
use buckets::SloBounds;
use families::OneProbe;
use prober::MEASUREMENT_STATISTICS;
use secondary::Terms;
use state::{Loaded, State};
use target::Spent;

/// Every metric of the prober.
#[derive(Debug)]
pub struct Metrics {
    options: MetricsOptions,
    state: State,
    /// Where these are the metrics of a probe on demand.
    one: Option<OneProbe>,
}

impl Metrics {
    /// No targets yet.
    #[must_use]
    pub fn new(options: MetricsOptions) -> Arc<Self> {
        let dcgm_host = options.dcgm.then(gpu::host_name);
        let state = State { dcgm_host, ..State::new(options) };
        Arc::new(Self { options, state, one: None })
    }

    /// Puts a configuration in force. Targets of the same name go on from their values, whatever
    /// else of them has changed; new ones begin at 0, and those that are gone have no series any
    /// more. Classic buckets of a histogram that goes on stay as they are: a bound that a reload
    /// brings is a bucket of new targets only. Must not run twice at the same time.
    pub fn load(&self, config: &Config) {
        let before = self.state.loaded.load();
        let slos = config.targets.iter().flat_map(|t| t.slos.iter().map(|slo| &**slo));
        let form = self.options.histograms;
        let bounds = SloBounds::new(form, &slos);
        let delay_of_prober = self.state.prober.schedule_delay.as_ref();
        let terms = Terms { bounds: &bounds, form, delay_of_prober };
        let targets = config.targets.iter().map(|target| {
            let known = before.target(&target.name);
            match known {
                Some(same) if *same.target == **target => Arc::clone(same),
                known => {
                    let known = known.map(|t| &**t);
                    Arc::new(TargetMetrics::new(target, terms, self.options, known))
                }
            }
        });
        let loaded = Loaded::new(target_labels::names(config), targets.collect());
        self.state.loaded.store(Arc::new(loaded));
    }

    /// Puts these comparisons in force; they keep their values themselves.
    pub fn set_comparisons(&self, live: Vec<Arc<Live>>) {
        self.state.comparisons.store(Arc::new(live));
    }

    /// Puts these sweeps in force; they keep their values themselves.
    pub fn set_sweeps(&self, live: Vec<Arc<sweeps::Live>>) {
        self.state.sweeps.store(Arc::new(live));
    }

    /// The sweeps in force, in the order of the configuration.
    #[must_use]
    pub fn sweeps(&self) -> Arc<Vec<Arc<sweeps::Live>>> {
        self.state.sweeps.load_full()
    }

    /// Puts these watches in force; they keep their values themselves.
    pub fn set_watches(&self, watches: Vec<Arc<Watch>>) {
        self.state.watches.store(Arc::new(watches));
    }

    /// Puts these outages in force; they keep their values themselves.
    pub fn set_outages(&self, outages: Vec<Arc<OutageWatch>>) {
        self.state.outages.store(Arc::new(outages));
    }

    /// The values of a loaded target.
    #[must_use]
    pub fn target(&self, name: &str) -> Option<Arc<TargetMetrics>> {
        self.state.loaded.load().target(name).cloned()
    }

    /// Says that a configuration was put in force.
    pub fn reload_succeeded(&self, at: SystemTime) {
        self.state.prober.reload_successful.set(1.0);
        if let Ok(since_epoch) = at.duration_since(SystemTime::UNIX_EPOCH) {
            self.state.prober.reload_timestamp.set(since_epoch.as_secs_f64());
        }
    }

    /// Says that a configuration was refused and the one before goes on.
    pub fn reload_failed(&self) {
        self.state.prober.reload_successful.set(0.0);
    }

    /// Says what the GPUs look like now; `None`: they are not watched.
    pub fn set_gpus(&self, view: Option<GpuView>) {
        self.state.gpus.store(view.map(Arc::new));
    }

    /// The comparisons in force, in the order of the configuration.
    #[must_use]
    pub fn comparisons(&self) -> Arc<Vec<Arc<Live>>> {
        self.state.comparisons.load_full()
    }

    /// What the GPUs looked like last; `None` where they are not watched, or were not yet looked at.
    #[must_use]
    pub fn gpus(&self) -> Option<Arc<GpuView>> {
        self.state.gpus.load_full()
    }

    /// Whether the last attempt to load a configuration succeeded, and when the one in force was
    /// loaded, in Unix seconds; absent before the first.
    #[must_use]
    pub fn reload_state(&self) -> (Option<bool>, Option<f64>) {
        let prober = &self.state.prober;
        (prober.reload_successful.get().map(|v| v > 0.0), prober.reload_timestamp.get())
    }

    /// Says that what was learnt has been written down.
    pub fn state_written(&self, at: SystemTime) {
        self.state.prober.state_successful.set(1.0);
        if let Ok(since_epoch) = at.duration_since(SystemTime::UNIX_EPOCH) {
            self.state.prober.state_timestamp.set(since_epoch.as_secs_f64());
        }
    }

    /// Says that it could not be.
    pub fn state_not_written(&self) {
        self.state.prober.state_successful.set(0.0);
    }

    /// Says how late a loop that runs everything but exchanges was.
    pub fn main_loop_lagged(&self, lag: Duration) {
        self.state.prober.main_loop_lag.observe(lag.as_secs_f64());
    }

    /// Says how late a loop that runs exchanges was.
    pub fn io_loop_lagged(&self, lag: Duration) {
        self.state.prober.io_loop_lag.observe(lag.as_secs_f64());
    }

    /// Counts the panics of sinks.
    #[must_use]
    pub fn sink_panics(&self) -> SinkPanics {
        self.state.prober.sink_panics.clone()
    }

    /// Says what counts the records that a flight recorder loses. Only the first one is heard.
    pub fn set_flight_losses(&self, losses: Losses) {
        let _ = self.state.prober.flight_losses.set(losses);
    }

    /// Says where it is known what all targets together have spent. Only the first one is heard.
    pub fn set_in_all(&self, all: Arc<InAll>, clock: WallClock) {
        let spent = Spent { ledger: all.money.spending.clone(), clock };
        let _ = self.state.prober.spent_in_all.set((all, spent));
    }

    /// The share of the budget of all targets together that is left, for each period with a limit.
    #[must_use]
    pub fn budget_in_all_remaining(&self) -> Vec<(Period, f64)> {
        self.state.prober.budget_in_all_remaining()
    }

    /// Says how exactly the prober was found to measure.
    pub fn set_measurement_error(&self, error: &MeasurementError, at: SystemTime) {
        let prober = &self.state.prober;
        for ((_, share), gauge) in MEASUREMENT_STATISTICS.iter().zip(&prober.measurement_error) {
            gauge.set(error.quantile(*share).as_secs_f64());
        }
        if let Ok(since_epoch) = at.duration_since(SystemTime::UNIX_EPOCH) {
            prober.measurement_error_timestamp.set(since_epoch.as_secs_f64());
        }
    }

    /// Says how many probes the history holds.
    pub fn set_history_records(&self, records: usize) {
        self.state.prober.history_records.set(i64::try_from(records).unwrap_or(i64::MAX));
    }
}
