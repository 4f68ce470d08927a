//! The file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Saved, Sections};
use crate::detect::STATE_VERSION;

/// Largest file that is written or read, in bytes.
pub const MAX_BYTES: u64 = 256 << 20;

/// What the file calls itself.
const FORMAT: &str = "llm-prober state";

/// Version of the whole; that of what detectors write is beside it.
const VERSION: u32 = 1;

const FILE: &str = "state.json";
const NEW: &str = "state.json.new";
const LOCK: &str = "state.lock";
const REFUSED: &str = "state.json.refused";

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    detection: u32,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    #[serde(flatten)]
    header: Header,
    sections: &'a std::collections::BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Incoming {
    sections: std::collections::BTreeMap<String, serde_json::Value>,
}

/// A folder that belongs to this process alone.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Held, never written.
    _lock: File,
}

impl Store {
    /// Takes the folder, which is made if there is none, and reads what is in it. A file that is
    /// damaged or of another version is kept aside.
    ///
    /// # Errors
    /// The folder cannot be made or used, or another process uses it.
    pub fn open(folder: &Path) -> Result<Saved, String> {
        let fail = |what: &str, e: io::Error| format!("{what} `{}`: {e}", folder.display());
        fs::create_dir_all(folder).map_err(|e| fail("cannot make the state folder", e))?;
        let lock = private(&folder.join(LOCK));
        let lock = lock.map_err(|e| fail("cannot write to the state folder", e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let folder = folder.display();
                return Err(format!("the state folder `{folder}` is used by another process"));
            }
            Err(TryLockError::Error(e)) => return Err(fail("cannot lock the state folder", e)),
        }
        let store = Self { folder: folder.to_owned(), _lock: lock };
        let bytes = match read(&store.path()) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                tracing::info!(folder = %folder.display(), "no state yet");
                return Ok(Saved::new(store, Sections::default()));
            }
            Err(e) => return Err(fail("cannot read the state in", e)),
        };
        let sections = parse(&bytes).unwrap_or_else(|why| {
            store.refuse(&why);
            Sections::default()
        });
        Ok(Saved::new(store, sections))
    }

    fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// Keeps a copy of the file aside, in the place of an earlier one.
    pub(super) fn refuse(&self, why: &str) {
        let (file, aside) = (self.path(), self.folder.join(REFUSED));
        let (shown, kept) = (file.display(), aside.display());
        match fs::copy(&file, &aside) {
            Ok(_) => tracing::error!("{shown}: {why}; starting anew, the file is kept as {kept}"),
            Err(e) => {
                tracing::error!("{shown}: {why}; starting anew, the file cannot be kept: {e}");
            }
        }
    }

    /// Replaces the file at once: whoever reads it sees the old one or the new one, whole, also
    /// after a power failure.
    ///
    /// # Errors
    /// What the file system says, or that the state has become too large; the old file stays.
    pub fn write(&self, sections: &Sections) -> io::Result<()> {
        let header =
            Header { format: FORMAT.to_owned(), version: VERSION, detection: STATE_VERSION };
        let bytes = serde_json::to_vec(&Outgoing { header, sections: &sections.0 })?;
        if bytes.len() as u64 > MAX_BYTES {
            let why =
                format!("{} MiB of state, at most {} are kept", bytes.len() >> 20, MAX_BYTES >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        let new = self.folder.join(NEW);
        let replaced = write_out(&new, &bytes).and_then(|()| fs::rename(&new, self.path()));
        if replaced.is_err() {
            let _ = fs::remove_file(&new); // half of it would fill a disk that is full already
        }
        replaced?;
        File::open(&self.folder)?.sync_all()
    }
}

fn write_out(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private(path)?;
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Opened for writing, made for nobody else's eyes.
fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

/// At most one byte more than is kept.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse(bytes: &[u8]) -> Result<Sections, String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("expected at most {} MiB of state, found more", MAX_BYTES >> 20));
    }
    let damaged = |e: serde_json::Error| format!("expected state as JSON: {e}");
    let header: Header = serde_json::from_slice(bytes).map_err(damaged)?;
    let Header { format, version, detection } = header;
    if format != FORMAT {
        return Err(format!("expected the format `{FORMAT}`, found another"));
    }
    if (version, detection) != (VERSION, STATE_VERSION) {
        return Err(format!(
            "expected state of version {VERSION}.{STATE_VERSION}, found {version}.{detection}, \
             which another release of this program has written"
        ));
    }
    let incoming: Incoming = serde_json::from_slice(bytes).map_err(damaged)?;
    Ok(Sections(incoming.sections))
}
