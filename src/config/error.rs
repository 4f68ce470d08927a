//! Why a configuration was refused: every problem with its place and the line shown.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_yaml::Location;

use super::snippet;

/// Problems kept of one file; what lies beyond is only counted.
const MAX_PROBLEMS: usize = 20;

/// A refused configuration.
///
/// Displays as `file:line:column: what is wrong, what was expected` with the line below, once per
/// problem. Holds no secret, header value or prompt: see `confidential.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// In the order of the file; at least one.
    problems: Vec<Problem>,
    omitted: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the user named it.
    pub file: PathBuf,
    /// Line and column, both from 1; absent when the problem has no place in the text.
    pub position: Option<(usize, usize)>,
    /// What is wrong, and what was expected.
    pub message: String,
    /// The line, with everything that might be confidential left out, and the caret's column.
    snippet: Option<snippet::Snippet>,
}

impl ConfigError {
    /// An error about the file as a whole.
    #[must_use]
    pub fn whole_file(file: &Path, message: String) -> Self {
        let problem = Problem { file: file.to_owned(), position: None, message, snippet: None };
        Self { problems: vec![problem], omitted: 0 }
    }

    /// An error at a line and column, both from 1, that cannot be shown.
    #[must_use]
    pub fn at(file: &Path, position: (usize, usize), message: String) -> Self {
        let mut error = Self::whole_file(file, message);
        error.problems.iter_mut().for_each(|p| p.position = Some(position));
        error
    }

    /// An error at a place of a text that holds nothing confidential: its line is shown whole.
    #[must_use]
    pub fn plain(file: &Path, text: &str, at: Location, message: String) -> Self {
        let position = position(at);
        let snippet = position.and_then(|(line, column)| snippet::plain(text, line, column));
        let problem = Problem { file: file.to_owned(), position, message, snippet };
        Self { problems: vec![problem], omitted: 0 }
    }

    /// The problems, at least one.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        if self.omitted > 0 {
            write!(f, "\n… and {} more problems", self.omitted)?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some((line, column)) = self.position {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.message)?;
        if let (Some((line, _)), Some(snippet)) = (self.position, &self.snippet) {
            let number = line.to_string();
            let margin = " ".repeat(number.len());
            let indent = " ".repeat(snippet.caret);
            write!(f, "\n{margin} |\n{number} | {}\n{margin} | {indent}^", snippet.line)?;
        }
        Ok(())
    }
}

/// Collects problems while a file is being checked, so that one run shows them all.
pub(super) struct Report<'a> {
    file: &'a Path,
    text: &'a str,
    problems: Vec<Problem>,
    omitted: usize,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        Self { file, text, problems: Vec::new(), omitted: 0 }
    }

    /// Adds a problem at `at`; returns `None`, so that `return report.add(…)` reads well.
    /// What stands in `defaults` is found again at each target, and kept once.
    pub(super) fn add<T>(&mut self, at: Location, message: impl Into<String>) -> Option<T> {
        let (position, message) = (position(at), message.into());
        let known = |p: &Problem| p.position == position && p.message == message;
        if self.problems.iter().any(known) {
            return None;
        }
        if self.problems.len() >= MAX_PROBLEMS {
            self.omitted += 1;
            return None;
        }
        self.problems.push(Problem {
            file: self.file.to_owned(),
            position,
            message,
            snippet: position.and_then(|(l, c)| snippet::show(self.text, l, c)),
        });
        None
    }

    /// `result`'s value, or its message as a problem at `at`.
    pub(super) fn check<T, E: fmt::Display>(
        &mut self,
        at: Location,
        result: Result<T, E>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => self.add(at, error.to_string()),
        }
    }

    /// The error, if there was any problem.
    pub(super) fn into_error(self) -> Option<ConfigError> {
        let Self { mut problems, omitted, .. } = self;
        problems.sort_by_key(|p| p.position);
        (!problems.is_empty()).then_some(ConfigError { problems, omitted })
    }
}

/// Unknown positions are zero.
fn position(at: Location) -> Option<(usize, usize)> {
    let line = usize::try_from(at.line()).ok().filter(|n| *n > 0)?;
    let column = usize::try_from(at.column()).ok().filter(|n| *n > 0)?;
    Some((line, column))
}
