//! The file: a redb database of two tables, and the version of what is in them.
//!
//! `redb`, and not `SQLite`: Rust alone, one file without a journal beside it, and a commit that is
//! there whole or not at all. Commits are in two phases: a file that was cut off in the middle of
//! one needs no guess by checksum which half is valid.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{
    Builder, Database as Redb, DatabaseError, ReadableDatabase, ReadableTable, StorageError,
    TableDefinition, TableError,
};

use super::batch::{Rows, Sections};
use super::bounds::{SCHEMA, STATE_VERSION};
use super::claim::private;
use super::json_rows;

pub(super) const FILE: &str = "state.redb";

/// By name: `schema` and `detection`. Without them nothing was ever committed.
const VERSIONS: TableDefinition<'_, &str, u64> = TableDefinition::new("versions");
/// By path: the sections, cut into rows.
const SECTIONS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("sections");
/// The history's own keys and values.
const HISTORY: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("history");

/// Pages that are kept in memory, in bytes: a commit touches few.
const CACHE: usize = 16 << 20;

/// Why a file is of no use.
#[derive(Debug)]
pub(super) enum OpenError {
    /// It is none of ours, or damaged.
    Damaged(String),
    /// Whatever is wrong, it is not the content.
    Io(io::Error),
}

/// An open file.
#[derive(Debug)]
pub(super) struct Database {
    redb: Redb,
    path: PathBuf,
    inode: u64,
}

/// What is in it.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Schema and version of what detectors write; `None` before the first commit.
    pub versions: Option<(u64, u64)>,
    pub sections: BTreeMap<String, json_rows::Rows>,
    pub history: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Of each row in the file a hash, to write only what has changed. Of this process alone.
pub(super) type Known = HashMap<String, u64>;

impl Database {
    /// Opens the file, which is made if there is none, and repairs it after a kill.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join(FILE);
        let file = private(&path).map_err(OpenError::Io)?;
        let inode = file.metadata().map_err(OpenError::Io)?.ino();
        let opened = unless_panics(|| {
            let backend = FileBackend::new(file).map_err(unusable)?;
            let mut builder = Builder::new();
            // It is small, and a flipped bit shall be noticed now and not in the middle of the night.
            builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
            builder.create_with_backend(backend).map_err(unusable)
        });
        Ok(Self { redb: opened?, path, inode })
    }

    /// Gives what is free back to the file system, as far as that can be done.
    pub fn compact(&mut self) -> io::Result<()> {
        self.redb.compact().map(drop).map_err(|e| io::Error::other(e.to_string()))
    }

    /// Reads everything.
    pub fn read(&self) -> Result<Content, OpenError> {
        unless_panics(|| self.read_all().map_err(storage))
    }

    fn read_all(&self) -> Result<Content, StorageError> {
        let read = self.redb.begin_read().map_err(|e| in_storage(redb::Error::from(e)))?;
        let mut content = Content::default();
        if let Some(table) = present(read.open_table(VERSIONS))? {
            let version = |name| Ok::<_, StorageError>(table.get(name)?.map(|v| v.value()));
            content.versions = version("schema")?.zip(version("detection")?);
        }
        if let Some(table) = present(read.open_table(SECTIONS))? {
            for row in table.iter()? {
                let (path, value) = row?;
                let path = path.value();
                let name = path.split('/').next().unwrap_or_default().to_owned();
                let rows = content.sections.entry(name).or_default();
                rows.insert(path.to_owned(), value.value().to_vec());
            }
        }
        if let Some(table) = present(read.open_table(HISTORY))? {
            for row in table.iter()? {
                let (key, value) = row?;
                content.history.push((key.value().to_vec(), value.value().to_vec()));
            }
        }
        Ok(content)
    }

    /// Whether the file is still where it was opened.
    pub fn is_in_place(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|file| file.ino() == self.inode)
    }

    /// Makes it so, all at once and for good: these sections and no others, and the history with
    /// these changes. What is known of the file follows.
    pub fn commit(&self, sections: &Sections, history: &Rows, known: &mut Known) -> io::Result<()> {
        let work = || self.try_commit(sections, history, known);
        let committed = catch_unwind(AssertUnwindSafe(work));
        match committed {
            Ok(result) => result.map_err(|error| match error {
                redb::Error::Io(error) => error,
                error => io::Error::other(error.to_string()),
            }),
            Err(_) => Err(io::Error::other("the database panicked")),
        }
    }

    fn try_commit(
        &self,
        sections: &Sections,
        history: &Rows,
        known: &mut Known,
    ) -> Result<(), redb::Error> {
        let there: HashSet<&str> = sections.rows().map(|row| row.path.as_str()).collect();
        let gone: Vec<String> =
            known.keys().filter(|path| !there.contains(path.as_str())).cloned().collect();
        let mut changed = Vec::new();
        let mut write = self.redb.begin_write()?;
        write.set_two_phase_commit(true);
        {
            let mut versions = write.open_table(VERSIONS)?;
            versions.insert("schema", SCHEMA)?;
            versions.insert("detection", u64::from(STATE_VERSION))?;
            let mut table = write.open_table(SECTIONS)?;
            for row in sections.rows().filter(|row| known.get(&row.path) != Some(&row.hash)) {
                table.insert(row.path.as_str(), row.bytes.as_slice())?;
                changed.push(row);
            }
            for path in &gone {
                table.remove(path.as_str())?;
            }
            let mut table = write.open_table(HISTORY)?;
            for prefix in &history.cleared {
                table.retain_in(prefix.as_slice().., |key, _| !key.starts_with(prefix))?;
            }
            for (key, value) in &history.changed {
                match value {
                    Some(value) => drop(table.insert(key.as_slice(), value.as_slice())?),
                    None => drop(table.remove(key.as_slice())?),
                }
            }
        }
        write.commit()?;
        for path in &gone {
            known.remove(path);
        }
        known.extend(changed.into_iter().map(|row| (row.path.clone(), row.hash)));
        Ok(())
    }
}

impl Content {
    /// What is known of the file that this was read from.
    pub fn known(&self) -> Known {
        let rows = self.sections.values().flatten();
        rows.map(|(path, row)| (path.clone(), json_rows::hash(row))).collect()
    }
}

/// A table that was never written to is not there.
fn present<T>(table: Result<T, TableError>) -> Result<Option<T>, StorageError> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(in_storage(redb::Error::from(error))),
    }
}

fn in_storage(error: redb::Error) -> StorageError {
    match error {
        redb::Error::Io(error) => StorageError::Io(error),
        error => StorageError::Corrupted(error.to_string()),
    }
}

fn storage(error: StorageError) -> OpenError {
    match error {
        StorageError::Io(e)
            if !matches!(e.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
        {
            OpenError::Io(e)
        }
        error => OpenError::Damaged(error.to_string()),
    }
}

fn unusable(error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::Storage(error) => storage(error),
        // It is locked: by whoever does not keep to the folder's lock.
        error @ (DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch) => {
            OpenError::Io(io::Error::other(error.to_string()))
        }
        error => OpenError::Damaged(error.to_string()),
    }
}

/// The library trusts what it reads here and there.
fn unless_panics<T>(work: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(OpenError::Damaged("expected a database, found nonsense".to_owned()))
    })
}
