//! The one writer, on a thread of its own: a disk that hangs holds up nothing else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::batch::{Batch, Values};
use super::bounds::{INTERVAL, SCHEMA, STATE_VERSION};
use super::claim::Claim;
use super::database::{self, Database, FILE, Known, OpenError};
use super::error::{StateError, WriteError};
use super::json_rows;
use super::old_file::{self, set_aside};
use crate::memory::own_file::unused;

/// Most that sections may take, in bytes.
const MAX_BYTES: usize = 256 << 20;

const REFUSED: &str = "state.redb.refused";

/// Keys and values, in the order of the keys.
pub(super) type HistoryRows = Vec<(Vec<u8>, Vec<u8>)>;

struct Order {
    batch: Batch,
    done: SyncSender<Result<(), WriteError>>,
}

/// A folder that belongs to this process alone, and its writer. Dropped, it waits for the end of
/// what is being written.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    orders: Option<SyncSender<Order>>,
    writer: Option<JoinHandle<()>>,
    /// How often it is to be written.
    pub(super) every: Duration,
}

/// Lives on the writer's thread.
struct Writer {
    claim: Claim,
    /// `None` after a failure: it is opened anew.
    database: Option<Database>,
    known: Known,
    /// Something was written that must be there when the file is opened anew.
    written: bool,
    /// The file of an earlier release, which is moved away once all is written.
    old_file: bool,
}

impl Store {
    /// The writer of a folder, and what it found there: sections, and rows of the history.
    pub(super) fn open(claim: Claim) -> Result<(Self, Values, HistoryRows), StateError> {
        let folder = claim.folder().to_owned();
        let (database, content) = read_or_set_aside(&folder)?;
        let mut refused = Vec::new();
        let mut sections = Values::new();
        let mut old_file = false;
        match content.versions {
            None => {
                if let Some(found) = old_file::take_over(&folder)? {
                    (sections, old_file) = (found, true);
                } else {
                    tracing::info!(folder = %folder.display(), "no state yet");
                }
            }
            Some((schema, detection)) => {
                let newer = schema > SCHEMA || detection > u64::from(STATE_VERSION);
                if newer {
                    return Err(StateError::Newer { folder, schema, detection });
                }
                for (name, rows) in &content.sections {
                    match json_rows::join(rows) {
                        Ok(value) => drop(value.map(|v| sections.insert(name.clone(), v))),
                        Err(why) => refused.push(format!("section `{name}`: {why}")),
                    }
                }
            }
        }
        let (known, written) = (content.known(), content.versions.is_some());
        let writer = Writer { claim, database: Some(database), known, written, old_file };
        let store = Self::start(folder, writer).map_err(StateError::Thread)?;
        for why in &refused {
            store.refuse(why);
        }
        Ok((store, sections, content.history))
    }

    fn start(folder: PathBuf, writer: Writer) -> io::Result<Self> {
        let (orders, taken) = sync_channel(1);
        let thread = std::thread::Builder::new().name("state".to_owned());
        let writer = thread.spawn(move || writer.run(&taken))?;
        Ok(Self { folder, orders: Some(orders), writer: Some(writer), every: INTERVAL })
    }

    /// How often it is to be written.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.every
    }

    /// Keeps a copy of the file aside, beside earlier ones.
    pub(super) fn refuse(&self, why: &str) {
        let (file, aside) = (self.folder.join(FILE), unused(&self.folder.join(REFUSED)));
        let (shown, kept) = (file.display(), aside.display());
        match fs::copy(&file, &aside) {
            Ok(_) => {
                tracing::error!("{shown}: {why}; that starts anew, a copy is kept as {kept}");
            }
            Err(e) => tracing::error!("{shown}: {why}; that starts anew, no copy is kept: {e}"),
        }
    }

    /// Writes a batch: all of it is there for good when this returns, or nothing of it. Blocks.
    ///
    /// # Errors
    /// See [`WriteError`]; the next attempt opens the file anew.
    pub fn write(&self, batch: Batch) -> Result<(), WriteError> {
        let gone = || WriteError::other("the writer has ended");
        let (done, result) = sync_channel(1);
        let orders = self.orders.as_ref().ok_or_else(gone)?;
        orders.send(Order { batch, done }).map_err(|_| gone())?;
        result.recv().map_err(|_| gone())?
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join(); // its panic was reported where it happened
        }
    }
}

/// Opens the file and reads it; one that cannot be read makes way for a new one.
fn read_or_set_aside(folder: &Path) -> Result<(Database, database::Content), StateError> {
    let attempt = || {
        let mut database = Database::open(folder)?;
        let content = database.read()?;
        if content.versions.is_some()
            && let Err(error) = database.compact()
        {
            tracing::warn!(%error, "the state is not compacted");
            database = Database::open(folder)?;
        }
        Ok((database, content))
    };
    let first = attempt();
    let second = match first {
        Err(OpenError::Damaged(why)) => {
            set_aside(&folder.join(FILE), &folder.join(REFUSED), &why);
            attempt()
        }
        other => other,
    };
    second.map_err(|error| match error {
        OpenError::Io(error) => StateError::Read { place: folder.to_owned(), error },
        OpenError::Damaged(why) => StateError::Damaged { folder: folder.to_owned(), why },
    })
}

impl Writer {
    fn run(mut self, orders: &Receiver<Order>) {
        while let Ok(Order { batch, done }) = orders.recv() {
            let _ = done.send(self.write(&batch)); // who ordered it may be gone
        }
        // The file is closed before the folder is let go.
        drop(self.database.take());
    }

    fn write(&mut self, batch: &Batch) -> Result<(), WriteError> {
        let kept = |error| WriteError { error, lost: false };
        let bytes: usize = batch.sections.rows().map(|row| row.bytes.len()).sum();
        if bytes > MAX_BYTES {
            let why = format!("{} MiB of state, at most {} are kept", bytes >> 20, MAX_BYTES >> 20);
            return Err(kept(io::Error::new(io::ErrorKind::FileTooLarge, why)));
        }
        if self.database.as_ref().is_none_or(|database| !database.is_in_place()) {
            self.reopen()?;
        }
        let Some(database) = &self.database else { return Ok(()) };
        match database.commit(&batch.sections, &batch.history, &mut self.known) {
            Ok(()) => self.written = true,
            Err(error) => {
                // Whether it was written after all is seen when it is opened anew.
                self.database = None;
                return Err(kept(error));
            }
        }
        if std::mem::take(&mut self.old_file) {
            old_file::taken_over(self.claim.folder());
        }
        Ok(())
    }

    /// The library goes no further after an error of the file system, and neither does anybody know
    /// what of the last commit is there.
    fn reopen(&mut self) -> Result<(), WriteError> {
        self.database = None;
        let opened = Database::open(self.claim.folder())
            .and_then(|database| database.read().map(|content| (database, content)));
        match opened {
            Ok((database, content)) => {
                let lost = content.versions.is_none() && self.written;
                self.written &= !lost;
                self.known = content.known();
                self.database = Some(database);
                if lost {
                    let error = io::Error::other("the state file was not there any more");
                    return Err(WriteError { error, lost });
                }
                Ok(())
            }
            Err(OpenError::Io(error)) => Err(WriteError { error, lost: false }),
            Err(OpenError::Damaged(why)) => {
                let folder = self.claim.folder();
                set_aside(&folder.join(FILE), &folder.join(REFUSED), &why);
                (self.known, self.written) = (Known::new(), false);
                Err(WriteError { error: io::Error::other(why), lost: true })
            }
        }
    }
}
