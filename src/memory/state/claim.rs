//! A folder that belongs to this process alone.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::bounds::PATIENCE;
use super::error::StateError;
use super::file_system;
use crate::memory::own_file;

/// How often it is looked at whether the other process has gone.
const LOOK: Duration = Duration::from_millis(200);

const LOCK: &str = "state.lock";

/// The folder, locked until this is dropped.
#[derive(Debug)]
pub struct Claim {
    folder: PathBuf,
    /// Held, never written.
    _lock: File,
}

impl Claim {
    /// Takes the folder, which is made if there is none.
    ///
    /// # Errors
    /// The folder cannot be made or used, is on a network, or another process uses it.
    pub fn now(folder: &Path) -> Result<Self, StateError> {
        Self::attempt(folder)?.ok_or_else(|| StateError::Used(folder.to_owned()))
    }

    /// As [`Claim::now`], but waits up to [`PATIENCE`] for another process to let it go. The log says
    /// so.
    ///
    /// # Errors
    /// As [`Claim::now`], after that.
    pub async fn wait(folder: &Path) -> Result<Self, StateError> {
        let started = Instant::now();
        let mut told = false;
        loop {
            if let Some(claim) = Self::attempt(folder)? {
                return Ok(claim);
            }
            if started.elapsed() >= PATIENCE {
                return Err(StateError::UsedForLong(folder.to_owned()));
            }
            if !told {
                let (folder, seconds) = (folder.display(), PATIENCE.as_secs());
                tracing::warn!(
                    "another process uses the state folder {folder}: waiting for its end, at most {seconds} s"
                );
                told = true;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// `None` while another process has it.
    fn attempt(folder: &Path) -> Result<Option<Self>, StateError> {
        let named = || folder.to_owned();
        fs::create_dir_all(folder).map_err(|error| StateError::Make { folder: named(), error })?;
        file_system::check(folder)?;
        let lock = private(&folder.join(LOCK));
        let lock = lock.map_err(|error| StateError::Write { folder: named(), error })?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { folder: named(), _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(StateError::Lock { folder: named(), error }),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Opened for reading and writing, made for nobody else's eyes.
pub(super) fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::PermissionsExt;
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    let file = own_file::private(&mut options).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}
