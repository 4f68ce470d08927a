//! Secrets: named by where they are found, read at the moment of use, never printed.

use std::path::PathBuf;

/// Where a secret is found. The value itself is not kept, so a changed file is noticed and no
/// debug print can leak it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// The file's content, surrounding white space removed.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

impl Secret {
    /// Reads the value.
    ///
    /// # Errors
    /// Says which file or variable is missing or empty, never any content.
    pub fn read(&self) -> Result<String, String> {
        let value = match self {
            Self::File(path) => std::fs::read_to_string(path)
                .map_err(|e| format!("cannot read secret file {}: {e}", path.display()))?,
            Self::Env(name) => std::env::var(name)
                .map_err(|_| format!("environment variable {name} is not set (or not UTF-8)"))?,
        };
        let value = value.trim();
        if value.is_empty() {
            return Err(format!("{self} is empty"));
        }
        Ok(value.to_owned())
    }
}

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "secret file {}", path.display()),
            Self::Env(name) => write!(f, "environment variable {name}"),
        }
    }
}
