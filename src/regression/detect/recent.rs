//! The last few observations, for what an alarm asks besides evidence.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::exact::Exact;

/// Observations kept.
pub(super) const KEPT: usize = 240;

/// A ring of the last [`KEPT`] values; infinities are welcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Recent(VecDeque<Exact>);

impl Recent {
    pub fn new() -> Self {
        Self(VecDeque::new())
    }

    pub fn push(&mut self, value: f64) {
        while self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Exact(value));
    }

    /// The last values, at most `most` of them, newest first.
    pub fn last(&self, most: usize) -> impl Iterator<Item = f64> {
        self.0.iter().rev().take(most).map(|v| v.0)
    }

    /// The lower median of the last values, at most `most` of them; `None` without any.
    pub fn median_of_last(&self, most: usize) -> Option<f64> {
        let mut values: Vec<f64> = self.last(most).collect();
        let middle = values.len().checked_sub(1)? / 2;
        Some(*values.select_nth_unstable_by(middle, f64::total_cmp).1)
    }

    /// The mean of the last values, at most `most` of them; `None` without any.
    pub fn mean_of_last(&self, most: usize) -> Option<f64> {
        #[allow(clippy::cast_precision_loss)] // at most KEPT
        let count = self.0.len().min(most) as f64;
        (count > 0.0).then(|| self.last(most).sum::<f64>() / count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_at_the_newest_only_and_keeps_no_more() {
        let mut recent = Recent::new();
        assert_eq!((recent.median_of_last(9), recent.mean_of_last(9)), (None, None));
        for value in 0..1000_u16 {
            recent.push(f64::from(value));
        }
        assert_eq!(recent.0.len(), KEPT);
        assert_eq!(recent.median_of_last(5), Some(997.0));
        assert_eq!(recent.median_of_last(4), Some(997.0));
        assert_eq!(recent.mean_of_last(4), Some(997.5));
        recent.push(f64::INFINITY);
        assert_eq!(recent.median_of_last(1), Some(f64::INFINITY));
    }
}
