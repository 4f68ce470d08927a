//! The running daemon, and all that it holds.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::endpoint::Endpoint;
use crate::config::{Config, ConfigError};
use crate::gpu::{EnergyMeter, Gpus};
use crate::load::comparer::Fleet;
use crate::load::sweeps::{self, SharedDial};
use crate::load::{InAll, OpenLoop, Prober, Servers};
use crate::memory::flight::{Recorder, RecorderStatus};
use crate::memory::history::History;
use crate::memory::state::{Cut, Store};
use crate::metrics::Metrics;
use crate::target::Target;
use crate::target::budget::{Charge, Ledger, Spending};
use crate::transport::{IoThreads, SetupError, Transport};
use crate::watcher::{OutageWatch, OutageWatchers, WallClock, Watch, Watchers};

/// What the probes of the past are kept in.
#[derive(Debug, Default)]
pub struct Memory {
    /// The recent past.
    pub history: Arc<History>,
    /// Records on disk, if there are to be any.
    pub recorder: Option<Recorder>,
}

/// How a target's server is reached; tests put a simulator behind a pipe here.
pub type Dial = Box<dyn Fn(&Target) -> Result<Transport, SetupError> + Send + Sync>;

/// The running daemon.
pub struct Daemon {
    /// Everything measured.
    pub metrics: Arc<Metrics>,
    /// The recent past.
    pub history: Arc<History>,
    pub(super) recorder: Option<Recorder>,
    pub(super) energy: Arc<EnergyMeter>,
    pub(super) clock: WallClock,
    pub(super) dial: SharedDial,
    pub(super) source: Option<PathBuf>,
    pub(super) seed: u64,
    /// Serialises reloads. Holds a reading of the file that hung.
    pub(super) reloading: tokio::sync::Mutex<Option<Unread>>,
    pub(super) state: Mutex<State>,
    /// Where state is kept; let go at the end.
    pub(super) store: Mutex<Option<Arc<Store>>>,
    /// Of each watch what was written of it last, for as long as it has not changed.
    pub(super) written: Mutex<Written>,
    /// The last attempt to write the state failed, and the log said so.
    pub(super) unwritten: AtomicBool,
    /// Cancelled when nothing more is to be written now and then.
    pub(super) ending: CancellationToken,
    pub(super) tasks: TaskTracker,
}

pub(super) struct State {
    pub(super) config: Arc<Config>,
    pub(super) running: HashMap<String, Running>,
    /// None before the start.
    pub(super) watched: Option<Watched>,
    pub(super) comparisons: Fleet,
    pub(super) sweeps: sweeps::Fleet,
    /// Of all targets, running or not.
    pub(super) servers: Servers,
    pub(super) watchers: Watchers,
    pub(super) outages: OutageWatchers,
    /// What each target has cost today.
    pub(super) spending: HashMap<String, Ledger>,
    /// What all of them share.
    pub(super) in_all: Arc<InAll>,
    /// Configurations that were put in force before this one.
    pub(super) applied: u64,
    /// Nothing is started any more.
    pub(super) ending: bool,
}

pub(super) struct Running {
    pub(super) target: Arc<Target>,
    pub(super) prober: Arc<Prober>,
    /// Its own schedule.
    pub(super) driver: JoinHandle<Box<OpenLoop>>,
    /// What one of its probes costs at most.
    pub(super) most: Charge,
}

/// A configuration that is being read.
pub(super) type Unread = JoinHandle<Result<Config, ConfigError>>;

/// How a target reaches its server over the network.
#[must_use]
pub fn network(io: IoThreads) -> Dial {
    Box::new(move |target| Transport::network(target, &io))
}

/// The GPUs that are watched, if any are to be.
pub(super) struct Watched {
    pub gpus: Option<Arc<Gpus>>,
}

/// Of each watch its edition, and what is written of it.
pub(super) type Written = HashMap<String, (u64, Arc<Cut>)>;

/// What each target has spent today, and under [`IN_ALL`] all of them together.
pub(super) type Budgets = BTreeMap<String, Spending>;

/// No target has this name.
pub(super) const IN_ALL: &str = "";

/// What each target was.
pub(super) type Endpoints = BTreeMap<String, Endpoint>;

impl Daemon {
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

    /// Skips every new probe, or no longer: there is no memory for one.
    pub fn skip_probes(&self, skip: bool) {
        self.state().in_all.set_short_of_memory(skip);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// How the flight recorder does, if there is one.
    #[must_use]
    pub fn recorder(&self) -> Option<RecorderStatus> {
        self.recorder.as_ref().map(Recorder::status)
    }

    /// What measures the energy of probes.
    #[must_use]
    pub fn energy(&self) -> &Arc<EnergyMeter> {
        &self.energy
    }
}
