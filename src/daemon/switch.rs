//! The switch to another configuration: what changed is changed, and nothing else.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::timeout;

use super::error::DaemonError;
use super::plan::{Changed, Plan};
use super::running::{Daemon, Running, State, Unread, Watched};
use crate::config::Config;
use crate::load::comparer::StartContext;
use crate::load::sweeps::{self, Equipment};
use crate::load::{Admission, Driver, Limits, OpenLoop, Prober, Stop, server_of};
use crate::memory::history::Occasion;
use crate::probe::Probing;
use crate::probe::log::Log;
use crate::probe::sink::{Sink, TargetSinks};
use crate::sweep::ScheduledSweep;
use crate::target::budget::Charge;
use crate::target::{Moved, Target};
use crate::text::fnv::{BASIS, fnv1a};
use crate::workload::Rows;

/// How long probes under way may go on after their target was removed or the daemon stops.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// The first probes of many targets are spread over so long for each further one, at most over
/// [`FIRST_WITHIN`] or one interval: at once, but no burst.
const FIRST_APART: Duration = Duration::from_secs(1);

const FIRST_WITHIN: Duration = Duration::from_secs(60);

/// A prober uses as many seeds, one after another.
const SEEDS_PER_PROBER: u64 = 3;

/// A sweep uses as many, one for each of its runs.
const SEEDS_PER_SWEEP: u64 = 1 << 20;

/// Reading the configuration, with all that it names, takes no longer than this, or hangs.
const LONGEST_READING: Duration = Duration::from_secs(30);

/// What the switch to another configuration needs.
struct Prepared {
    /// Of every target that begins.
    fresh: Vec<Probing>,
    /// Other GPUs, or the same watched in another way.
    watched: Option<Watched>,
}

impl Daemon {
    /// Reads the configuration file again. Targets that did not change go on undisturbed.
    ///
    /// # Errors
    /// What is wrong with the file; then the old configuration goes on, and a metric says so.
    pub async fn reload(&self) -> Result<(), DaemonError> {
        let mut unread = self.reloading.lock().await;
        let result = self.read_and_apply(&mut unread).await;
        match &result {
            Ok(plan) => {
                tracing::info!(%plan, "configuration reloaded");
                self.metrics.reload_succeeded(SystemTime::now());
            }
            Err(error) => {
                tracing::error!("configuration not reloaded, the old one goes on: {error}");
                self.metrics.reload_failed();
            }
        }
        result.map(|_| ())
    }

    /// A file that hangs is not waited for, and not read a second time beside.
    async fn read_and_apply(&self, unread: &mut Option<Unread>) -> Result<Plan, DaemonError> {
        let path = self.source.clone().ok_or(DaemonError::NoFile)?;
        if unread.as_ref().is_some_and(|reading| !reading.is_finished()) {
            return Err(DaemonError::StillReading);
        }
        let reading = unread.insert(tokio::task::spawn_blocking(move || Config::load(&path)));
        let read = timeout(LONGEST_READING, reading).await;
        let config = read.map_err(|_| DaemonError::SlowFile(LONGEST_READING))?;
        *unread = None;
        self.apply(config??)
    }

    /// Says what changes, makes everything that can fail, then switches.
    pub(super) fn apply(&self, config: Config) -> Result<Plan, DaemonError> {
        let config = Arc::new(config);
        let plan = self.plan(&config)?;
        let prepared = self.prepare(&plan, &config)?;
        let mut state = self.state();
        if state.ending {
            self.forget(prepared.watched);
            return Err(DaemonError::Ending);
        }
        self.switch(&mut state, &plan, prepared, &config);
        drop(state);
        Ok(plan)
    }

    fn plan(&self, config: &Config) -> Result<Plan, DaemonError> {
        let state = self.state();
        match state.applied {
            _ if state.ending => Err(DaemonError::Ending),
            0 => Ok(Plan::first(config)),
            _ => Ok(Plan::between(&state.config, config)),
        }
    }

