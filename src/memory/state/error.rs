//! Why there is no state.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::bounds::{PATIENCE, SCHEMA, STATE_VERSION};

/// Why a folder cannot be used, or what is in it.
#[derive(Debug, Error)]
pub enum StateError {
    /// There is none, and it cannot be made.
    #[error("cannot make the state folder `{}`: {error}", folder.display())]
    Make {
        /// Which.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Nothing can be written there.
    #[error("cannot write to the state folder `{}`: {error}", folder.display())]
    Write {
        /// Which.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It cannot be locked.
    #[error("cannot lock the state folder `{}`: {error}", folder.display())]
    Lock {
        /// Which.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// What it is on cannot be told.
    #[error("cannot tell the file system of the state folder `{}`: {error}", folder.display())]
    FileSystem {
        /// Which.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It is on another machine.
    #[error(
        "the state folder `{}` is on a network file system ({kind}), where neither locks nor \
         flushes can be relied on; expected change_detection.state_dir on a disk of this machine",
        folder.display()
    )]
    Network {
        /// Which.
        folder: PathBuf,
        /// The kernel's name of the file system.
        kind: String,
    },
    /// Another process has it.
    #[error("the state folder `{}` is used by another process", .0.display())]
    Used(PathBuf),
    /// Another process still has it after [`PATIENCE`].
    #[error(
        "the state folder `{}` is used by another process, for {} s already",
        .0.display(),
        PATIENCE.as_secs()
    )]
    UsedForLong(PathBuf),
    /// A file cannot be read.
    #[error("cannot read the state in `{}`: {error}", place.display())]
    Read {
        /// The folder, or the file of an earlier release.
        place: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// What is there is damaged, and no new file could take its place.
    #[error("no state in `{}`: {why}", folder.display())]
    Damaged {
        /// Where.
        folder: PathBuf,
        /// What was found.
        why: String,
    },
    /// A newer release has written it.
    #[error(
        "a newer release has written the state in `{}` (version {schema}.{detection}), expected at \
         most {SCHEMA}.{STATE_VERSION}: start that release, or name another \
         change_detection.state_dir",
        folder.display()
    )]
    Newer {
        /// Where.
        folder: PathBuf,
        /// Version of the tables.
        schema: u64,
        /// Version of what detectors write.
        detection: u64,
    },
    /// There is no thread to write on.
    #[error("no thread: {0}")]
    Thread(io::Error),
}

/// Why a batch was not written.
#[derive(Debug)]
pub struct WriteError {
    /// What the file system says, or that the state has become too large.
    pub error: io::Error,
    /// What was written earlier is not there any more, either: the whole history is to be written
    /// next time.
    pub lost: bool,
}

impl WriteError {
    /// One of the writer itself; what was written earlier is there.
    #[must_use]
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { error: io::Error::other(error), lost: false }
    }
}
