//! Wiring: a configuration becomes probers; a reload changes what changed and nothing else.

mod endpoint;
pub mod error;
mod gpus;
mod plan;
mod sinks;
mod state;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use parking_lot::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::error::DaemonError;
use self::gpus::Watched;
use self::plan::{Changed, Plan};
pub use self::sinks::Memory;
use self::state::{Budgets, Endpoints, Written};
use crate::config::Config;
use crate::gpu::EnergyMeter;
use crate::load::comparer::{Fleet, StartContext};
use crate::load::{Admission, Driver, Limits, OpenLoop, Prober, Stop};
use crate::memory::flight::Recorder;
use crate::memory::history::{History, Occasion};
use crate::memory::state::{BUDGETS, CHANGE, COMPARISONS, ENDPOINTS, OUTAGES, Saved, Store};
use crate::metrics::Metrics;
use crate::probe::Probing;
use crate::target::budget::{Charge, Ledger};
use crate::target::{Moved, Target};
use crate::transport::{IoThreads, SetupError, Transport};
use crate::watcher::{OutageWatch, OutageWatchers, WallClock, Watch, Watchers};

/// How long probes under way may go on after their target was removed or the daemon stops.
const GRACE: Duration = Duration::from_secs(5);

/// The first probes of many targets are spread over so long for each further one, at most over
/// [`FIRST_WITHIN`] or one interval: at once, but no burst.
const FIRST_APART: Duration = Duration::from_secs(1);
const FIRST_WITHIN: Duration = Duration::from_secs(60);

/// A prober uses as many seeds, one after another.
const SEEDS_PER_PROBER: u64 = 3;

/// How a target's server is reached; tests put a simulator behind a pipe here.
pub type Dial = Box<dyn Fn(&Target) -> Result<Transport, SetupError> + Send + Sync>;

/// The running daemon.
pub struct Daemon {
    /// Everything measured.
    pub metrics: Arc<Metrics>,
    /// The recent past.
    pub history: Arc<History>,
    recorder: Option<Recorder>,
    energy: Arc<EnergyMeter>,
    clock: WallClock,
    dial: Dial,
    source: Option<PathBuf>,
    seed: u64,
    /// Serialises reloads.
    reloading: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// Where state is kept; let go at the end.
    store: Mutex<Option<Arc<Store>>>,
    /// Of each watch what was written of it last, for as long as it has not changed.
    written: Mutex<Written>,
    /// The last attempt to write the state failed, and the log said so.
    unwritten: AtomicBool,
    /// Cancelled when nothing more is to be written now and then.
    ending: CancellationToken,
    tasks: TaskTracker,
}

struct State {
    config: Arc<Config>,
    running: HashMap<String, Running>,
    /// None before the start.
    watched: Option<Watched>,
    comparisons: Fleet,
    watchers: Watchers,
    outages: OutageWatchers,
    /// What each target has cost today.
    spending: HashMap<String, Ledger>,
    /// Configurations that were put in force before this one.
    applied: u64,
    /// Nothing is started any more.
    ending: bool,
}

struct Running {
    target: Arc<Target>,
    prober: Arc<Prober>,
    /// Its own schedule.
    driver: JoinHandle<OpenLoop>,
    /// What one of its probes costs at most.
    most: Charge,
}

/// What the switch to another configuration needs.
struct Prepared {
    /// Of every target that begins.
    fresh: Vec<Probing>,
    /// Other GPUs, or the same watched in another way.
    watched: Option<Watched>,
}

/// How a target reaches its server over the network.
#[must_use]
pub fn network(io: IoThreads) -> Dial {
    Box::new(move |target| Transport::network(target, &io))
}

impl Daemon {
    /// Starts probing, with a history of the usual size.
    ///
    /// # Errors
    /// As [`Daemon::start_with`].
    pub fn start(
        config: Config,
        source: Option<PathBuf>,
        metrics: Arc<Metrics>,
        dial: Dial,
    ) -> Result<Arc<Self>, DaemonError> {
        let clock: WallClock = Arc::new(SystemTime::now);
        Self::start_with(clock, Memory::default(), config, source, metrics, dial)
    }

