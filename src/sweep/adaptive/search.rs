//! Which level is to be tried next.

/// A search for the largest good one of some levels, of which the lower ones are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Ascending.
    candidates: Vec<u32>,
    /// So many of them are good: those up to the largest that was found good.
    good: usize,
    /// From here on they are not; `None` before one was found so.
    bad_from: Option<usize>,
}

impl Search {
    /// Among these levels, in whatever order they are.
    #[must_use]
    pub fn new(mut candidates: Vec<u32>) -> Self {
        candidates.sort_unstable();
        candidates.dedup();
        Self { candidates, good: 0, bad_from: None }
    }

    /// The level to be tried next; `None` when it is known which is the largest good one.
    #[must_use]
    pub fn next(&self) -> Option<u32> {
        Some(self.candidates[self.next_index()?])
    }

    fn next_index(&self) -> Option<usize> {
        let last = self.candidates.len().checked_sub(1)?;
        match self.bad_from {
            Some(bad) => (self.good < bad).then(|| usize::midpoint(self.good, bad)),
            None => (self.good <= last)
                .then(|| (2 * self.good).saturating_sub(1).clamp(self.good, last)),
        }
    }

    /// What came of the level that was to be tried.
    pub fn tell(&mut self, good: bool) {
        let Some(index) = self.next_index() else { return };
        if good {
            self.good = index + 1;
        } else {
            self.bad_from = Some(index);
        }
    }

    /// The largest level that was found good.
    #[must_use]
    pub fn largest_good(&self) -> Option<u32> {
        Some(self.candidates[self.good.checked_sub(1)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The levels that are tried where those up to `knee` are good, and what is found.
    fn tried(candidates: &[u32], knee: u32) -> (Vec<u32>, Option<u32>) {
        let mut search = Search::new(candidates.to_vec());
        let mut tried = Vec::new();
        while let Some(level) = search.next() {
            tried.push(level);
            search.tell(level <= knee);
        }
        (tried, search.largest_good())
    }

    #[test]
    fn doubles_and_then_halves() {
        let ten: Vec<u32> = (1..=10).collect();
        assert_eq!(tried(&ten, 5), (vec![1, 2, 4, 8, 6, 5], Some(5)));
        assert_eq!(tried(&ten, 10), (vec![1, 2, 4, 8, 10], Some(10)));
        assert_eq!(tried(&ten, 1), (vec![1, 2], Some(1)));
        assert_eq!(tried(&ten, 0), (vec![1], None));
        assert_eq!(tried(&[50, 1, 8, 8], 49), (vec![1, 8, 50], Some(8)));
        assert_eq!(tried(&[7], 9), (vec![7], Some(7)));
        assert_eq!(tried(&[], 9), (vec![], None));
    }

    #[test]
    fn every_knee_is_found_and_nothing_is_asked_twice() {
        for last in 1..40 {
            let levels: Vec<u32> = (1..=last).collect();
            for knee in 0..=last {
                let (tried, found) = tried(&levels, knee);
                assert_eq!(found, (knee > 0).then_some(knee), "of {last}: {tried:?}");
                let mut once = tried.clone();
                once.sort_unstable();
                once.dedup();
                assert_eq!(once.len(), tried.len(), "{tried:?}");
                // Never more than twice what is good.
                assert!(tried.iter().all(|level| *level <= (2 * knee).max(1)), "{knee}: {tried:?}");
            }
        }
    }
}
