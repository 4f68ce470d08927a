//! The values of one target, and how a finished probe gets into them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use prometheus::metrics::counter::Counter;

use super::cells::{LateCounter, LateGauge};
use super::histogram::{Histogram, histogram};
use super::model::ModelLabel;
use super::options::MetricsOptions;
use super::secondary::{Secondary, Terms};
use super::target_labels::TargetLabels;
use super::workload::WorkloadMetrics;
use crate::answer::measure::{Measurement, TokenCount, TokenSource};
use crate::answer::outcome::Outcome;
use crate::answer::rate_limit::RateLimit;
use crate::answer::recording::Recording;
use crate::load::CacheFinding;
use crate::server_metrics::{Look, Sample, ServerView};
use crate::target::budget::{Ledger, Period, hour_of};
use crate::target::{Budget, Target};
use crate::transport::{KnownAddress, ServerAddresses};
use crate::watcher::WallClock;

/// The two gauges of one rate limit.
#[derive(Debug, Clone)]
pub(super) struct RateLimitMetrics {
    /// The label value.
    pub unit: &'static str,
    pub limit: LateGauge,
    pub remaining: LateGauge,
}

impl RateLimitMetrics {
    fn new(unit: &'static str) -> Self {
        Self { unit, limit: LateGauge::default(), remaining: LateGauge::default() }
    }

    #[allow(clippy::cast_precision_loss)] // a sample is an f64 anyway
    fn set(&self, seen: RateLimit) {
        if let Some(limit) = seen.limit {
            self.limit.set(limit as f64);
        }
        if let Some(remaining) = seen.remaining {
            self.remaining.set(remaining as f64);
        }
    }
}

/// What was spent, and what time it is.
pub(super) struct Spent {
    pub ledger: Ledger,
    pub clock: WallClock,
}

impl Spent {
    /// What is left now, for each period with a limit.
    pub fn remaining(&self, budget: &Budget) -> Vec<(Period, f64)> {
        let hour = hour_of((self.clock)());
        let left = |period: &Period| Some((*period, self.ledger.remaining(budget, *period, hour)?));
        Period::ALL.iter().filter_map(left).collect()
    }
}

impl fmt::Debug for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ledger.fmt(f)
    }
}

/// Of probes that found the target cold. A clone counts together with the original.
#[derive(Debug, Clone)]
pub(super) struct ColdMetrics {
    pub probes: Counter,
    pub failures: Counter,
    pub time_to_first_token: Histogram,
}

impl ColdMetrics {
    fn new(terms: Terms<'_>) -> Self {
        Self {
            probes: Counter::default(),
            failures: Counter::default(),
            time_to_first_token: histogram(terms.form, &terms.bounds.ttft),
        }
    }
}

/// How long first tokens took with so many requests in flight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ByInFlight {
    /// How many requests: a range, for people.
    pub in_flight: &'static str,
    /// Probes.
    pub probes: u64,
    /// Seconds of all of them together.
    pub seconds: f64,
}

