//! How far a figure may be off by chance, from several runs.

use serde::Serialize;

/// Student's quantile 0.975 for 1 to 30 degrees of freedom.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];
/// Beyond: that of 30, a little too wide.
const MANY: f64 = 2.042;

/// The mean over runs with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The mean of the runs.
    pub mean: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Of one figure in each of several runs; `None` of fewer than two. Runs vary more than the requests
/// of one run do: what disturbs a server for a while disturbs many requests together.
#[must_use]
#[allow(clippy::cast_precision_loss)] // a handful of runs
pub fn confidence(runs: &[f64]) -> Option<Interval> {
    let freedom = runs.len().checked_sub(1).filter(|n| *n > 0)?;
    let n = runs.len() as f64;
    let mean = runs.iter().sum::<f64>() / n;
    let variance = runs.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / freedom as f64;
    let student = STUDENT.get(freedom - 1).unwrap_or(&MANY);
    let half = student * (variance / n).sqrt();
    Some(Interval { mean, low: mean - half, high: mean + half })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_over_runs() {
        let found = confidence(&[1.0, 2.0, 3.0]).unwrap();
        let half = 4.303 / 3.0_f64.sqrt();
        assert!((found.mean - 2.0).abs() < 1e-12, "{found:?}");
        assert!((found.high - 2.0 - half).abs() < 1e-9, "{found:?}");
        assert!((2.0 - found.low - half).abs() < 1e-9, "{found:?}");
        assert_eq!(confidence(&[1.0]), None);
        assert_eq!(confidence(&[]), None);
        let same = confidence(&[5.0; 50]).unwrap();
        assert_eq!((same.low, same.high), (5.0, 5.0));
    }
}
