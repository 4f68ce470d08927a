//! One thread per GPU: a GPU that hangs or is lost holds up no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, SystemTime};

use nvml_wrapper::{Device, Nvml};
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::events::{Events, Listening};
use super::failure::Lost;
use super::state::{Facts, GpuState, Reading};
use super::xid::XidLog;
use super::{facts, processes, read};

/// Jobs that wait, at most; more are of no use to a thread that is held up.
const QUEUE: usize = 32;
/// How often error events are taken while nobody asks for anything.
const EVENTS: Duration = Duration::from_millis(500);
/// A question that is open for longer counts as not answered.
pub(super) const OVERDUE: Duration = Duration::from_secs(2);

/// Good looks in a row after which a GPU that was lost counts as recovered in the log: a broken one
/// may answer every second time.
const RECOVERED: u32 = 3;

enum Job {
    Look,
    Energy(oneshot::Sender<Option<f64>>),
}

/// A GPU's thread, seen from outside. The thread ends when this is dropped.
#[derive(Debug)]
pub(super) struct Worker {
    jobs: SyncSender<Job>,
    /// The number of the newest request.
    asked: Arc<AtomicU64>,
    seen: watch::Receiver<Arc<GpuState>>,
    /// Since when a request is open.
    open_since: Mutex<Option<Instant>>,
    /// Whether it was said that the driver hangs.
    said_hangs: AtomicBool,
}

impl Worker {
    /// Starts the thread; it takes a first look by itself.
    pub fn start(
        nvml: &Arc<Nvml>,
        index: u32,
        driver_version: Option<Arc<str>>,
        with_processes: bool,
        threads: &TaskTracker,
    ) -> std::io::Result<Self> {
        let (jobs, todo) = sync_channel(QUEUE);
        let unseen = GpuState { driver_version, ..GpuState::unseen(index) };
        let (publish, seen) = watch::channel(Arc::new(unseen));
        let asked = Arc::new(AtomicU64::new(0));
        let (nvml, asked_inside) = (Arc::clone(nvml), Arc::clone(&asked));
        let running = threads.token();
        let thread = std::thread::Builder::new().name(format!("gpu-{index}"));
        thread.spawn(move || {
            Watcher::new(&nvml, asked_inside, with_processes, publish).run(&todo);
            drop(running);
        })?;
        let (open_since, said_hangs) = (Mutex::default(), AtomicBool::new(false));
        let worker = Self { jobs, asked, seen, open_since, said_hangs };
        worker.ask();
        Ok(worker)
    }

    /// What was seen last.
    pub fn seen(&self) -> Arc<GpuState> {
        Arc::clone(&self.seen.borrow())
    }

    /// Whether a request has been open for too long: the driver hangs.
    pub fn overdue(&self) -> bool {
        let since = self.open_since.lock();
        let open = self.seen.borrow().answers < self.asked.load(Ordering::Acquire);
        open && since.is_some_and(|since| since.elapsed() > OVERDUE)
    }

    /// As [`Worker::overdue`]; says once when it begins, and once when it is over.
    pub fn hangs(&self) -> bool {
        let (hangs, gpu) = (self.overdue(), self.seen.borrow().index);
        if hangs != self.said_hangs.swap(hangs, Ordering::AcqRel) {
            if hangs {
                tracing::warn!(gpu, "the driver hangs: a GPU's values stay as they were");
            } else {
                tracing::info!(gpu, "the driver hangs no more: a GPU's values are new again");
            }
        }
        hangs
    }

    /// Asks for a look; returns the number of the request.
    pub fn ask(&self) -> u64 {
        let mut since = self.open_since.lock();
        let before = self.asked.fetch_add(1, Ordering::AcqRel);
        if self.seen.borrow().answers >= before {
            *since = Some(Instant::now());
        }
        // A full queue holds a request to look already.
        if let Err(TrySendError::Disconnected(_)) = self.jobs.try_send(Job::Look) {
            tracing::debug!("a GPU's thread is gone");
        }
        before + 1
    }

    /// Resolves when a request was answered; never if the driver hangs.
    pub async fn answered(&self, number: u64) {
        let mut seen = self.seen.clone();
        if seen.wait_for(|state| state.answers >= number).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Joules since the driver was loaded; never resolves if the driver hangs.
    pub async fn energy(&self) -> Option<f64> {
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send(Job::Energy(reply)).ok()?;
        answer.await.ok().flatten()
    }
}

/// The thread's own side.
struct Watcher<'n> {
    nvml: &'n Nvml,
    asked: Arc<AtomicU64>,
    with_processes: bool,
    publish: watch::Sender<Arc<GpuState>>,
    state: GpuState,
    /// `None`: to be read.
    facts: Option<Arc<Facts>>,
    events: Option<Events<'n>>,
    /// Whether events were asked for since the GPU last answered again.
    listened: bool,
    /// Whether it was said that the GPU does not answer.
    said_lost: bool,
    /// Looks since one failed.
    good_in_a_row: u32,
}

