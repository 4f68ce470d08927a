//! One target's past: three rings, the last hour, thirty days, and marks. Failures outlive odd probes, and those the
//! ordinary ones, because each kind only makes room for its own.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

use super::entry::Summary;
use super::hours::Hours;
use super::mark::Marks;
use super::minutes::Minutes;

/// Ordinary successes that are remembered.
pub const ORDINARY: usize = 32;
/// Odd successes that are remembered.
pub const ODD: usize = 32;
/// Failures that are remembered.
pub const FAILED: usize = 64;

/// A probe's number in the order of ends, over all targets; and the probe.
pub(super) type Numbered = (u64, Arc<Summary>);

/// Failures of one target for one reason.
#[derive(Debug, Clone)]
pub struct FailureKind {
    /// The newest.
    pub newest: Arc<Summary>,
    /// How many are remembered.
    pub remembered: usize,
}

#[derive(Debug, Default)]
pub(super) struct Past {
    ordinary: VecDeque<Numbered>,
    odd: VecDeque<Numbered>,
    failed: VecDeque<Numbered>,
    pub minutes: Minutes,
    pub hours: Hours,
    pub marks: Marks,
}

impl Past {
    /// Adds a probe; returns the number of the one that had to go, if any.
    pub fn add(&mut self, number: u64, summary: Arc<Summary>) -> Option<u64> {
        let (ring, most) = match (summary.reason, summary.odd) {
            (Some(_), _) => (&mut self.failed, FAILED),
            (None, Some(_)) => (&mut self.odd, ODD),
            (None, None) => (&mut self.ordinary, ORDINARY),
        };
        let gone = if ring.len() == most { ring.pop_front() } else { None };
        ring.push_back((number, summary));
        gone.map(|(number, _)| number)
    }

    /// Everything; what started last comes first. Probes of one target overlap, so this is not the
    /// order in which they ended.
    pub fn newest_first(&self) -> Vec<&Numbered> {
        let mut all: Vec<_> = self.all().collect();
        all.sort_unstable_by_key(|(number, probe)| Reverse((probe.started_unix_nanos, *number)));
        all
    }

    /// Everything, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Numbered> {
        self.ordinary.iter().chain(&self.odd).chain(&self.failed)
    }

    /// The one that ended last.
    pub fn last(&self) -> Option<&Numbered> {
        let rings = [&self.ordinary, &self.odd, &self.failed];
        rings.iter().filter_map(|ring| ring.back()).max_by_key(|(number, _)| *number)
    }

    /// The one that ended last of those that say something about the server.
    pub fn last_telling(&self) -> Option<&Numbered> {
        let rings = [&self.ordinary, &self.odd, &self.failed];
        let telling =
            rings.into_iter().filter_map(|ring| ring.iter().rfind(|(_, probe)| !probe.given_up()));
        telling.max_by_key(|(number, _)| *number)
    }

    /// Those failures that the prober is not the reason of, newest first.
    pub fn telling_failures(&self) -> impl Iterator<Item = &Numbered> {
        self.failures().filter(|(_, probe)| !probe.given_up())
    }

    /// A failure by its number.
    pub fn failure(&self, number: u64) -> Option<&Arc<Summary>> {
        self.failed.iter().find(|(n, _)| *n == number).map(|(_, summary)| summary)
    }

    /// Newest first.
    pub fn failures(&self) -> impl Iterator<Item = &Numbered> {
        self.failed.iter().rev()
    }

    /// The newest failure of each reason, with its number.
    pub fn failure_kinds(&self) -> Vec<(u64, FailureKind)> {
        let mut kinds: Vec<(u64, FailureKind)> = Vec::new();
        for (number, failure) in self.telling_failures() {
            let known = kinds.iter_mut().find(|(_, kind)| kind.newest.reason == failure.reason);
            if let Some((_, kind)) = known {
                kind.remembered += 1;
            } else {
                let newest = Arc::clone(failure);
                kinds.push((*number, FailureKind { newest, remembered: 1 }));
            }
        }
        kinds
    }

    pub fn len(&self) -> usize {
        self.ordinary.len() + self.odd.len() + self.failed.len()
    }
}
