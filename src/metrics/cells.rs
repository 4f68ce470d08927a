//! The small parts that hold values: counters per label value, and gauges that may be unknown.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

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

/// A counter that has no sample before its first count. A clone counts together with the original.
#[derive(Debug, Default, Clone)]
pub(super) struct LateCounter(Arc<OnceLock<Counter>>);

impl LateCounter {
    /// From now on it has a sample.
    pub fn begin(&self) -> &Counter {
        self.0.get_or_init(Counter::default)
    }

    /// What would take it beyond the largest number leaves it there: a counter never falls.
    pub fn inc_by(&self, n: u64) {
        let counter = self.begin();
        counter.inc_by(n.min(u64::MAX - counter.get()));
    }

    /// `None` before the first count.
    pub fn get(&self) -> Option<u64> {
        self.0.get().map(Counter::get)
    }
}

/// One counter per label value; all values are known from the start. What alert rules read must begin
/// at 0, so that its first increment is not lost to `increase()`; what nothing but people reads
/// begins with its first count, so that what never happens costs no series. A clone counts together
/// with the original.
#[derive(Debug, Clone)]
pub(super) struct CounterSet(Vec<(&'static str, LateCounter)>);

impl CounterSet {
    /// Every value begins with its first count.
    pub fn late(values: impl IntoIterator<Item = &'static str>) -> Self {
        let mut counters: Vec<(&'static str, LateCounter)> = Vec::new();
        for value in values {
            if !counters.iter().any(|(v, _)| *v == value) {
                counters.push((value, LateCounter::default()));
            }
        }
        Self(counters)
    }

    /// Every value begins at 0.
    pub fn at_zero(values: impl IntoIterator<Item = &'static str>) -> Self {
        let set = Self::late(values);
        set.begin(|_| true);
        set
    }

    /// Those of the values that have not begun begin at 0.
    pub fn begin(&self, wanted: impl Fn(&str) -> bool) {
        for (_, counter) in self.0.iter().filter(|(value, _)| wanted(value)) {
            counter.begin();
        }
    }

    /// Other values may be announced than in `before`; those that were go on.
    pub fn going_on(values: impl IntoIterator<Item = &'static str>, before: Option<&Self>) -> Self {
        let mut set = Self::late(values);
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

    /// Those that have begun.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().filter_map(|(value, counter)| Some((*value, counter.get()?)))
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
    fn a_counter_never_falls() {
        let counter = LateCounter::default();
        for n in [7, u64::MAX, 1] {
            counter.inc_by(n);
        }
        assert_eq!(counter.get(), Some(u64::MAX));
    }

    #[test]
    fn every_announced_value_is_there_once_from_zero_or_from_its_first_count() {
        let of = |set: &CounterSet| set.iter().collect::<Vec<_>>();
        let set = CounterSet::at_zero(["a", "b", "a"]);
        set.add("a", 2);
        assert_eq!(of(&set), [("a", 2), ("b", 0)]);
        let set = CounterSet::late(["a", "b", "c"]);
        assert_eq!(of(&set), []);
        let later = CounterSet::going_on(["c", "b"], Some(&set));
        // A count of none is a count: the server reports that there was nothing.
        set.add("b", 0);
        set.begin(|value| value == "c");
        later.add("c", 3);
        assert_eq!(of(&set), [("b", 0), ("c", 3)]);
        assert_eq!(of(&later), [("c", 3), ("b", 0)]);
    }
}
