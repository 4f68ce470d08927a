//! Moments in a target's past at which something became another.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::target::Moved;

/// Marks of one target that are kept.
pub const MARKS: usize = 64;

/// A moment to remember.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When, Unix nanoseconds.
    pub unix_nanos: i64,
    /// What.
    pub what: Occasion,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// It is another server or model from now on: a line is drawn.
    Moved(Moved),
    /// A signal of a workload was found to be worse than its own past.
    AlarmRaised {
        /// Of this workload.
        workload: String,
        /// The signal's name.
        signal: String,
    },
    /// It is no longer.
    AlarmCleared {
        /// Of this workload.
        workload: String,
        /// The signal's name.
        signal: String,
    },
    /// A comparison in which it is the candidate has another verdict.
    Verdict {
        /// Name of the comparison.
        comparison: String,
        /// Name of the verdict.
        verdict: String,
    },
}

/// The newest marks, each with its number, oldest first.
#[derive(Debug, Default)]
pub(super) struct Marks(VecDeque<(u64, Mark)>);

impl Marks {
    /// Returns the number of the one that had to go, if any.
    pub fn add(&mut self, number: u64, mark: Mark) -> Option<u64> {
        let gone = if self.0.len() == MARKS { self.0.pop_front() } else { None };
        self.0.push_back((number, mark));
        gone.map(|(number, _)| number)
    }

    pub fn get(&self, number: u64) -> Option<&Mark> {
        self.0.iter().find(|(n, _)| *n == number).map(|(_, mark)| mark)
    }

    /// When it became another server or model, Unix seconds.
    pub fn moved(&self) -> impl Iterator<Item = i64> {
        let moved = self.0.iter().filter(|(_, mark)| matches!(mark.what, Occasion::Moved(_)));
        moved.map(|(_, mark)| mark.unix_nanos.div_euclid(1_000_000_000))
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &(u64, Mark)> {
        self.0.iter()
    }
}
