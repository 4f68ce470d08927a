//! The rule most people write:
//!
//! ```promql
//! quantile_over_time(0.95, latency[30m]) > 1.15 * quantile_over_time(0.95, latency[30m] offset 1d)
//! for: 10m
//! ```

use std::collections::VecDeque;

/// Probes in 30 minutes.
const WINDOW: usize = 120;
/// Probes from one evaluation to the next: a minute.
const EVERY: usize = 4;
/// Evaluations in a day.
const DAY: usize = 1440;
/// Minutes the condition has to last.
const FOR: usize = 10;

pub struct Rule {
    window: VecDeque<f64>,
    day: VecDeque<f64>,
    seen: usize,
    /// Minutes since the condition became true.
    pending: Option<usize>,
}

impl Rule {
    pub fn new() -> Self {
        Self { window: VecDeque::new(), day: VecDeque::new(), seen: 0, pending: None }
    }

    /// Takes up one latency; true when the alert begins to fire.
    pub fn observe(&mut self, latency: f64) -> bool {
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(latency);
        self.seen += 1;
        self.window.len() == WINDOW && self.seen.is_multiple_of(EVERY) && self.evaluate()
    }

    fn evaluate(&mut self) -> bool {
        let now = self.quantile();
        self.day.push_back(now);
        if self.day.len() <= DAY {
            return false;
        }
        let day_ago = self.day.pop_front().unwrap_or(f64::INFINITY);
        self.pending =
            (now > 1.15 * day_ago).then(|| self.pending.map_or(0, |minutes| minutes + 1));
        self.pending == Some(FOR)
    }

    /// As `quantile_over_time` does: linear between order statistics.
    fn quantile(&self) -> f64 {
        let mut values: Vec<f64> = self.window.iter().copied().collect();
        // 0.95 · 119 = 113.05
        let (_, low, above) = values.select_nth_unstable_by(113, f64::total_cmp);
        let high = above.iter().copied().fold(f64::INFINITY, f64::min);
        *low + 0.05 * (high - *low)
    }
}
