//! What the daemon keeps across restarts.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::endpoint::Endpoint;
use super::running::{Budgets, Daemon, Endpoints, IN_ALL, Running, State};
use crate::load::comparer::Live;
use crate::memory::history::{History, Mark, Occasion};
use crate::memory::state::{self, Batch, Cut, Sections, Store, WriteError};
use crate::regression::comparison::Comparison;
use crate::target::budget::{Ahead, Ledger, Spending};
use crate::target::{Budget, Target};
use crate::watcher::Watch;
use crate::workload::Workload;

impl Daemon {
    /// Writes the state now and then, where there is a place for it.
    pub(super) fn keep_state(self: &Arc<Self>) {
        let Some(every) = self.store().map(|store| store.interval()) else {
            tracing::info!("no state_dir: what is learnt of targets is forgotten at the end");
            return;
        };
        let (writing, telling) = (Arc::downgrade(self), Arc::downgrade(self));
        let write = move || writing.upgrade().map_or(Ok(()), |daemon| daemon.save());
        let told = move |result: &Result<(), WriteError>| {
            if let Some(daemon) = telling.upgrade() {
                daemon.saved(result);
            }
        };
        // A budget is spent from the first probe on.
        let config = self.config();
        let mut budgets = config.targets.iter().map(|t| t.budget).chain([config.budget]);
        let limited = budgets.any(|budget| budget != Budget::default());
        let first = if limited { Duration::ZERO } else { every };
        self.tasks.spawn(state::keep(first, every, write, told, self.ending.clone()));
    }

    fn store(&self) -> Option<Arc<Store>> {
        self.store.lock().clone()
    }

    fn save(&self) -> Result<(), WriteError> {
        self.store().map_or(Ok(()), |store| write(&store, self.sections()?, &self.history))
    }

    /// Writes it for the last time, and lets the folder go.
    pub(super) async fn save_at_the_end(&self) {
        let store = self.store.lock().take();
        let Some(store) = store else { return };
        let (sections, history) = (self.sections(), Arc::clone(&self.history));
        let write = move || write(&store, sections?, &history);
        let written = tokio::task::spawn_blocking(write).await;
        self.unwritten.store(false, Ordering::Relaxed); // the last failure is told in any case
        self.saved(&written.unwrap_or_else(|panicked| Err(WriteError::other(panicked))));
    }

    fn sections(&self) -> Result<Sections, WriteError> {
        let every = self.store().map(|store| store.interval()).unwrap_or_default();
        let now = unix_nanos((self.clock)()).cast_unsigned() / 1_000_000;
        let (watches, compared, swept, outages, budgets, endpoints) = {
            let state = self.state();
            let aheads = state.spending.keys().map(|t| ahead(&state, t, now, every));
            let aheads: Vec<_> = aheads.collect();
            let in_all = aheads.iter().copied().fold(Ahead::default(), Ahead::plus);
            let spent_in_all = &state.in_all.money.spending;
            // At the end nothing more will be spent.
            let ends = state.ending && state.running.is_empty();
            let in_all = if ends || state.in_all.money.budget() == Budget::default() {
                spent_in_all.committed()
            } else {
                spent_in_all.lease(in_all)
            };
            let spent = state.spending.iter().zip(aheads);
            let spent = spent.map(|((name, ledger), ahead)| {
                (name.clone(), to_write(ledger, &state, name, ahead))
            });
            let spent = spent.chain([(IN_ALL.to_owned(), in_all)]);
            let targets = state.config.targets.iter();
            let endpoints = targets.map(|t| (t.name.clone(), Endpoint::of(t)));
            let (budgets, endpoints): (Budgets, Endpoints) = (spent.collect(), endpoints.collect());
            let (compared, swept) = (state.comparisons.state(), state.sweeps.state());
            (state.watchers.all(), compared, swept, state.outages.state(), budgets, endpoints)
        };
        let mut sections = Sections::default();
        let mut put = || {
            sections.put_members(state::CHANGE, self.past(&watches)?);
            sections.put(state::COMPARISONS, &compared)?;
            sections.put(state::SWEEPS, &swept)?;
            sections.put(state::OUTAGES, &outages)?;
            sections.put(state::BUDGETS, &budgets)?;
            sections.put(state::ENDPOINTS, &endpoints)
        };
        put().map_err(WriteError::other)?;
        Ok(sections)
    }

    /// What every watch has learnt. Of a large fleet not many have changed in a few seconds.
    fn past(&self, watches: &[Arc<Watch>]) -> Result<Vec<Arc<Cut>>, serde_json::Error> {
        let mut written = self.written.lock();
        let before = std::mem::take(&mut *written);
        let mut cut = Vec::new();
        for watch in watches {
            let (name, edition) = (watch.target(), watch.edition());
            let member = match before.get(name).filter(|(e, _)| *e == edition) {
                Some((_, member)) => Arc::clone(member),
                None => state::member(state::CHANGE, name, &watch.state())?,
            };
            written.insert(name.to_owned(), (edition, Arc::clone(&member)));
            cut.push(member);
        }
        Ok(cut)
    }

