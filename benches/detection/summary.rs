//! Means with their standard errors.

use std::fmt;

/// A mean time until something happened, over runs of which some were cut off.
pub struct Times {
    /// Mean; runs that were cut off count with the length they had: a lower bound.
    pub mean: f64,
    error: f64,
    cut_off: usize,
    runs: usize,
}

impl Times {
    /// `None`: it did not happen within `limit`.
    #[allow(clippy::cast_precision_loss)]
    pub fn of(times: &[Option<usize>], limit: usize) -> Self {
        let lengths: Vec<f64> = times.iter().map(|t| t.unwrap_or(limit) as f64).collect();
        let runs = lengths.len() as f64;
        let mean = lengths.iter().sum::<f64>() / runs;
        let variance = lengths.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (runs - 1.0);
        Self {
            mean,
            error: (variance / runs).sqrt(),
            cut_off: times.iter().filter(|t| t.is_none()).count(),
            runs: times.len(),
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cut_off == self.runs {
            return f.pad(&format!("none by {:.0}", self.mean));
        }
        let bound = if self.cut_off > 0 { "≥ " } else { "" };
        f.pad(&format!("{bound}{:.0} ± {:.0}", self.mean, self.error))
    }
}

/// Of those found in time, how soon: "412 (97 %)".
#[allow(clippy::cast_precision_loss)]
pub fn found(times: &[Option<usize>]) -> String {
    let found: Vec<f64> = times.iter().flatten().map(|t| *t as f64).collect();
    let share = 100.0 * found.len() as f64 / times.len() as f64;
    if found.is_empty() {
        return "none (0 %)".to_owned();
    }
    format!("{:.0} ({share:.0} %)", found.iter().sum::<f64>() / found.len() as f64)
}

/// "3 of 200".
pub fn count_of(hits: &[bool]) -> String {
    format!("{} of {}", hits.iter().filter(|hit| **hit).count(), hits.len())
}