    /// Starts probing, by a wall clock. `source` is the file that a reload reads again, if there is
    /// one.
    ///
    /// # Errors
    /// When a target's transport cannot be made, or the state cannot be read; nothing runs then.
    pub fn start_with(
        clock: WallClock,
        memory: Memory,
        config: Config,
        source: Option<PathBuf>,
        metrics: Arc<Metrics>,
        dial: Dial,
    ) -> Result<Arc<Self>, DaemonError> {
        let saved = config.state_dir.as_deref().map(Store::open).transpose()?;
        Self::start_from(saved, clock, memory, config, source, metrics, dial)
    }

    /// As [`Daemon::start_with`], from what was found in the state folder already.
    ///
    /// # Errors
    /// When a target's transport cannot be made; nothing runs then.
    pub fn start_from(
        mut saved: Option<Saved>,
        clock: WallClock,
        memory: Memory,
        config: Config,
        source: Option<PathBuf>,
        metrics: Arc<Metrics>,
        dial: Dial,
    ) -> Result<Arc<Self>, DaemonError> {
        let Memory { history, recorder } = memory;
        if let Some(recorder) = &recorder {
            metrics.set_flight_losses(recorder.losses());
        }
        let past = saved.as_mut().and_then(|saved| saved.take(CHANGE)).unwrap_or_default();
        let compared = saved.as_mut().and_then(|saved| saved.take(COMPARISONS));
        let outages = saved.as_mut().and_then(|saved| saved.take(OUTAGES)).unwrap_or_default();
        let spent: Budgets = saved.as_mut().and_then(|s| s.take(BUDGETS)).unwrap_or_default();
        let endpoints: Endpoints =
            saved.as_mut().and_then(|s| s.take(ENDPOINTS)).unwrap_or_default();
        if let Some(saved) = &mut saved {
            history.restore(saved.take_history(), &config.targets);
        }
        let seed = config.seed.unwrap_or_else(rand::random);
        tracing::info!(seed, targets = config.targets.len(), "starting to probe");
        let daemon = Self {
            metrics,
            clock: Arc::clone(&clock),
            history: Arc::clone(&history),
            recorder,
            energy: Arc::default(),
            dial,
            source,
            seed,
            reloading: tokio::sync::Mutex::default(),
            state: Mutex::new(State {
                config: Arc::new(config.clone()),
                running: HashMap::new(),
                watched: None,
                comparisons: Fleet::remembering(compared.unwrap_or_default()),
                watchers: Watchers::new(Arc::clone(&clock), history, past),
                outages: OutageWatchers::new(clock, outages),
                spending: spent.into_iter().map(|(t, s)| (t, Ledger::from_spent(s))).collect(),
                applied: 0,
                ending: false,
            }),
            store: Mutex::new(saved.map(Saved::into_store).map(Arc::new)),
            written: Mutex::default(),
            unwritten: AtomicBool::new(false),
            ending: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        daemon.apply(config)?;
        daemon.mark_moved_since(&endpoints);
        daemon.metrics.reload_succeeded(SystemTime::now());
        let daemon = Arc::new(daemon);
        daemon.keep_state();
        Ok(daemon)
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.state().config)
    }

    /// A way of its own to a target's server.
    ///
    /// # Errors
    /// When the transport cannot be made.
    pub fn dial(&self, target: &Target) -> Result<Transport, SetupError> {
        (self.dial)(target)
    }

    /// What is known of a target's past.
    #[must_use]
    pub fn watch(&self, target: &str) -> Option<Arc<Watch>> {
        self.state().watchers.get(target)
    }

