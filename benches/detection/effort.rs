//! How much is simulated.

use std::process::ExitCode;

/// From the command line.
#[derive(Debug, Clone)]
pub struct Effort {
    /// Months of each stream in which nothing changes.
    pub months: u64,
    /// Comparisons and delays of each kind.
    pub runs: u64,
    /// Other streams of the same kinds.
    pub seed: u64,
    /// Only these sections; all where it is empty.
    only: Vec<String>,
}

impl Effort {
    /// What a short run simulates.
    fn usual() -> Self {
        Self { months: 2, runs: 60, seed: 0, only: Vec::new() }
    }

    /// Of the arguments, but for `--bench`, which Cargo passes.
    pub fn of(arguments: impl Iterator<Item = String>) -> Result<Self, ExitCode> {
        let mut effort = Self::usual();
        for argument in arguments.filter(|argument| argument != "--bench") {
            let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number < 1 << 20);
            let found = match argument.split_once('=') {
                Some(("--months", text)) => number(text).map(|months| effort.months = months),
                Some(("--runs", text)) => number(text).map(|runs| effort.runs = runs),
                Some(("--seed", text)) => number(text).map(|seed| effort.seed = seed),
                Some(("--only", names)) => {
                    effort.only = names.split(',').map(str::to_owned).collect();
                    Some(())
                }
                _ => None,
            };
            if found.is_none() {
                eprintln!(
                    "{argument}: expected --months=N, --runs=N, --seed=N or --only=SECTION,…"
                );
                return Err(ExitCode::from(64));
            }
        }
        Ok(effort)
    }

    pub fn wants(&self, section: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == section)
    }

    /// The seed of a run: no two runs of a table have one in common, nor do two efforts.
    pub fn seed_of(&self, run: u64) -> u64 {
        (self.seed << 20) + run
    }
}
