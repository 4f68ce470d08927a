//! The bounded folder of flight records: the oldest files make room for new ones.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::record::FlightRecord;
use crate::memory::own_file::{is_link, private};

/// What the names of flight records end with.
const SUFFIX: &str = ".flight.jsonl";
/// A file that is not yet complete.
const UNFINISHED: &str = ".unfinished.flight.tmp";
/// However small they are.
const MAX_FILES: usize = 10_000;
/// Of a target's name in a file's.
const MAX_NAME: usize = 64;

/// The files by name, which begins with the time; so the first is the oldest.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    most: u64,
    files: BTreeMap<String, u64>,
    bytes: u64,
}

impl Folder {
    /// Opens the folder, creates it where it is missing, and makes sure that it can be written to.
    pub fn open(path: &Path, most_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let mut folder =
            Self { path: path.to_owned(), most: most_bytes, files: BTreeMap::new(), bytes: 0 };
        drop(folder.create()?);
        fs::remove_file(path.join(UNFINISHED))?;
        folder.look()?;
        folder.make_room(0)?;
        Ok(folder)
    }

    /// Counts the files anew: somebody may have tidied up.
    pub fn look(&mut self) -> io::Result<()> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(SUFFIX) && entry.file_type()?.is_file() {
                match entry.metadata() {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    metadata => drop(files.insert(name, metadata?.len())),
                }
            }
        }
        self.bytes = files.values().sum();
        self.files = files;
        Ok(())
    }

    /// How many files there are, and their bytes.
    pub fn holds(&self) -> (usize, u64) {
        (self.files.len(), self.bytes)
    }

    /// Writes a record in one step: a reader sees all of it or nothing.
    pub fn write(&mut self, record: &FlightRecord) -> io::Result<()> {
        let text = record.write()?;
        let size = text.len() as u64;
        if size > self.most {
            let problem = format!("one record of {size} bytes is more than the folder may hold");
            return Err(io::Error::new(io::ErrorKind::StorageFull, problem));
        }
        self.make_room(size)?;
        let mut file = self.create()?;
        file.write_all(text.as_bytes())?;
        drop(file);
        let name = name(record);
        fs::rename(self.path.join(UNFINISHED), self.path.join(&name))?;
        self.count(name, size);
        Ok(())
    }

    /// Only the owner may read: the file holds an answer.
    fn create(&self) -> io::Result<File> {
        let path = self.path.join(UNFINISHED);
        let mut options = OpenOptions::new();
        private(options.write(true).create(true).truncate(true));
        match options.open(&path) {
            Err(error) if is_link(&error) => {
                fs::remove_file(&path)?;
                options.open(&path)
            }
            result => result,
        }
    }

    fn count(&mut self, name: String, size: u64) {
        self.bytes = self.bytes - self.files.insert(name, size).unwrap_or(0) + size;
    }

    fn make_room(&mut self, size: u64) -> io::Result<()> {
        while self.bytes + size > self.most || self.files.len() >= MAX_FILES {
            let Some((name, freed)) = self.files.pop_first() else { break };
            self.bytes -= freed;
            match fs::remove_file(self.path.join(&name)) {
                // Somebody else tidied up.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result?,
            }
        }
        Ok(())
    }
}

/// `2026-11-22T11-30-00.123Z_prod_stalled_<id>.flight.jsonl`
fn name(record: &FlightRecord) -> String {
    let nanos = u64::try_from(record.recording.started_unix_nanos).unwrap_or(0);
    let time = humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_nanos(nanos));
    let time = time.to_string().replace(':', "-");
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-.".contains(c) { c } else { '-' };
    let target: String = record.target.chars().take(MAX_NAME).map(safe).collect();
    let outcome = record.outcome.get("outcome").and_then(|o| o.as_str()).unwrap_or("unknown");
    format!("{time}_{target}_{outcome}_{}{SUFFIX}", record.id.as_str())
}
