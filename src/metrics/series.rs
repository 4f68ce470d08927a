//! How many series a configuration will have, before anything is probed.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::buckets::SloBounds;
use super::secondary::Terms;
use super::state::Loaded;
use super::target::TargetMetrics;
use super::target_labels::TARGET_LABELS;
use super::{Format, Metrics, MetricsOptions};
use crate::answer::measure::{Phase, TokenSource};
use crate::answer::recording::TimestampSource;
use crate::answer::slo::ObjectiveKind;
use crate::answer::timeline::Finish;
use crate::config::Config;
use crate::load::CacheFinding;
use crate::regression::change::{ChangeDetection, signals};
use crate::regression::comparison::Signal;
use crate::server_metrics::{Look, Sample, ServerView, TtftPart};
use crate::target::Target;
use crate::target::budget::Ledger;

/// What each target has beside its own values: `failures_in_a_row` and its like.
const OF_OUTAGES: usize = 3;

/// What of a target says how many series it has.
type Shape = (Vec<bool>, Vec<(Vec<ObjectiveKind>, Vec<bool>)>);

impl Metrics {
    /// How many series Prometheus will have of all targets of a configuration together, scraped as
    /// text: once every workload has succeeded, with the references of the past complete and no
    /// alarm. Those of comparisons, GPUs and the prober itself come on top.
    ///
    /// # Errors
    /// None: memory takes everything.
    pub fn series_of_targets(config: &Config, options: MetricsOptions) -> Result<usize, io::Error> {
        let slos = config.targets.iter().flat_map(|t| t.slos.iter().map(|slo| &**slo));
        let bounds = SloBounds::new(options.histograms, &slos);
        let mut known = BTreeMap::<Shape, usize>::new();
        let mut all = 0;
        for target in &config.targets {
            let shape = shape(target);
            let own = match known.get(&shape) {
                Some(own) => *own,
                None => *known.entry(shape).or_insert(series_of(target, &bounds, options)?),
            };
            all += own + of_changes(target, &config.change_detection) + OF_OUTAGES;
        }
        Ok(all)
    }
}

fn shape(target: &Target) -> Shape {
    let facts = vec![
        target.stream,
        target.url.scheme() == "https",
        target.budget == crate::target::Budget::default(),
        target.price.is_some(),
        target.tokenizer.is_some(),
        target.server_metrics.is_some(),
        target.gpus.ids.is_empty(),
        target.cold_after.is_some(),
        target.cache_check.is_some(),
        target.active_hours.is_empty(),
        target.budget.output_tokens_per_hour.is_some() || target.budget.dollars_per_hour.is_some(),
        target.budget.output_tokens_per_day.is_some() || target.budget.dollars_per_day.is_some(),
    ];
    let workloads = target.workloads.iter().map(|w| w.cancel.is_some());
    let slos = target.slos.iter().map(|slo| {
        let covered = target.workloads.iter().map(|w| slo.covers(&w.name)).collect();
        (slo.objectives.iter().map(|o| o.kind).collect(), covered)
    });
    (facts.into_iter().chain(workloads).collect(), slos.collect())
}

/// Of a target of its own, without what others tell of it.
fn series_of(
    target: &Arc<Target>,
    bounds: &SloBounds,
    options: MetricsOptions,
) -> Result<usize, io::Error> {
    let metrics = Metrics::new(options);
    let delay_of_prober = metrics.state.prober.schedule_delay.as_ref();
    let terms = Terms { bounds, form: options.histograms, delay_of_prober };
    let values = TargetMetrics::new(target, terms, options, None);
    succeed(&values);
    let names = TARGET_LABELS.iter().map(|&name| name.to_owned()).collect();
    let loaded = Loaded::new(names, vec![Arc::new(values)]);
    metrics.state.loaded.store(Arc::new(loaded));
    let text = metrics.encode(Format::ClassicText)?;
    // First of the labels that a target's series share; the bound of a bucket may precede them.
    let of_target =
        |line: &&[u8]| line.windows(9).any(|w| w == b"{target=\"" || w == b",target=\"");
    let samples = text.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#"));
    Ok(samples.filter(of_target).count())
}

/// Everything that an ordinary server says begins.
fn succeed(values: &TargetMetrics) {
    values.set_spending(Ledger::default(), Arc::new(SystemTime::now));
    if values.target.cache_check.is_some() {
        values.record_cache_check(CacheFinding { cached: Some(1.0), ttft_ratio: Some(0.0) });
    }
    for workload in &values.workloads {
        for gauge in [&workload.success, &workload.last_probe, &workload.last_success] {
            gauge.set(1.0);
        }
        for counted in
            [&workload.input_tokens, &workload.cached_input_tokens, &workload.output_tokens]
        {
            counted.begin(|source| source == TokenSource::Usage.as_str());
        }
        if let Some(compared) = &workload.compared_tokens {
            compared.begin(|_| true);
        }
        workload.connections.begin(|_| true);
        workload.finishes.begin(|finish| finish == Finish::Stop.as_str());
        workload.timestamp_sources.begin(|s| s == TimestampSource::Kernel.as_str());
        if values.target.server_metrics.is_some() {
            values.record_server(&workload.name, &seen(), Some(Duration::ZERO));
        }
    }
    let encrypted = values.target.url.scheme() == "https";
    for (_, secondary) in &values.secondary {
        for phase in Phase::ALL.iter().filter(|phase| **phase != Phase::Tls || encrypted) {
            secondary.phases.observe(phase.as_str(), Duration::ZERO);
        }
    }
    if encrypted {
        values.certificate_expiry.set(1.0);
    }
}

/// A page that says everything, of a server that does nothing.
fn seen() -> ServerView {
    let sample = Sample {
        running: Some(0.0),
        waiting: Some(0.0),
        kv_cache_usage: Some(0.0),
        prefix_cache_queries: Some(0.0),
        prefix_cache_hits: Some(0.0),
        prefix_cache_hit_ratio: Some(0.0),
        preemptions: Some(0.0),
        ..Sample::default()
    };
    let newest = Look { at: Instant::now(), unix_seconds: 0.0, result: Ok(sample) };
    let parts = [TtftPart::Queue, TtftPart::Prefill, TtftPart::Network];
    let ttft_parts = parts.map(|part| (part, Duration::ZERO)).into();
    ServerView { at_send: Some(sample), ttft_parts, newest: Some(newest), ..ServerView::default() }
}

/// Per workload the threshold, the reference and its time; per signal the evidence and whether the
/// alarm is on; of a latency the effect and its two bounds.
fn of_changes(target: &Target, settings: &ChangeDetection) -> usize {
    if !settings.enabled {
        return 0;
    }
    let of_signal = |signal| match signal {
        Signal::Ttft | Signal::Itl | Signal::RequestLatency => 2 + 3,
        Signal::Failure | Signal::Slo => 2,
    };
    let of_workload = |w| 3 + signals(target, w).map(of_signal).sum::<usize>();
    target.workloads.iter().map(|w| of_workload(&**w)).sum()
}