    fn saved(&self, result: &Result<(), WriteError>) {
        match result {
            Ok(()) => {
                self.metrics.state_written(SystemTime::now());
                if self.unwritten.swap(false, Ordering::Relaxed) {
                    tracing::info!("the state can be written again");
                }
            }
            Err(WriteError { error, .. }) => {
                self.metrics.state_not_written();
                if self.unwritten.swap(true, Ordering::Relaxed) {
                    tracing::debug!(%error, "the state still cannot be written");
                } else {
                    tracing::error!(%error, "the state cannot be written");
                }
            }
        }
    }

    /// Draws the lines that were not drawn while nothing was running.
    pub(super) fn mark_moved_since(&self, before: &Endpoints) {
        for target in &self.config().targets {
            let known = before.get(&target.name);
            if let Some(moved) = known.and_then(|known| known.moved_to(&Endpoint::of(target))) {
                self.mark(&target.name, Occasion::Moved(moved));
            }
        }
    }

    /// Remembers this moment of a target's past.
    pub(super) fn mark(&self, target: &str, what: Occasion) {
        self.history.mark(target, Mark { unix_nanos: unix_nanos((self.clock)()), what });
    }

    /// Remembers when the comparison's verdict becomes another one, for as long as it is made.
    pub(super) fn follow(&self, live: &Arc<Live>) {
        let (mut rounds, mut verdict) = (live.rounds(), live.snapshot().standing.verdict);
        let (candidate, comparison) =
            (live.spec().candidate.name.clone(), live.spec().name.clone());
        let (live, history) = (Arc::downgrade(live), Arc::clone(&self.history));
        let clock = Arc::clone(&self.clock);
        let following = async move {
            while rounds.changed().await.is_ok() {
                let Some(now) = live.upgrade().map(|live| live.snapshot().standing.verdict) else {
                    return;
                };
                if now != verdict {
                    verdict = now;
                    let verdict = now.as_str().to_owned();
                    let what = Occasion::Verdict { comparison: comparison.clone(), verdict };
                    history.mark(&candidate, Mark { unix_nanos: unix_nanos(clock()), what });
                }
            }
        };
        self.tasks.spawn(self.ending.clone().run_until_cancelled_owned(following));
    }
}

/// What is to be taken for spent after a kill: of a target that has a budget, more than will be spent
/// in the time until the next writing.
fn to_write(ledger: &Ledger, state: &State, target: &str, ahead: Ahead) -> Spending {
    let running = state.running.get(target);
    match running.filter(|running| running.target.budget != Budget::default()) {
        Some(_) => ledger.lease(ahead),
        None => ledger.committed(),
    }
}

/// More than a target will spend in the time from `now` (milliseconds since the Unix epoch) until the
/// next writing.
fn ahead(state: &State, target: &str, now: u64, every: Duration) -> Ahead {
    let Some(Running { target, most, .. }) = state.running.get(target) else {
        return Ahead::default();
    };
    let within = every.saturating_mul(2);
    let probes = probes_in(within, target, &state.config.comparisons);
    Ahead::of(target.price.as_ref(), *most, probes).plus(state.sweeps.ahead(target, now, within))
}

/// The probes of a target in so long, on average, and one for every place.
fn probes_in(time: Duration, target: &Target, comparisons: &[Arc<Comparison>]) -> u64 {
    let asks = |c: &&Arc<Comparison>| [&c.baseline.name, &c.candidate.name].contains(&&target.name);
    let rounds = comparisons.iter().filter(asks).map(|c| c.timing.interval());
    let intervals = rounds.chain([target.schedule.interval]);
    let probes: f64 = intervals.map(|interval| time.div_duration_f64(interval)).sum();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a float saturates
    let probes = probes.ceil() as u64;
    let turns = |w: &Arc<Workload>| w.conversation.map_or(1, |conversation| conversation.turns);
    let turns = target.workloads.iter().map(turns).max().unwrap_or(1);
    probes.saturating_mul(turns.into()).saturating_add(target.max_in_flight as u64)
}

/// All of it or nothing; what the history has new is given back to it where it cannot be written.
fn write(store: &Store, sections: Sections, history: &History) -> Result<(), WriteError> {
    let unsaved = history.take_unsaved();
    let written = store.write(Batch { sections, history: history.rows(&unsaved) });
    if let Err(WriteError { lost, .. }) = &written {
        history.not_saved(unsaved, *lost);
    }
    written
}

fn unix_nanos(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