    /// Without the state's lock: files are read here.
    fn prepare(&self, plan: &Plan, config: &Config) -> Result<Prepared, DaemonError> {
        let mut fresh = Vec::new();
        for target in plan.targets.beginning() {
            let transport = (self.dial)(target)
                .map_err(|why| DaemonError::Dial { target: target.name.clone(), why })?;
            fresh.push(Probing::new(Arc::clone(target), transport));
        }
        let watched = plan.gpu.then(|| Watched::start(&config.gpu)).transpose();
        Ok(Prepared { fresh, watched: watched.map_err(DaemonError::Gpus)? })
    }

    fn switch(&self, state: &mut State, plan: &Plan, prepared: Prepared, config: &Arc<Config>) {
        let Prepared { mut fresh, watched } = prepared;
        for probing in &mut fresh {
            if let Some(before) = state.running.get(&probing.target.name) {
                probing.go_on_from(before.prober.probing());
            }
        }
        for changed in &plan.targets.changed {
            self.tell_changed(changed);
            self.retire(state.running.remove(&changed.next.name));
        }
        for gone in &plan.targets.gone {
            tracing::info!(target = %gone.name, "target removed");
            let running = state.running.remove(&gone.name);
            if let Some(running) = &running {
                running.prober.stop().removed.cancel();
            }
            self.retire(running);
        }
        if let Some(watched) = watched {
            self.watch_gpus(state, watched);
        }
        if plan.state_dir {
            tracing::warn!("another state_dir takes effect at the next start");
        }
        let names = config.target_names();
        self.metrics.load(config);
        self.metrics.set_watches(state.watchers.apply(config));
        self.metrics.set_outages(state.outages.apply(config));
        self.history.retain(|name| names.contains(name));
        state.spending.retain(|name, _| names.contains(name.as_str()));
        state.in_all.set(config.budget, config.max_in_flight);
        tell_of_rows(config);
        let others = u32::try_from(fresh.len().saturating_sub(1)).unwrap_or(u32::MAX);
        for probing in fresh {
            self.launch(state, probing, FIRST_APART.saturating_mul(others));
        }
        self.compare(state, config);
        self.sweep(state, config);
        state.applied += 1;
        state.config = Arc::clone(config);
    }

    /// What was measured of a target goes on; where it is another server or model from now on, a
    /// line is drawn.
    fn tell_changed(&self, Changed { before, next, keys }: &Changed<Target>) {
        let moved = before.moved_to(next);
        let (to_another, keys) = (moved.map(Moved::as_str), keys.join(", "));
        tracing::info!(target = %next.name, keys, to_another, "target changed");
        if let Some(moved) = moved {
            self.mark(&next.name, Occasion::Moved(moved));
        }
    }

    fn compare(&self, state: &mut State, config: &Config) {
        let State { running, comparisons, .. } = state;
        let live = comparisons.apply(
            &config.comparisons,
            config.watched_streams(),
            &StartContext {
                prober: &|target| running.get(target).map(|r| Arc::clone(&r.prober)),
                seed: &|comparison| seed_of(self.seed, &format!("comparison {}", comparison.name)),
                tasks: &self.tasks,
            },
        );
        let known = self.metrics.comparisons();
        for new in live.iter().filter(|l| !known.iter().any(|k| Arc::ptr_eq(k, l))) {
            self.follow(new);
        }
        self.metrics.set_comparisons(live);
    }

    fn sweep(&self, state: &mut State, config: &Config) {
        let State { running, sweeps, servers, spending, in_all, applied, .. } = state;
        let equipment = |sweep: &ScheduledSweep| {
            let prober = Arc::clone(&running.get(&sweep.target.name)?.prober);
            let seed = seed_of(self.seed, &format!("sweep {}", sweep.name));
            Some(Equipment {
                dial: Arc::clone(&self.dial),
                prober,
                spending: spending.get(&sweep.target.name)?.clone(),
                in_all: Arc::clone(in_all),
                clock: Arc::clone(&self.clock),
                // Apart from those before the reload.
                seed: seed.wrapping_add(applied.wrapping_mul(SEEDS_PER_SWEEP)),
            })
        };
        let live = sweeps.apply(
            &config.sweeps,
            &mut sweeps::StartContext {
                equipment: &equipment,
                sweeping: &mut |target| servers.at(&target.url),
                tasks: &self.tasks,
            },
        );
        servers.forget_unused();
        self.metrics.set_sweeps(live);
        let swept: HashSet<_> = config.sweeps.iter().map(|s| server_of(&s.target.url)).collect();
        for target in config.targets.iter().filter(|t| swept.contains(&server_of(&t.url))) {
            self.metrics.target(&target.name).iter().for_each(|m| m.begin_beside_sweep());
        }
    }

