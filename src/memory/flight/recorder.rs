//! The flight recorder: keeps records of failed or odd probes in a folder, off the measured path.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::folder::Folder;
use super::record::FlightRecord;
use crate::memory::history::entry::Summary;
use crate::memory::history::{Flight, History};
use crate::probe::sink::{Losses, ProbeEvent, Sink, SinkName, TargetSink, TargetStatus};
use crate::target::Target;

/// Probes that wait for the disk; further ones are not kept, and counted.
const QUEUE: usize = 64;

/// How often files that somebody else deleted are noticed.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Which probes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Those that failed.
    Failures,
    /// Those that failed, and successes that were odd.
    Odd,
    /// All.
    All,
}

impl Keep {
    fn takes(self, probe: &Summary) -> bool {
        match self {
            Self::Failures => probe.reason.is_some(),
            Self::Odd => probe.reason.is_some() || probe.odd.is_some(),
            Self::All => true,
        }
    }
}

/// Where and how much.
#[derive(Debug, Clone)]
pub struct RecorderOptions {
    /// The folder; created where it is missing.
    pub dir: PathBuf,
    /// Bytes at most; the oldest files are deleted beyond.
    pub max_bytes: u64,
    /// Which probes.
    pub keep: Keep,
}

/// How the recorder does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecorderStatus {
    /// Records written since the start.
    pub written: u64,
    /// Records that could not be written, or for which there was no time.
    pub lost: u64,
    /// Records in the folder.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
}

/// The entrance to the recorder's queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder {
    keep: Keep,
    queue: mpsc::Sender<Arc<Flight>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    written: AtomicU64,
    lost: Losses,
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Recorder {
    /// Opens the folder and starts to write, until `stop`; what waits then is still written.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn start(
        options: &RecorderOptions,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        let folder = Folder::open(&options.dir, options.max_bytes)?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        let counts = Arc::<Counts>::default();
        counts.note(&folder);
        let writer = Writer {
            folder: Arc::new(Mutex::new(folder)),
            dir: options.dir.clone(),
            counts: Arc::clone(&counts),
            trouble: Trouble::default(),
        };
        tasks.spawn(writer.run(waiting, stop));
        Ok(Self { keep: options.keep, queue, counts })
    }

    /// Hands a finished probe over. Never waits.
    fn offer(&self, flight: Arc<Flight>) {
        if self.queue.try_send(flight).is_err() {
            self.counts.lost.count();
        }
    }

    /// Counts the records that it loses.
    #[must_use]
    pub fn losses(&self) -> Losses {
        self.counts.lost.clone()
    }

    /// A sink that hands over what is to be kept; what is odd is known by `history`, which has to be
    /// told before.
    #[must_use]
    pub fn sink(&self, history: &Arc<History>) -> RecorderSink {
        RecorderSink { recorder: self.clone(), history: Arc::clone(history) }
    }

    /// How it does.
    #[must_use]
    pub fn status(&self) -> RecorderStatus {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { written, lost, files, bytes } = &*self.counts;
        RecorderStatus {
            written: get(written),
            lost: lost.get(),
            files: get(files),
            bytes: get(bytes),
        }
    }
}

/// Brings finished probes to the recorder.
pub struct RecorderSink {
    recorder: Recorder,
    history: Arc<History>,
}

impl Sink for RecorderSink {
    fn name(&self) -> SinkName {
        SinkName::FlightRecorder
    }

    fn open(&self, target: &Arc<Target>) -> Option<Box<dyn TargetSink>> {
        let (recorder, history) = (self.recorder.clone(), Arc::clone(&self.history));
        Some(Box::new(TargetRecorder { recorder, history, target: Arc::clone(target) }))
    }
}

struct TargetRecorder {
    recorder: Recorder,
    history: Arc<History>,
    target: Arc<Target>,
}

impl TargetSink for TargetRecorder {
    fn tell(&self, event: ProbeEvent<'_>, status: TargetStatus) {
        let ProbeEvent::Over(probe) = event else { return };
        if probe.confirming || probe.apart.is_some() || status == TargetStatus::Removed {
            return;
        }
        let known = self.history.find_of(&self.target.name, probe.id.as_str());
        // The history may have a defect.
        let summary = known.map_or_else(
            || Arc::new(Summary::of(&self.target, probe, None)),
            |entry| entry.summary,
        );
        if self.recorder.keep.takes(&summary) {
            self.recorder.offer(Arc::new(Flight::new(&self.target, probe.clone())));
        }
    }
}

impl Counts {
    fn note(&self, folder: &Folder) {
        let (files, bytes) = folder.holds();
        self.files.store(files as u64, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }
}

struct Writer {
    folder: Arc<Mutex<Folder>>,
    dir: PathBuf,
    counts: Arc<Counts>,
    trouble: Trouble,
}

impl Writer {
    async fn run(mut self, mut waiting: mpsc::Receiver<Arc<Flight>>, stop: CancellationToken) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next = tokio::select! {
                biased;
                next = waiting.recv() => next,
                () = stop.cancelled() => None,
                _ = look.tick() => {
                    // A folder that cannot be read is told of by the next record.
                    let _ = self.in_folder(Folder::look).await;
                    continue;
                }
            };
            let Some(flight) = next else { break };
            self.write(flight).await;
        }
    }

    async fn write(&mut self, flight: Arc<Flight>) {
        let write = move |folder: &mut Folder| {
            FlightRecord::of(&flight).map(|record| folder.write(&record)).transpose()
        };
        match self.in_folder(write).await {
            Ok(None) => {}
            Ok(Some(())) => {
                self.counts.written.fetch_add(1, Ordering::Relaxed);
                if let Some(unwritten) = self.trouble.ends() {
                    let dir = self.dir.display();
                    tracing::info!(%dir, unwritten, "flight records are written again");
                }
            }
            Err(error) => {
                self.counts.lost.count();
                if self.trouble.begins(error.kind()) {
                    let dir = self.dir.display();
                    tracing::warn!(%dir, %error, "flight records are not written");
                }
            }
        }
    }

    /// The disk's work, off the threads that begin probes.
    async fn in_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Folder) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (folder, counts) = (Arc::clone(&self.folder), Arc::clone(&self.counts));
        let work = move || {
            let mut folder = folder.lock();
            let result = work(&mut folder);
            counts.note(&folder);
            result
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
            Err(io::Error::other(format!("the writing task ended: {error}")))
        })
    }
}

/// Said once, and again when it is another or over: a full disk would fill the log as well.
#[derive(Default)]
struct Trouble {
    now: Option<io::ErrorKind>,
    unwritten: u64,
}

impl Trouble {
    /// Whether it is news.
    fn begins(&mut self, kind: io::ErrorKind) -> bool {
        self.unwritten += 1;
        self.now.replace(kind) != Some(kind)
    }

    /// How many records it cost, if there was any.
    fn ends(&mut self) -> Option<u64> {
        self.now.take().map(|_| std::mem::take(&mut self.unwritten))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_is_news_once() {
        let mut trouble = Trouble::default();
        assert_eq!(trouble.ends(), None);
        let full = io::ErrorKind::StorageFull;
        assert_eq!([(); 3].map(|()| trouble.begins(full)), [true, false, false]);
        assert!(trouble.begins(io::ErrorKind::PermissionDenied));
        assert_eq!((trouble.ends(), trouble.ends()), (Some(4), None));
        assert!(trouble.begins(full));
        assert_eq!(trouble.ends(), Some(1));
    }
}
