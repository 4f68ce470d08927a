//! Counts of the errors that the driver reports by number (XID).

use std::collections::BTreeMap;
use std::time::SystemTime;

/// Those worth an alert, and those that applications cause most: they are counted from 0, so that
/// the first of them is an increase.
const KNOWN: [u64; 13] = [13, 31, 43, 45, 48, 63, 64, 74, 79, 94, 95, 119, 120];
/// Different numbers that are told apart on one GPU.
const MOST: usize = 64;
/// Further numbers.
const OTHER: &str = "other";

/// How often and when last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct XidCount {
    /// Events since the prober watches.
    pub count: u64,
    /// When the last was seen; `None`: never.
    pub last: Option<SystemTime>,
}

/// The errors of one GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XidLog {
    counts: BTreeMap<String, XidCount>,
    /// The number of the newest; `None`: no error yet, or one without a number.
    newest: Option<u64>,
}

impl Default for XidLog {
    fn default() -> Self {
        let known = KNOWN.iter().map(|n| (n.to_string(), XidCount::default()));
        Self { counts: known.collect(), newest: None }
    }
}

impl XidLog {
    /// Counts one. `None`: the driver does not know its number.
    pub fn add(&mut self, xid: Option<u64>, at: SystemTime) {
        self.newest = xid;
        let name = xid.map_or_else(|| "unknown".to_owned(), |n| n.to_string());
        let full = self.counts.len() >= MOST && !self.counts.contains_key(&name);
        let name = if full { OTHER.to_owned() } else { name };
        let count = self.counts.entry(name).or_default();
        count.count += 1;
        count.last = Some(at);
    }

    /// By number.
    pub fn counts(&self) -> impl Iterator<Item = (&str, XidCount)> {
        self.counts.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// The number of the newest event.
    #[must_use]
    pub fn newest(&self) -> Option<u64> {
        self.newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(log: &XidLog, xid: &str) -> Option<XidCount> {
        log.counts().find(|(name, _)| *name == xid).map(|(_, count)| count)
    }

    #[test]
    fn known_numbers_start_at_zero_others_when_seen() {
        let mut log = XidLog::default();
        assert_eq!(of(&log, "79"), Some(XidCount::default()));
        assert_eq!((of(&log, "62"), log.newest()), (None, None));
        let at = SystemTime::UNIX_EPOCH;
        log.add(Some(62), at);
        log.add(Some(79), at);
        log.add(Some(79), at);
        log.add(None, at);
        let seen = |count| Some(XidCount { count, last: Some(at) });
        assert_eq!(
            (of(&log, "62"), of(&log, "79"), of(&log, "unknown")),
            (seen(1), seen(2), seen(1))
        );
        assert_eq!(log.newest(), None);
    }

    #[test]
    fn the_number_of_series_is_bounded() {
        let mut log = XidLog::default();
        for xid in 1000..1200 {
            log.add(Some(xid), SystemTime::UNIX_EPOCH);
        }
        assert_eq!(log.counts().count(), MOST + 1);
        let all: u64 = log.counts().map(|(_, c)| c.count).sum();
        assert_eq!(all, 200);
    }
}
