//! Profiles on disk.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::regression::gate::Profile;

/// Largest profile that is read: a thousand workloads need less.
const MAX_BYTES: u64 = 4 << 20;

/// Reads a profile.
pub(super) fn read(path: &Path) -> Result<Profile, CliError> {
    let refuse = |why: &dyn Display| CliError::Usage(format!("{}:{why}", path.display()));
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
        .map_err(|e| refuse(&format_args!(" cannot read the profile: {e}")))?;
    if text.len() as u64 > MAX_BYTES {
        let most = MAX_BYTES >> 20;
        return Err(refuse(&format_args!(" larger than {most} MiB, expected a release profile")));
    }
    Profile::parse(&text).map_err(|e| refuse(&e))
}

/// Writes a profile in one step: whoever reads the file sees the old one or all of the new one.
pub(super) fn write(path: &Path, profile: &Profile) -> Result<(), CliError> {
    let text = profile.to_json().map_err(CliError::failed)?;
    replace(path, text.as_bytes())
        .map_err(|e| CliError::Failed(format!("cannot write {}: {e}", path.display())))
}

/// Refuses a path at which no profile can be written: before probing, not after.
pub(super) fn check_writable(path: &Path) -> Result<(), CliError> {
    let new = beside(path);
    let made = if path.is_dir() {
        Err(io::ErrorKind::IsADirectory.into())
    } else {
        File::create_new(&new).and_then(|_| std::fs::remove_file(&new))
    };
    made.map_err(|e| {
        CliError::Usage(format!(
            "--save: expected a file that can be written, found {}: {e}",
            path.display()
        ))
    })
}

/// Where the new file grows.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    name.into()
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = &beside(path);
    let mut file = File::create_new(new)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(new, path));
    if written.is_err() {
        let _ = std::fs::remove_file(new); // the first error is the one to tell
    }
    written
}
