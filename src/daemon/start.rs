//! The daemon's beginning and end.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::DaemonError;
use super::running::{Budgets, Daemon, Dial, Endpoints, IN_ALL, Memory, State};
use super::switch::GRACE;
use crate::config::Config;
use crate::load::comparer::Fleet;
use crate::load::{InAll, Servers, sweeps};
use crate::memory::state::{BUDGETS, CHANGE, COMPARISONS, ENDPOINTS, OUTAGES, SWEEPS, Saved};
use crate::metrics::Metrics;
use crate::target::budget::Ledger;
use crate::watcher::{OutageWatchers, WallClock, Watchers};

/// As long as probes under way may go on, and some time to give the last ones up.
const LONGEST_DRAIN: Duration = GRACE.saturating_add(Duration::from_secs(1));

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
        let saved = config.state_dir.as_deref().map(Saved::open).transpose()?;
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
        let swept = saved.as_mut().and_then(|saved| saved.take(SWEEPS)).unwrap_or_default();
        let outages = saved.as_mut().and_then(|saved| saved.take(OUTAGES)).unwrap_or_default();
        let mut spent: Budgets = saved.as_mut().and_then(|s| s.take(BUDGETS)).unwrap_or_default();
        let spent_in_all = spent.remove(IN_ALL).map(Ledger::from_spent).unwrap_or_default();
        let in_all = Arc::new(InAll::new(spent_in_all));
        metrics.set_in_all(Arc::clone(&in_all), Arc::clone(&clock));
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
            dial: Arc::from(dial),
            source,
            seed,
            reloading: tokio::sync::Mutex::default(),
            state: Mutex::new(State {
                config: Arc::new(config.clone()),
                running: HashMap::new(),
                watched: None,
                comparisons: Fleet::remembering(compared.unwrap_or_default()),
                sweeps: sweeps::Fleet::remembering(swept),
                servers: Servers::default(),
                watchers: Watchers::new(Arc::clone(&clock), history, past),
                outages: OutageWatchers::new(clock, outages),
                spending: spent.into_iter().map(|(t, s)| (t, Ledger::from_spent(s))).collect(),
                in_all,
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

    /// Whether it probes: from the start until it is to end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.state().ending
    }

    /// Stops every target and waits until all probes have ended or were given up, but not for what
    /// hangs. A reload is refused from then on.
    pub async fn drain(&self) {
        let running = {
            let mut state = self.state();
            state.ending = true;
            self.forget(state.watched.take());
            state.comparisons.end();
            state.sweeps.end();
            std::mem::take(&mut state.running)
        };
        for (_, running) in running {
            self.retire(Some(running));
        }
        self.ending.cancel();
        self.tasks.close();
        if timeout(LONGEST_DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!("something does not end and is not waited for");
        }
        self.save_at_the_end().await;
    }
}
