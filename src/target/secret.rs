//! Secrets: named by where they are found, read at the moment of use, never printed.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::text::input_file;

/// Largest secret file, in bytes: a header cannot carry more.
const MAX_BYTES: u64 = 64 << 10;

/// Where a secret is found. The value itself is not kept, so a changed file is noticed and no
/// debug print can leak it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// The file's content, surrounding white space removed.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

/// Why there is no secret: which file or variable is missing or empty, never any content.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The file cannot be used.
    #[error("cannot read secret file {}: {why}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: SecretFileError,
    },
    /// There is no such variable, or none with a text.
    #[error("environment variable {0} is not set (or not UTF-8)")]
    Variable(String),
    /// Nothing but white space is there.
    #[error("{0} is empty")]
    Empty(Secret),
}

/// What is wrong with a file that should hold a secret.
#[derive(Debug, Error)]
pub enum SecretFileError {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// No header could carry it.
    #[error("larger than {} KiB", MAX_BYTES >> 10)]
    TooLarge,
    /// It is not a text.
    #[error("not UTF-8")]
    NotText,
}

impl Secret {
    /// Reads the value.
    ///
    /// # Errors
    /// Says which file or variable is missing or empty, never any content.
    pub fn read(&self) -> Result<String, SecretError> {
        let value = match self {
            Self::File(path) => {
                read_file(path).map_err(|why| SecretError::File { file: path.clone(), why })?
            }
            Self::Env(name) => {
                std::env::var(name).map_err(|_| SecretError::Variable(name.clone()))?
            }
        };
        let value = value.trim_start_matches('\u{feff}').trim();
        if value.is_empty() {
            return Err(SecretError::Empty(self.clone()));
        }
        Ok(value.to_owned())
    }
}

fn read_file(path: &Path) -> Result<String, SecretFileError> {
    let bytes = input_file::read(path, MAX_BYTES)?.ok_or(SecretFileError::TooLarge)?;
    input_file::text(bytes).map_err(|_| SecretFileError::NotText)
}

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "secret file {}", path.display()),
            Self::Env(name) => write!(f, "environment variable {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_file() {
        let check = |content: &[u8], expect: Result<&str, &str>| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), content).unwrap();
            let found = Secret::File(file.path().to_owned()).read().map_err(|e| e.to_string());
            match expect {
                Ok(value) => assert_eq!(found.as_deref(), Ok(value)),
                Err(part) => assert!(found.as_ref().is_err_and(|e| e.contains(part)), "{found:?}"),
            }
        };
        check(b" hush\r\n", Ok("hush"));
        check(b"\xef\xbb\xbfhush\n", Ok("hush"));
        check(b"\n", Err("is empty"));
        check(b"\xff\xfeh\0", Err("not UTF-8"));
        check(&vec![b'x'; 65_537], Err("larger than 64 KiB"));
    }

    /// A device may have no end, a pipe no beginning.
    #[test]
    fn only_files_are_read() {
        let endless = Secret::File("/dev/zero".into()).read().unwrap_err();
        let endless = endless.to_string();
        assert_eq!(endless, "cannot read secret file /dev/zero: neither a file nor a link to one");
    }
}
