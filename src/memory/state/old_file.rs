//! The state as releases before the database wrote it: one JSON file of all sections.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;
use thiserror::Error;

use super::batch::Values;
use super::bounds::STATE_VERSION;
use super::error::StateError;
use crate::memory::own_file::unused;

/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// What the file calls itself.
const FORMAT: &str = "llm-prober state";

const VERSION: u32 = 1;

const FILE: &str = "state.json";
const MIGRATED: &str = "state.json.migrated";
const REFUSED: &str = "state.json.refused";

#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
    detection: u32,
}

#[derive(Deserialize)]
struct Incoming {
    sections: Values,
}

/// Takes over what is in such a file; `None` if there is none, or none that can be read: then it is
/// kept aside and the log says why.
///
/// # Errors
/// The file is there and cannot be read at all.
pub(super) fn take_over(folder: &Path) -> Result<Option<Values>, StateError> {
    let path = folder.join(FILE);
    let bytes = match read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StateError::Read { place: path, error }),
    };
    match parse(&bytes) {
        Ok(sections) => {
            tracing::info!("taking over the state of an earlier release in {}", path.display());
            Ok(Some(sections))
        }
        Err(why) => {
            set_aside(&path, &folder.join(REFUSED), &why.to_string());
            Ok(None)
        }
    }
}

/// Moves the file out of the way, once its sections are in the database.
pub(super) fn taken_over(folder: &Path) {
    let (file, aside) = (folder.join(FILE), folder.join(MIGRATED));
    if let Err(error) = fs::rename(&file, &aside) {
        tracing::warn!(%error, "the state of the earlier release stays in {}", file.display());
    }
}

/// Moves a file that cannot be read out of the way, beside those that were moved there earlier.
pub(super) fn set_aside(file: &Path, aside: &Path, why: &str) {
    let aside = &unused(aside);
    let (shown, kept) = (file.display(), aside.display());
    match fs::rename(file, aside) {
        Ok(()) => tracing::error!("{shown}: {why}; starting anew, the file is kept as {kept}"),
        Err(e) => tracing::error!("{shown}: {why}; starting anew, the file cannot be kept: {e}"),
    }
}

/// At most one byte more than is read.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Why the file of an earlier release is not taken over.
#[derive(Debug, Error)]
enum OldFileError {
    #[error("expected at most {} MiB of state, found more", MAX_BYTES >> 20)]
    TooLarge,
    #[error("expected state as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("expected the format `{FORMAT}`, found another")]
    Format,
    #[error(
        "expected state of version {VERSION}.{STATE_VERSION}, found {version}.{detection}, which \
         another release of this program has written"
    )]
    Version { version: u32, detection: u32 },
}

fn parse(bytes: &[u8]) -> Result<Values, OldFileError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(OldFileError::TooLarge);
    }
    let header: Header = serde_json::from_slice(bytes)?;
    let Header { format, version, detection } = header;
    if format != FORMAT {
        return Err(OldFileError::Format);
    }
    if (version, detection) != (VERSION, STATE_VERSION) {
        return Err(OldFileError::Version { version, detection });
    }
    let incoming: Incoming = serde_json::from_slice(bytes)?;
    Ok(incoming.sections)
}