    /// Whether a target answers.
    #[must_use]
    pub fn outage(&self, target: &str) -> Option<Arc<OutageWatch>> {
        self.state().outages.get(target)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Reads the configuration file again. Targets that did not change go on undisturbed.
    ///
    /// # Errors
    /// What is wrong with the file; then the old configuration goes on, and a metric says so.
    pub async fn reload(&self) -> Result<(), DaemonError> {
        let _one_at_a_time = self.reloading.lock().await;
        let result = self.read_and_apply().await;
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

    async fn read_and_apply(&self) -> Result<Plan, DaemonError> {
        let path = self.source.clone().ok_or(DaemonError::NoFile)?;
        let config = tokio::task::spawn_blocking(move || Config::load(&path)).await??;
        self.apply(config)
    }

    /// Says what changes, makes everything that can fail, then switches.
    fn apply(&self, config: Config) -> Result<Plan, DaemonError> {
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
            tracing::info!(target_name = %gone.name, "target removed");
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
        let names: HashSet<_> = config.targets.iter().map(|t| t.name.as_str()).collect();
        self.metrics.load(config);
        self.metrics.set_watches(state.watchers.apply(config));
        self.metrics.set_outages(state.outages.apply(config));
        self.history.retain(|name| names.contains(name));
        state.spending.retain(|name, _| names.contains(name.as_str()));
        let others = u32::try_from(fresh.len().saturating_sub(1)).unwrap_or(u32::MAX);
        for probing in fresh {
            self.launch(state, probing, FIRST_APART.saturating_mul(others));
        }
        self.compare(state, config);
        state.applied += 1;
        state.config = Arc::clone(config);
    }

    /// What was measured of a target goes on; where it is another server or model from now on, a
    /// line is drawn.
    fn tell_changed(&self, Changed { before, next, keys }: &Changed<Target>) {
        let moved = before.moved_to(next);
        let (to_another, keys) = (moved.map(Moved::as_str), keys.join(", "));
        tracing::info!(target_name = %next.name, keys, to_another, "target changed");
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

    /// `spread`: as long may its first probe take to begin, within the usual bounds.
    fn launch(&self, state: &mut State, probing: Probing, spread: Duration) {
        let target = Arc::clone(&probing.target);
        let Some(metrics) = self.metrics.target(&target.name) else { return };
        metrics.set_addresses(probing.transport.addresses());
        if target.tls.insecure_skip_verify {
            tracing::warn!(target_name = %target.name, "certificates are not verified");
        }
        // Another seed each time: the same nonces would find their prompts in the prefix cache.
        let seed = seed_of(self.seed, &target.name);
        let seed = seed.wrapping_add(state.applied.wrapping_mul(SEEDS_PER_PROBER));
        let spending = state.spending.entry(target.name.clone()).or_default().clone();
        let admission = Admission::new(Limits::of(&target), spending);
        let (sinks, energy) = (self.sinks(state, &target), Arc::clone(&self.energy));
        let stop = Stop::default();
        let arrivals = stop.arrivals.clone();
        let prober = Prober::new(Arc::new(probing), admission, sinks, energy, stop);
        let prober = Arc::new(prober);
        let first_within = spread.min(FIRST_WITHIN).min(target.schedule.interval);
        let outage = state.outages.get(&target.name);
        let schedule = OpenLoop::new(Arc::clone(&prober), seed, first_within, outage);
        let driver = self.tasks.spawn(Driver::new(schedule, arrivals).run());
        let most = Charge::most_of(&target.workloads);
        state.running.insert(target.name.clone(), Running { target, prober, driver, most });
    }

    /// Ends probing of a target in its own time; nobody waits for it but the tracker.
    fn retire(&self, running: Option<Running>) {
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

    /// Stops every target and waits until all probes have ended or were given up. A reload is
    /// refused from then on.
    pub async fn drain(&self) {
        let running = {
            let mut state = self.state();
            state.ending = true;
            self.forget(state.watched.take());
            state.comparisons.end();
            std::mem::take(&mut state.running)
        };
        for (_, running) in running {
            self.retire(Some(running));
        }
        self.ending.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.save_at_the_end().await;
    }
}

/// Each target's own stream of random numbers, the same for the same seed and name (FNV-1a).
fn seed_of(seed: u64, name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
