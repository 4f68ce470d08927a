//! The small parts that hold values: counters per label value, and gauges that may be unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::metrics::counter::Counter;

/// A counter of fractions (dollars).
pub(super) type FloatCounter = Counter<f64, AtomicU64>;

/// Stands for a value that is not there yet. No count gets as far, and as a float it is no number
/// that any arithmetic has as its result.
const ABSENT: u64 = u64::MAX;

/// A gauge that has no sample before its first value, because 0 would be a lie. A clone is the same
/// gauge.
#[derive(Debug, Clone)]
pub(super) struct LateGauge(Arc<AtomicU64>);

impl Default for LateGauge {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(ABSENT)))
    }
}

impl LateGauge {
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    pub fn get(&self) -> Option<f64> {
        let bits = self.0.load(Ordering::Relaxed);
        (bits != ABSENT).then(|| f64::from_bits(bits))
    }
}

/// A count that is absent until it is begun.
#[derive(Debug)]
struct Count(AtomicU64);

impl Default for Count {
    fn default() -> Self {
        Self(AtomicU64::new(ABSENT))
    }
}

impl Count {
    fn begin(&self) {
        // It has begun already where this fails.
        let _ = self.0.compare_exchange(ABSENT, 0, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn add(&self, n: u64) {
        let sum = |known| {
            let known = if known == ABSENT { 0 } else { known };
            Some(u64::saturating_add(known, n).min(ABSENT - 1))
        };
        // It is never refused.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
    }

    fn get(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|count| *count != ABSENT)
    }
}

/// A counter that has no sample before its first count. A clone counts together with the original.
#[derive(Debug, Default, Clone)]
pub(super) struct LateCounter(Arc<Count>);

impl LateCounter {
    /// From now on it has a sample.
    pub fn begin(&self) {
        self.0.begin();
    }

    /// What would take it beyond the largest number leaves it there: a counter never falls.
    pub fn inc_by(&self, n: u64) {
        self.0.add(n);
    }

    /// `None` before the first count.
    pub fn get(&self) -> Option<u64> {
        self.0.get()
    }
}

/// A counter and its label value.
type Labelled = (&'static str, Count);

/// One counter per label value; all values are known from the start. What alert rules read must begin
/// at 0, so that its first increment is not lost to `increase()`; what nothing but people reads
/// begins with its first count, so that what never happens costs no series. A clone counts together
/// with the original.
#[derive(Debug, Clone)]
pub(super) struct CounterSet(Counters);

/// There are some fifty of them for every workload of every target.
#[derive(Debug, Clone)]
enum Counters {
    /// A list of its own.
    List(Arc<[Labelled]>),
    /// Places in the lists of others, and in one more: other values are known than before a reload.
    Places(Arc<[(Arc<[Labelled]>, usize)]>),
}

impl CounterSet {
    /// Every value begins with its first count.
    pub fn late(values: impl IntoIterator<Item = &'static str>) -> Self {
        let counters = distinct(values).into_iter().map(|value| (value, Count::default()));
        Self(Counters::List(counters.collect()))
    }

    /// Every value begins at 0.
    pub fn at_zero(values: impl IntoIterator<Item = &'static str>) -> Self {
        let set = Self::late(values);
        set.begin(|_| true);
        set
    }

    /// Those of the values that have not begun begin at 0.
    pub fn begin(&self, wanted: impl Fn(&str) -> bool) {
        for (_, counter) in self.counters().filter(|(value, _)| wanted(value)) {
            counter.begin();
        }
    }

    /// Other values may be announced than in `before`; those that were go on.
    pub fn going_on(values: impl IntoIterator<Item = &'static str>, before: Option<&Self>) -> Self {
        let values = distinct(values);
        let Some(before) = before else { return Self::late(values) };
        if before.counters().map(|(value, _)| *value).eq(values.iter().copied()) {
            return before.clone();
        }
        let fresh: Arc<[Labelled]> = values.iter().map(|v| (*v, Count::default())).collect();
        let places = values.iter().enumerate();
        let places = places.map(|(at, v)| before.place(v).unwrap_or((Arc::clone(&fresh), at)));
        Self(Counters::Places(places.collect()))
    }

    /// Counts `n` more of `value`.
    pub fn add(&self, value: &str, n: u64) {
        let counter = self.counters().find(|(v, _)| *v == value);
        debug_assert!(counter.is_some(), "{value} was not announced");
        if let Some((_, counter)) = counter {
            counter.add(n);
        }
    }

    /// Those that have begun.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.counters().filter_map(|(value, counter)| Some((*value, counter.get()?)))
    }

    fn counters(&self) -> impl Iterator<Item = &Labelled> {
        let (list, places) = match &self.0 {
            Counters::List(list) => (&list[..], &[][..]),
            Counters::Places(places) => (&[][..], &places[..]),
        };
        list.iter().chain(places.iter().map(|(list, at)| &list[*at]))
    }

    /// Where a value is counted.
    fn place(&self, value: &str) -> Option<(Arc<[Labelled]>, usize)> {
        let at = self.counters().position(|(v, _)| *v == value)?;
        Some(match &self.0 {
            Counters::List(list) => (Arc::clone(list), at),
            Counters::Places(places) => places[at].clone(),
        })
    }
}

/// Each once, in order of their coming.
fn distinct(values: impl IntoIterator<Item = &'static str>) -> Vec<&'static str> {
    let mut distinct = Vec::new();
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
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
        assert_eq!(counter.get(), Some(u64::MAX - 1));
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
        // And after another one, and one that changes nothing.
        let third = CounterSet::going_on(["d", "c"], Some(&later));
        third.add("d", 1);
        set.add("c", 1);
        let same = CounterSet::going_on(["d", "c", "d"], Some(&third));
        assert_eq!((of(&third), of(&same)), (vec![("d", 1), ("c", 4)], of(&third)));
        same.add("d", 1);
        assert_eq!(third.iter().next(), Some(("d", 2)));
    }
}
