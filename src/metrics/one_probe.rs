//! The metrics of a single probe.

use super::families::OneProbe;
use super::state::State;
use super::{Metrics, MetricsOptions};
use crate::config::Config;
use crate::probe::Probe;
use crate::probe::sink::{ProbeEvent, Sink, TargetStatus};
use crate::transport::ServerAddresses;

impl Metrics {
    /// What one probe of the only target of `config` measured, and nothing else: neither the
    /// prober's own state nor its process. The probe is told of as the daemon tells of its own.
    #[must_use]
    pub fn of_one(
        options: MetricsOptions,
        config: &Config,
        probe: &Probe,
        addresses: ServerAddresses,
    ) -> Self {
        let one = OneProbe {
            success: f64::from(u8::from(probe.outcome.succeeded())),
            duration_seconds: probe.recording.ended.seconds(),
        };
        let metrics = Self { options, state: State::new(options), one: Some(one) };
        metrics.load(config);
        if let Some(target) = config.targets.first() {
            if let Some(values) = metrics.target(&target.name) {
                values.set_addresses(addresses);
            }
            if let Some(sink) = metrics.open(target) {
                sink.tell(ProbeEvent::Over(probe), TargetStatus::Active);
            }
        }
        metrics
    }

    /// How the metrics were made.
    #[must_use]
    pub fn options(&self) -> MetricsOptions {
        self.options
    }
}
