//! The small parts that hold values: counters per label value, and gauges that may be unknown.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arc_swap::ArcSwapOption;
use prometheus::metrics::counter::Counter;

/// A counter of fractions (dollars).
pub(super) type FloatCounter = Counter<f64, AtomicU64>;

/// A gauge that has no sample before its first value, because 0 would be a lie. A clone is the same
/// gauge.
#[derive(Debug, Default, Clone)]
pub(super) struct LateGauge(Arc<ArcSwapOption<f64>>);

impl LateGauge {
    pub fn set(&self, value: f64) {
        self.0.store(Some(Arc::new(value)));
    }

    pub fn get(&self) -> Option<f64> {
        self.0.load().as_deref().copied()
    }
}

/// One counter per label value. The values are known from the start, so that every series exists
/// from the first scrape on and its first increment is not lost to `rate`. A clone counts together
/// with the original.
#[derive(Debug, Clone)]
pub(super) struct CounterSet(Vec<(&'static str, Counter)>);

impl CounterSet {
    pub fn new(values: impl IntoIterator<Item = &'static str>) -> Self {
        let mut counters: Vec<(&'static str, Counter)> = Vec::new();
        for value in values {
            if !counters.iter().any(|(v, _)| *v == value) {
                counters.push((value, Counter::default()));
            }
        }
        Self(counters)
    }

    /// Other values may be announced than in `before`; those that were go on.
    pub fn going_on(values: impl IntoIterator<Item = &'static str>, before: Option<&Self>) -> Self {
        let mut set = Self::new(values);
        for (value, counter) in &mut set.0 {
            let known = before.and_then(|b| b.0.iter().find(|(v, _)| v == value));
            if let Some((_, known)) = known {
                *counter = known.clone();
            }
        }
        set
    }

    /// Counts `n` more of `value`.
    pub fn add(&self, value: &str, n: u64) {
        let counter = self.0.iter().find(|(v, _)| *v == value);
        debug_assert!(counter.is_some(), "{value} was not announced");
        if let Some((_, counter)) = counter {
            counter.inc_by(n);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(value, counter)| (*value, counter.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_gauge_is_absent_until_set() {
        let gauge = LateGauge::default();
        assert_eq!(gauge.get(), None);
        gauge.set(0.0);
        assert_eq!(gauge.get(), Some(0.0));
    }

    #[test]
    fn every_announced_value_starts_at_zero_and_is_there_once() {
        let set = CounterSet::new(["a", "b", "a"]);
        set.add("a", 2);
        assert_eq!(set.iter().collect::<Vec<_>>(), [("a", 2), ("b", 0)]);
    }
}
