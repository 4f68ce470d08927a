//! What is wrong with a configuration file, where, and what was expected.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_yaml::{Error, Location, MessageFormatter, UserMessageFormatter};

/// A refused configuration file of the simulator. Displays as
/// `file:line:column: what is wrong, what was expected`, with the line below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    file: PathBuf,
    /// Line and column from 1, and the line; absent if the problem is about the whole file.
    place: Option<(u64, u64, String)>,
    message: String,
}

/// A problem at a place, before it is known which file it is in.
pub(super) type Problem = (Location, String);

impl ConfigError {
    pub(super) fn whole_file(file: &Path, message: String) -> Self {
        Self { file: file.to_owned(), place: None, message }
    }

    pub(super) fn new(file: &Path, text: &str, (at, message): Problem) -> Self {
        // Unknown places have line 0.
        let index = usize::try_from(at.line()).ok().and_then(|line| line.checked_sub(1));
        let place = index.map(|index| {
            let line = text.lines().nth(index).unwrap_or_default();
            (at.line(), at.column(), line.chars().take(160).collect())
        });
        Self { file: file.to_owned(), place, message }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        let Some((line, column, shown)) = &self.place else {
            return write!(f, "{file}: {}", self.message);
        };
        let margin = " ".repeat(line.to_string().len());
        let indent = " ".repeat(usize::try_from(column.saturating_sub(1)).unwrap_or(0).min(160));
        writeln!(f, "{file}:{line}:{column}: {}", self.message)?;
        write!(f, "{margin} |\n{line} | {shown}\n{margin} | {indent}^")
    }
}

/// The library's errors in this project's words.
pub(super) fn describe(error: &Error) -> Problem {
    (error.location().unwrap_or(Location::UNKNOWN), message(error))
}

fn message(error: &Error) -> String {
    match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => message(error),
        Error::Message { msg, .. } | Error::SerdeVariantId { msg, .. } => msg.clone(),
        Error::SerdeUnknownField { field, expected, .. } => {
            format!("unknown key `{field}`, expected one of: {}", expected.join(", "))
        }
        Error::SerdeMissingField { field, .. } => format!("`{field}` is missing here"),
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => {
            format!("found {unexpected}, expected {expected}")
        }
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{key}` appears twice, expected once")
        }
        Error::InvalidScalar { ty, .. } => format!("not a valid value, expected {}", in_words(ty)),
        other => UserMessageFormatter.format_message(other).into_owned(),
    }
}

fn in_words(ty: &str) -> &str {
    match ty {
        "f32" | "f64" | "float" | "floating point" => "a number",
        "u16" | "u32" | "u64" => "a whole number, not negative",
        "bool" | "boolean" => "true or false",
        other => other,
    }
}
