//! Data sets of other people's requests: rows that can be used are kept, the others are counted.
//!
//! Errors name the file and what is wrong with it, never what users asked.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::requests::Sample;
use crate::text::input_file;
use crate::workload::{Prompt, Rows};

/// Largest file, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 30;
/// Longest line, in bytes.
const MAX_LINE_BYTES: u64 = 4 << 20;
/// Most rows that are kept.
const MAX_ROWS: usize = 100_000;
/// Most bytes of those.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// The rows of a file.
pub(super) struct DataSet {
    /// At least one.
    pub prompts: Vec<Prompt>,
    /// How many they are, and were not.
    pub rows: Rows,
}

/// What is wrong with a data set.
#[derive(Debug, thiserror::Error)]
pub(super) enum DataSetError {
    /// It cannot be opened or read.
    #[error("cannot read {}: {error}", file.display())]
    Unreadable { file: PathBuf, error: std::io::Error },
    /// It is larger than is read.
    #[error("{} is larger than {} MiB", .0.display(), MAX_FILE_BYTES >> 20)]
    TooLarge(PathBuf),
    /// It has another form.
    #[error("{}{}: {expected}", file.display(), line.map_or_else(String::new, |n| format!(":{n}")))]
    Form { file: PathBuf, line: Option<u64>, expected: &'static str },
    /// There are more rows than are kept.
    #[error(
        "{} has more than {MAX_ROWS} rows or {} MiB that could be used, expected less, or a `sample`",
        .0.display(), MAX_KEPT_BYTES >> 20
    )]
    TooMany(PathBuf),
    /// None is of use.
    #[error("{} has no row that could be used ({unusable} others), {expected}", file.display())]
    None { file: PathBuf, unusable: u64, expected: &'static str },
    /// None was drawn.
    #[error("{} has {used} rows, of which `sample` keeps none; expected more", file.display())]
    NoneKept { file: PathBuf, used: u64 },
}

/// The sample as it grows.
pub(super) struct Kept {
    file: PathBuf,
    ratio: f64,
    rng: ChaCha8Rng,
    bytes: usize,
    rows: Rows,
    prompts: Vec<Prompt>,
}

impl Kept {
    /// Of nothing yet.
    pub fn new(file: &Path, Sample { ratio, seed }: Sample) -> Self {
        Self {
            file: file.to_owned(),
            ratio,
            rng: ChaCha8Rng::seed_from_u64(seed),
            bytes: 0,
            rows: Rows::default(),
            prompts: Vec::new(),
        }
    }

    /// Takes the next row, of about so many bytes; `None` is not usable.
    pub fn add(&mut self, prompt: Option<Prompt>, bytes: usize) -> Result<(), DataSetError> {
        let Some(prompt) = prompt else {
            self.rows.unusable += 1;
            return Ok(());
        };
        self.rows.used += 1;
        if self.rng.random::<f64>() < self.ratio {
            self.bytes = self.bytes.saturating_add(bytes);
            self.prompts.push(prompt);
        }
        if self.prompts.len() > MAX_ROWS || self.bytes > MAX_KEPT_BYTES {
            return Err(DataSetError::TooMany(self.file.clone()));
        }
        Ok(())
    }

    /// All of it.
    pub fn done(self, expected: &'static str) -> Result<DataSet, DataSetError> {
        let Self { file, rows, prompts, .. } = self;
        match (prompts.is_empty(), rows.used) {
            (false, _) => Ok(DataSet { prompts, rows }),
            (true, 0) => Err(DataSetError::None { file, unusable: rows.unusable, expected }),
            (true, used) => Err(DataSetError::NoneKept { file, used }),
        }
    }
}

/// Opens a data set.
pub(super) fn open(file: &Path) -> Result<BufReader<std::io::Take<File>>, DataSetError> {
    let unreadable = |error| DataSetError::Unreadable { file: file.to_owned(), error };
    let opened = input_file::open(file).map_err(unreadable)?;
    let length = opened.metadata().map_err(unreadable)?.len();
    if length > MAX_FILE_BYTES {
        return Err(DataSetError::TooLarge(file.to_owned()));
    }
    Ok(BufReader::new(opened.take(MAX_FILE_BYTES)))
}

/// Hands over each line with its number, from 1; `None` for one that is too long or no text.
pub(super) fn each_line(
    file: &Path,
    mut lines: impl BufRead,
    mut each: impl FnMut(u64, Option<&str>) -> Result<(), DataSetError>,
) -> Result<(), DataSetError> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = lines.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line);
        let unreadable = |error| DataSetError::Unreadable { file: file.to_owned(), error };
        if read.map_err(unreadable)? == 0 {
            break;
        }
        let whole = line.ends_with(b"\n") || (line.len() as u64) < MAX_LINE_BYTES;
        if !whole {
            let mut rest = Vec::new();
            while lines
                .by_ref()
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut rest)
                .is_ok_and(|n| n as u64 == MAX_LINE_BYTES)
                && !rest.ends_with(b"\n")
            {
                rest.clear();
            }
        }
        let text = std::str::from_utf8(&line).ok().filter(|_| whole);
        each(number, text.map(|text| text.trim_start_matches('\u{feff}').trim()))?;
    }
    Ok(())
}
