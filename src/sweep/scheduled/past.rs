//! The runs of a sweep that are remembered, and what is usual among them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::run::SweepRun;

/// So many are kept.
pub const REMEMBERED_RUNS: usize = 60;

/// Milliseconds that the usual knee looks back.
const LOOKS_BACK: u64 = 28 * 86_400 * 1_000;
/// Of fewer runs nothing is usual.
const FEWEST: usize = 3;

/// The newest runs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SweepPast {
    runs: VecDeque<SweepRun>,
}

impl SweepPast {
    /// Remembers a run; the oldest gives way.
    pub fn add(&mut self, run: SweepRun) {
        while self.runs.len() >= REMEMBERED_RUNS {
            self.runs.pop_front();
        }
        self.runs.push_back(run);
    }

    /// Oldest first.
    #[must_use]
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = &SweepRun> + ExactSizeIterator {
        self.runs.iter()
    }

    /// The newest.
    #[must_use]
    pub fn last(&self) -> Option<&SweepRun> {
        self.runs.back()
    }

    /// Users at the knee, by the newest run that tells; 0: no level is good.
    #[must_use]
    pub fn knee(&self) -> Option<u32> {
        self.knees().next().map(|(_, knee)| knee)
    }

    /// The median of the knees of the 28 days before the newest one, of at least three runs; `None` of
    /// fewer.
    #[must_use]
    pub fn usual_knee(&self) -> Option<f64> {
        let mut knees = self.knees();
        let (newest, _) = knees.next()?;
        let lately = |(began, _): &(u64, u32)| newest.saturating_sub(*began) <= LOOKS_BACK;
        let mut before: Vec<u32> = knees.filter(lately).map(|(_, knee)| knee).collect();
        if before.len() < FEWEST {
            return None;
        }
        before.sort_unstable();
        let [low, high] = [(before.len() - 1) / 2, before.len() / 2].map(|i| f64::from(before[i]));
        Some(f64::midpoint(low, high))
    }

    /// When the runs that tell it began, and their knees, newest first.
    fn knees(&self) -> impl Iterator<Item = (u64, u32)> {
        self.runs.iter().rev().filter_map(|run| Some((run.began, run.knee?)))
    }
}