impl<'n> Watcher<'n> {
    fn new(
        nvml: &'n Nvml,
        asked: Arc<AtomicU64>,
        with_processes: bool,
        publish: watch::Sender<Arc<GpuState>>,
    ) -> Self {
        let state = GpuState::clone(&publish.borrow());
        Self {
            nvml,
            asked,
            with_processes,
            publish,
            state,
            facts: None,
            events: None,
            listened: false,
            said_lost: false,
            good_in_a_row: 0,
        }
    }

    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(EVENTS) {
                Ok(Job::Look) => self.look(),
                // Nobody waits any more: too late is as good as never.
                Ok(Job::Energy(reply)) if reply.is_closed() => {}
                Ok(Job::Energy(reply)) => drop(reply.send(self.energy())),
                Err(RecvTimeoutError::Timeout) => self.take_events(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take_events(&mut self) {
        if let (Some(events), Some(log)) = (&self.events, &mut self.state.xids)
            && events.drain(log) == Listening::Never
        {
            (self.events, self.state.xids) = (None, None);
        }
    }

    /// By index each time: it is cheap, and finds a GPU that came back.
    fn device(&self) -> Result<Device<'n>, Lost> {
        self.nvml.device_by_index(self.state.index).map_err(Lost)
    }

    fn energy(&self) -> Option<f64> {
        self.device().and_then(|device| read::energy(&device)).ok().flatten()
    }

    fn look(&mut self) {
        let wanted = self.asked.load(Ordering::Acquire);
        if wanted <= self.state.answers {
            return; // answered by the look before
        }
        let began = Instant::now();
        let result = self.read();
        self.note(result.as_ref().err());
        self.take_events();
        self.state.success = result.as_ref().is_ok_and(|r| *r != Reading::default());
        self.state.reading = Arc::new(result.unwrap_or_default());
        self.state.at = SystemTime::now();
        self.state.took = began.elapsed();
        self.state.answers = wanted;
        self.publish.send_replace(Arc::new(self.state.clone()));
    }

    fn read(&mut self) -> Result<Reading, Lost> {
        let device = self.device()?;
        self.identify(&device)?;
        if !self.listened
            && let Ok(events) = Events::listen(self.nvml, &device)
        {
            self.listened = true;
            self.events = events;
        }
        if self.events.is_some() {
            self.state.xids.get_or_insert_with(XidLog::default);
        }
        let mut reading = read::read(&device)?;
        if self.with_processes {
            reading.processes = processes::read(&device)?;
        }
        Ok(reading)
    }

    /// Reads the facts where they are not those of this GPU: they are asked for anew after it was
    /// lost, and another GPU may have moved to this index.
    fn identify(&mut self, device: &Device<'_>) -> Result<(), Lost> {
        let uuid = facts::uuid(device)?;
        let same = |facts: &Facts| uuid.is_none() || facts.uuid == uuid;
        if self.facts.as_deref().is_some_and(same) {
            return Ok(());
        }
        let facts = Arc::new(facts::read(device)?);
        let before = std::mem::replace(&mut self.state.facts, Arc::clone(&facts));
        if let (Some(old), Some(uuid)) = (&before.uuid, &facts.uuid)
            && old != uuid
        {
            tracing::info!(gpu = self.state.index, uuid, "another GPU is at this index now");
            (self.events, self.listened, self.state.xids) = (None, false, None);
        }
        self.facts = Some(facts);
        Ok(())
    }

    /// Says once that a GPU was lost, and once that it is back; then everything about it is asked
    /// for anew.
    fn note(&mut self, lost: Option<&Lost>) {
        let gpu = self.state.index;
        let Some(Lost(error)) = lost else {
            self.good_in_a_row = self.good_in_a_row.saturating_add(1);
            if self.said_lost && self.good_in_a_row >= RECOVERED {
                self.said_lost = false;
                tracing::info!(gpu, "the GPU answers again");
            }
            return;
        };
        if !self.said_lost {
            tracing::warn!(gpu, %error, "a GPU does not answer");
        }
        (self.said_lost, self.good_in_a_row) = (true, 0);
        (self.facts, self.listened) = (None, false);
    }
}