    /// `spread`: as long may its first probe take to begin, within the usual bounds.
    fn launch(&self, state: &mut State, probing: Probing, spread: Duration) {
        let target = Arc::clone(&probing.target);
        let Some(metrics) = self.metrics.target(&target.name) else { return };
        metrics.set_addresses(probing.transport.addresses());
        if target.tls.insecure_skip_verify {
            tracing::warn!(target = %target.name, "certificates are not verified");
        }
        // Another seed each time: the same nonces would find their prompts in the prefix cache.
        let seed = seed_of(self.seed, &target.name);
        let seed = seed.wrapping_add(state.applied.wrapping_mul(SEEDS_PER_PROBER));
        let spending = state.spending.entry(target.name.clone()).or_default().clone();
        metrics.set_spending(spending.clone(), Arc::clone(&self.clock));
        let admission = Admission::new(Limits::of(&target), spending);
        let admission = admission.within(&target.name, &state.in_all);
        let admission = admission.by(Arc::clone(&self.clock));
        let (sinks, energy) = (self.sinks(state, &target), Arc::clone(&self.energy));
        let stop = Stop::default();
        let arrivals = stop.arrivals.clone();
        let prober = Prober::new(Arc::new(probing), admission, sinks, energy, stop);
        let prober = Arc::new(prober.marked_by(state.servers.at(&target.url)));
        let first_within = spread.min(FIRST_WITHIN).min(target.schedule.interval);
        let outage = state.outages.get(&target.name);
        let schedule = OpenLoop::new(Arc::clone(&prober), seed, first_within, outage);
        let told = Arc::clone(&metrics);
        let schedule = schedule.telling(move |check| told.record_cache_check(check));
        let driver = self.tasks.spawn(Driver::new(schedule, arrivals).run());
        let most = Charge::most_of(&target.workloads);
        state.running.insert(target.name.clone(), Running { target, prober, driver, most });
    }

    /// Ends probing of a target in its own time; nobody waits for it but the tracker.
    pub(super) fn retire(&self, running: Option<Running>) {
        let Some(Running { prober, driver, .. }) = running else { return };
        prober.stop().arrivals.cancel();
        self.tasks.spawn(async move {
            // Whoever asked for its probes.
            if tokio::time::timeout(GRACE, prober.idle()).await.is_err() {
                prober.stop().probes.cancel();
            }
            let _ = driver.await; // its panic, if any, was logged where it happened
        });
    }

    /// Everything that is told of the target's probes.
    pub(super) fn sinks(&self, state: &State, target: &Arc<Target>) -> TargetSinks {
        let recorder = self.recorder.as_ref().map(|recorder| recorder.sink(&self.history));
        let mut sinks: Vec<&dyn Sink> =
            vec![&Log, &self.history, &*self.metrics, &state.watchers, &state.outages];
        sinks.extend(recorder.as_ref().map(|recorder| recorder as &dyn Sink));
        TargetSinks::open(&sinks, target, self.metrics.sink_panics())
    }
}

/// Says what of data sets is left out.
fn tell_of_rows(config: &Config) {
    let mut told = HashSet::new();
    let workloads = config.targets.iter().flat_map(|target| &target.workloads);
    for workload in workloads.filter(|workload| told.insert(&workload.name)) {
        if let Some(Rows { used, unusable }) = workload.rows.filter(|rows| rows.unusable > 0) {
            let workload = &workload.name;
            tracing::info!(%workload, used, unusable, "rows of the data set that are not usable");
        }
    }
}

/// Each target's own stream of random numbers, the same for the same seed and name.
fn seed_of(seed: u64, name: &str) -> u64 {
    fnv1a(BASIS ^ seed, name.as_bytes())
}