/// Adds one workload's histogram.
fn add(all: &mut Vec<ByInFlight>, (in_flight, histogram): (&'static str, &Histogram)) {
    let (probes, seconds) = histogram.with(|h| (h.count, h.sum));
    match all.iter_mut().find(|known| known.in_flight == in_flight) {
        Some(known) => {
            (known.probes, known.seconds) = (known.probes + probes, known.seconds + seconds);
        }
        None => all.push(ByInFlight { in_flight, probes, seconds }),
    }
}

/// What the last look after the prefix cache found. A clone is the same.
#[derive(Debug, Clone, Default)]
pub(super) struct CacheMetrics {
    pub working: LateGauge,
    pub cached: LateGauge,
    pub ttft_ratio: LateGauge,
}

/// Everything that is counted about one target. Goes on over reloads for as long as there is a target
/// of the same name: labels are composed at scrape time, so even series of another name go on from
/// the values they had.
#[derive(Debug)]
pub struct TargetMetrics {
    pub(super) target: Arc<Target>,
    model: Arc<ModelLabel>,
    /// Of the last scrape.
    labels: ArcSwapOption<TargetLabels>,
    pub(super) workloads: Vec<Arc<WorkloadMetrics>>,
    /// With the value of their `workload` label; empty for the target as a whole.
    pub(super) secondary: Vec<(String, Arc<Secondary>)>,
    pub(super) rate_limits: [RateLimitMetrics; 2],
    pub(super) certificate_expiry: LateGauge,
    /// What is known of the server's addresses; `None` before the target is probed.
    addresses: Mutex<Option<ServerAddresses>>,
    /// What it has spent; `None` before it is probed.
    spending: Mutex<Option<Spent>>,
    /// Where the target says after how long it is cold.
    pub(super) cold: Option<ColdMetrics>,
    /// Of the last look after its prefix cache.
    pub(super) cache: CacheMetrics,
    /// Probes that were under way while its server was swept.
    pub(super) beside_sweep: LateCounter,
    /// The newest look at the server's metrics page.
    pub(super) server: Arc<Mutex<Option<Look>>>,
}

impl TargetMetrics {
    /// Goes on from `before`, the values of the target of the same name before a reload. What was
    /// learnt from the server goes on only where it is still the same server and model.
    pub(super) fn new(
        target: &Arc<Target>,
        terms: Terms<'_>,
        options: MetricsOptions,
        before: Option<&Self>,
    ) -> Self {
        let new = |workload: Option<&str>| {
            let name = workload.unwrap_or_default();
            let known = before.and_then(|b| b.secondary.iter().find(|(n, _)| n == name));
            let known = known.map(|(_, secondary)| &**secondary);
            Arc::new(Secondary::new(target, workload, terms, known))
        };
        let whole = options.per_target().then(|| new(None));
        let mut secondary: Vec<_> = whole.iter().map(|s| (String::new(), Arc::clone(s))).collect();
        let mut workloads = Vec::new();
        for workload in &target.workloads {
            let own = whole.clone().unwrap_or_else(|| {
                let own = new(Some(&workload.name));
                secondary.push((workload.name.clone(), Arc::clone(&own)));
                own
            });
            let known = before.and_then(|b| b.workload(&workload.name)).map(|known| &**known);
            let metrics = WorkloadMetrics::new(target, workload, own, terms.bounds, options, known);
            workloads.push(Arc::new(metrics));
        }
        let same = before.filter(|b| b.target.moved_to(target).is_none());
        let observed = same.filter(|b| b.target.server_metrics == target.server_metrics);
        let model = same.map(|b| Arc::clone(&b.model));
        let limits = ["requests", "tokens"].map(RateLimitMetrics::new);
        Self {
            target: Arc::clone(target),
            model: model.unwrap_or_else(|| Arc::new(ModelLabel::new(target.model.clone()))),
            labels: ArcSwapOption::default(),
            workloads,
            secondary,
            rate_limits: same.map_or(limits, |b| b.rate_limits.clone()),
            certificate_expiry: same.map(|b| b.certificate_expiry.clone()).unwrap_or_default(),
            addresses: Mutex::default(),
            spending: Mutex::default(),
            cache: same
                .filter(|_| target.cache_check.is_some())
                .map(|b| b.cache.clone())
                .unwrap_or_default(),
            cold: target.cold_after.map(|_| {
                let known = before.and_then(|b| b.cold.clone());
                known.unwrap_or_else(|| ColdMetrics::new(terms))
            }),
            beside_sweep: before.map(|b| b.beside_sweep.clone()).unwrap_or_default(),
            server: observed.map(|b| Arc::clone(&b.server)).unwrap_or_default(),
        }
    }

    /// The value of the `model` label: empty until it is configured or discovered.
    #[must_use]
    pub fn model(&self) -> Arc<String> {
        self.model.get()
    }

    /// The model's name as it is asked for; `None` until it is known, and where the label only stands
    /// for it.
    #[must_use]
    pub fn model_name(&self) -> Option<Arc<String>> {
        self.model.name()
    }

    /// Says which model a target without a configured one turned out to serve. What cannot be a
    /// label, and what comes after 32 others, is `other` there.
    pub fn set_model(&self, model: &str) {
        self.model.tell(model);
    }

    /// The labels of its series, which have these names.
    pub(super) fn labels(&self, names: &Arc<[String]>) -> Arc<TargetLabels> {
        let model = self.model();
        let known = self.labels.load_full().filter(|labels| labels.are_of(names, &model));
        known.unwrap_or_else(|| {
            let labels = Arc::new(TargetLabels::new(&self.target, names, model));
            self.labels.store(Some(Arc::clone(&labels)));
            labels
        })
    }

    /// Says where the target's addresses are known.
    pub fn set_addresses(&self, addresses: ServerAddresses) {
        *self.addresses.lock() = Some(addresses);
    }

    /// Says where it is known what the target has spent.
    pub fn set_spending(&self, ledger: Ledger, clock: WallClock) {
        *self.spending.lock() = Some(Spent { ledger, clock });
    }

    /// The share of its budget that is left, for each period with a limit.
    #[must_use]
    pub fn budget_remaining(&self) -> Vec<(Period, f64)> {
        let spending = self.spending.lock();
        spending.as_ref().map(|spent| spent.remaining(&self.target.budget)).unwrap_or_default()
    }

    /// The addresses behind the target's name, at most 16.
    #[must_use]
    pub fn addresses(&self) -> Vec<KnownAddress> {
        let addresses = self.addresses.lock();
        addresses.as_ref().map(ServerAddresses::list).unwrap_or_default()
    }

    /// The values of one workload; `None` if the target has no workload of that name.
    #[must_use]
    pub fn workload(&self, name: &str) -> Option<&Arc<WorkloadMetrics>> {
        self.workloads.iter().find(|w| w.name == name)
    }

    /// Takes the energy of a finished probe that ran alone on its GPUs, in joules. Failed probes and
    /// answers whose tokens were not counted leave no sample.
    pub fn record_energy(&self, workload: &str, outcome: &Outcome, joules: f64) {
        let counted = |c: &TokenCount| c.tokens > 0 && c.source != TokenSource::Events;
        let tokens = outcome.measurement.output_tokens.filter(counted);
        let metrics = self.workload(workload).filter(|_| outcome.succeeded());
        if let (Some(metrics), Some(count)) = (metrics, tokens) {
            metrics.secondary.observe_energy(joules, count.tokens);
        }
    }

    /// Takes what a confirming probe cost, and nothing else of it.
    pub fn record_cost(&self, workload: &str, measurement: &Measurement) {
        if let Some(metrics) = self.workload(workload) {
            metrics.record_cost(self.target.price, measurement);
        }
    }

    /// Counts a probe that the prober gave up itself, and takes what it cost.
    pub fn record_given_up(&self, workload: &str, measurement: &Measurement) {
        if let Some(metrics) = self.workload(workload) {
            metrics.given_up.inc_by(1);
            metrics.record_cost(self.target.price, measurement);
        }
    }

    /// Counts a probe whose reader stopped, and takes what it had seen until then.
    pub fn record_cancelled(
        &self,
        workload: &str,
        recording: &Recording,
        outcome: &Outcome,
        probe_id: &str,
    ) {
        if let Some(metrics) = self.workload(workload) {
            metrics.record_cancelled(self.target.price, recording, outcome, probe_id);
        }
    }

    /// Takes how long the first token of a probe took that began beside so many others.
    pub fn record_beside(&self, workload: &str, others: usize, ttft: Option<Duration>) {
        if let (Some(metrics), Some(ttft)) = (self.workload(workload), ttft) {
            metrics.secondary.own.observe(others, ttft);
        }
    }

    /// The mean time to first token and the number of probes by how many requests were in flight: at
    /// the server as it says itself, and of the target's own. Of all workloads together.
    #[must_use]
    pub fn ttft_by_in_flight(&self) -> [Vec<ByInFlight>; 2] {
        let (mut server, mut own) = (Vec::new(), Vec::new());
        for (_, secondary) in &self.secondary {
            let at_send = secondary.server.at_send.iter();
            at_send.flat_map(|a| a.ttft_by_in_flight.iter()).for_each(|x| add(&mut server, x));
            secondary.own.iter().for_each(|x| add(&mut own, x));
        }
        [server, own]
    }

    /// Its server is to be swept: probes beside that are counted from 0 on.
    pub fn begin_beside_sweep(&self) {
        self.beside_sweep.begin();
    }

    /// Takes what was found of the prefix cache.
    pub fn record_cache_check(&self, found: CacheFinding) {
        let CacheMetrics { working, cached, ttft_ratio } = &self.cache;
        let figures = [
            (working, found.works().map(|works| f64::from(u8::from(works)))),
            (cached, found.cached),
            (ttft_ratio, found.ttft_ratio),
        ];
        for (gauge, figure) in figures {
            if let Some(figure) = figure {
                gauge.set(figure);
            }
        }
    }

    /// Takes a probe that found the target cold; one that the prober gave up says nothing.
    pub fn record_cold(&self, outcome: &Outcome) {
        let Some(cold) = self.cold.as_ref().filter(|_| !outcome.given_up()) else { return };
        cold.probes.inc();
        if !outcome.succeeded() {
            cold.failures.inc();
        }
        if let Some(ttft) = outcome.measurement.ttft {
            cold.time_to_first_token.observe(ttft.as_secs_f64());
        }
    }

    /// Takes everything that a finished probe tells, its schedule delay included. `probe_id` (32
    /// hexadecimal digits) becomes the exemplars' trace id.
    pub fn record(&self, workload: &str, recording: &Recording, outcome: &Outcome, probe_id: &str) {
        let Some(metrics) = self.workload(workload) else {
            tracing::error!(target = self.target.name, workload, "probe of an unknown workload");
            return;
        };
        metrics.record(self.target.price, recording, outcome, probe_id);
        let [requests, tokens] = &self.rate_limits;
        requests.set(outcome.request_limit);
        tokens.set(outcome.token_limit);
        if let Some(expiry) = recording.connection.certificate_expiry {
            #[allow(clippy::cast_precision_loss)] // Unix seconds are far below 2^53
            self.certificate_expiry.set(expiry as f64);
        }
    }
}

impl TargetMetrics {
    /// Takes what the server said about a finished probe whose time to first token was `ttft`.
    pub fn record_server(&self, workload: &str, view: &ServerView, ttft: Option<Duration>) {
        if let Some(workload) = self.workload(workload) {
            workload.secondary.server.observe(view, ttft);
        }
        // Probes end in another order than they look at the page.
        let mut newest = self.server.lock();
        if let Some(look) = view.newest
            && newest.is_none_or(|known| known.at <= look.at)
        {
            *newest = Some(look);
        }
    }

    /// The newest look at the server's page, successful or not; `None` before the first, and
    /// without `server_metrics`.
    #[must_use]
    pub fn server_look(&self) -> Option<Look> {
        *self.server.lock()
    }

    /// The server's newest state; `None` while the last look at its page failed.
    pub(super) fn server_state(&self) -> Option<(Sample, f64)> {
        self.server_look().and_then(|look| Some((look.result.ok()?, look.unix_seconds)))
    }

    /// Whether the last look at the page succeeded; `None` before the first.
    pub(super) fn server_up(&self) -> Option<bool> {
        self.server_look().map(|look| look.result.is_ok())
    }
}
