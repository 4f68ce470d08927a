//! When evidence becomes an alarm, and when an alarm is over.

use serde::{Deserialize, Serialize};

/// What an observation did to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It went off.
    Raised,
    /// It is over; the evidence starts again from nothing.
    Cleared,
}

/// An alarm of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Alarm {
    active: bool,
    /// Observations since it went off.
    since: usize,
    raised: u64,
}

impl Alarm {
    /// Whether it is on.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Observations since it went off; 0 while it is off.
    pub(super) fn since(&self) -> usize {
        self.since
    }

    /// How often it went off.
    #[must_use]
    pub fn times_raised(&self) -> u64 {
        self.raised
    }

    /// Takes up one observation. `worse` is asked once the evidence suffices; `gone` while the
    /// alarm is on, with the number of observations since it went off, so that what was before
    /// cannot end it.
    pub(super) fn step(
        &mut self,
        reached: bool,
        worse: impl FnOnce() -> bool,
        gone: impl FnOnce(usize) -> bool,
    ) -> Option<Change> {
        if self.active {
            self.since = self.since.saturating_add(1);
            if !gone(self.since) {
                return None;
            }
            *self = Self { active: false, since: 0, raised: self.raised };
            return Some(Change::Cleared);
        }
        if !(reached && worse()) {
            return None;
        }
        *self = Self { active: true, since: 0, raised: self.raised.saturating_add(1) };
        Some(Change::Raised)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_evidence_and_effect_and_ends_with_the_effect() {
        let mut alarm = Alarm::default();
        assert_eq!(alarm.step(true, || false, |_| unreachable!()), None);
        assert_eq!(alarm.step(false, || unreachable!(), |_| unreachable!()), None);
        assert_eq!(alarm.step(true, || true, |_| unreachable!()), Some(Change::Raised));
        assert!(alarm.is_active());
        assert_eq!(alarm.step(true, || unreachable!(), |since| since > 1), None);
        assert_eq!(alarm.step(true, || unreachable!(), |since| since > 1), Some(Change::Cleared));
        assert_eq!((alarm.is_active(), alarm.times_raised()), (false, 1));
    }
}
