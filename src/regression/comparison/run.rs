//! A verdict belongs to a run.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::regression::fingerprint::in_words;

/// Longest id.
const LONGEST: usize = 64;

/// From one beginning of a comparison to the next. Nothing that was learnt in one says anything in
/// another: a candidate at the same address may be another one today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Unique among the runs of the comparison; a label value.
    pub id: RunId,
    /// When it began, milliseconds since the Unix epoch.
    pub began_unix_millis: u64,
    /// Why it began.
    pub cause: Cause,
}

/// Why a run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Nothing was known of the comparison.
    New,
    /// Somebody asked for it.
    Asked,
    /// It is another comparison in these fields.
    Changed(Vec<String>),
}

/// For people.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("its first run"),
            Self::Asked => f.write_str("it was asked for"),
            Self::Changed(fields) => write!(f, "changed: {}", in_words(fields)),
        }
    }
}

/// 1 to 64 letters, digits, dots, dashes and underscores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that cannot be the id of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "not the id of a run, expected 1 to {longest} letters, digits, dots, dashes or underscores",
    longest = LONGEST
)]
pub struct NoRunId;

impl TryFrom<String> for RunId {
    type Error = NoRunId;

    fn try_from(id: String) -> Result<Self, NoRunId> {
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if id.is_empty() || id.len() > LONGEST || !id.chars().all(fits) {
            return Err(NoRunId);
        }
        Ok(Self(id))
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_fits_into_labels_addresses_and_shells() {
        for good in ["7", "20261127-074500-3f9a", "v1.2_x", &"a".repeat(64)] {
            assert_eq!(RunId::try_from(good.to_owned()).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a\"", "a/b", "ä", &"a".repeat(65)] {
            let why = RunId::try_from(bad.to_owned()).unwrap_err().to_string();
            assert!(why.contains("expected 1 to 64 letters"), "{why}");
        }
    }

    #[test]
    fn causes_are_said_in_words() {
        let fields = vec!["candidate version.image".to_owned(), "tolerance".to_owned()];
        let said = Cause::Changed(fields).to_string();
        assert_eq!(said, "changed: candidate version.image, tolerance");
    }
}
