//! Figures of a sample.

use serde::Serialize;

/// A sample in eight numbers. Quantiles are interpolated linearly between the two nearest values
/// (`numpy`'s default, definition 7 of Hyndman and Fan), and `std` divides by n, so that tables of
/// other load generators can be laid beside these.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Statistics {
    /// The mean.
    pub avg: f64,
    /// The smallest.
    pub min: f64,
    /// The median.
    pub p50: f64,
    /// The quantile 0.90.
    pub p90: f64,
    /// The quantile 0.95.
    pub p95: f64,
    /// The quantile 0.99.
    pub p99: f64,
    /// The largest.
    pub max: f64,
    /// The standard deviation.
    pub std: f64,
}

impl Statistics {
    /// Of these values; `None` of none.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // samples are far fewer than 2^53
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (n, at) = (values.len() as f64, |q| quantile(&values, q));
        let avg = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - avg).powi(2)).sum::<f64>() / n;
        Some(Self {
            min: at(0.0)?,
            p50: at(0.5)?,
            p90: at(0.9)?,
            p95: at(0.95)?,
            p99: at(0.99)?,
            max: at(1.0)?,
            avg,
            std: variance.sqrt(),
        })
    }
}

/// The quantile `q`, 0 to 1, of values in ascending order; `None` of none.
#[must_use]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let place = q * sorted.len().checked_sub(1)? as f64;
    let below = place.floor();
    let lower = sorted.get(below as usize)?;
    let upper = sorted.get(below as usize + 1).unwrap_or(lower);
    Some(lower + (upper - lower) * (place - below))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `numpy.percentile` and `numpy.std` say of the same values.
    #[test]
    fn as_numpy_has_them() {
        let found = Statistics::of(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
        let expect = [2.5, 1.0, 2.5, 3.7, 3.85, 3.97, 4.0, 1.118_033_988_749_895];
        let Statistics { avg, min, p50, p90, p95, p99, max, std } = found;
        for (found, expect) in [avg, min, p50, p90, p95, p99, max, std].iter().zip(expect) {
            assert!((found - expect).abs() < 1e-12, "{found}, expected {expect}");
        }
    }

    #[test]
    fn of_one_and_of_none() {
        let one = Statistics::of(vec![7.0]).unwrap();
        assert_eq!((one.min, one.p99, one.max, one.std), (7.0, 7.0, 7.0, 0.0));
        assert_eq!(Statistics::of(Vec::new()), None);
        assert_eq!(quantile(&[], 0.5), None);
    }
}
