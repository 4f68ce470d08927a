//! What the runs of a sweep add up to since the start of the program.

use std::collections::BTreeMap;

use strum::VariantArray;

use super::result::SweepResult;
use super::run::{SweepLevel, SweepRun};

/// Counts of all runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepCounts {
    /// By users.
    pub levels: BTreeMap<u32, LevelCounts>,
    runs: Vec<u64>,
}

/// Counts of one level over all runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LevelCounts {
    /// Sent, and not given up by the prober.
    pub requests: u64,
    /// Those that succeeded and met every SLO.
    pub good: u64,
    /// Those that failed, by reason.
    pub errors: BTreeMap<String, u64>,
}

impl SweepCounts {
    /// Of a sweep with these levels; each begins at 0.
    #[must_use]
    pub fn new(levels: &[u32]) -> Self {
        let levels = levels.iter().map(|users| (*users, LevelCounts::default())).collect();
        Self { levels, runs: vec![0; SweepResult::VARIANTS.len()] }
    }

    /// Counts a run.
    pub fn add(&mut self, run: &SweepRun) {
        self.runs[run.result as usize] += 1;
        for SweepLevel { users, requests, good, errors, .. } in &run.levels {
            let level = self.levels.entry(*users).or_default();
            level.requests += requests;
            level.good += good;
            for (reason, count) in errors {
                *level.errors.entry(reason.clone()).or_default() += count;
            }
        }
    }

    /// Runs by how they ended.
    pub fn runs(&self) -> impl Iterator<Item = (SweepResult, u64)> {
        SweepResult::ALL.iter().copied().zip(self.runs.iter().copied())
    }
}
