//! The addresses behind a name: which there are, and how each did when it was probed last. Pure.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::answer::outcome::Outcome;

/// Addresses of one name that are kept apart.
pub(super) const MAX_ADDRESSES: usize = 16;

/// Answers may leave an address out now and then, above all where a name has many: only one that
/// was absent for so long is gone.
const RETIRED_AFTER: Duration = Duration::from_secs(5 * 60);

/// One address, for people and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownAddress {
    /// Where.
    pub address: SocketAddr,
    /// Whether the newest answer of the resolver has it.
    pub present: bool,
    /// Whether the last probe that was sent there succeeded; `None` where each address is not
    /// probed by itself, or not yet.
    pub success: Option<bool>,
}

/// What is known of one name.
#[derive(Debug, Default)]
pub(super) struct Known {
    entries: Vec<Entry>,
    /// An address has just begun to fail: whether the target still answers is asked at another one.
    doubt: bool,
}

#[derive(Debug)]
struct Entry {
    address: SocketAddr,
    /// Whether this machine has a route there at all.
    routed: bool,
    absent_since: Option<Instant>,
    last: Option<Last>,
}

/// The last probes at an address.
#[derive(Debug, Default)]
struct Last {
    success: bool,
    /// Whether the last probe that counted for an SLO was good.
    slos: BTreeMap<String, bool>,
}

impl Entry {
    fn is_probed(&self) -> bool {
        self.routed && self.absent_since.is_none()
    }

    fn answers(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.success)
    }

    fn missed(&self, slo: &str) -> bool {
        self.last.as_ref().and_then(|last| last.slos.get(slo)) == Some(&false)
    }
}

impl Known {
    /// Takes an answer of the resolver: addresses, and whether there is a route to each. A failed
    /// look-up says nothing about them.
    pub fn note(&mut self, answer: &[(SocketAddr, bool)], now: Instant) {
        for entry in &mut self.entries {
            let found = answer.iter().find(|(address, _)| *address == entry.address);
            match found {
                Some((_, routed)) => (entry.routed, entry.absent_since) = (*routed, None),
                None => entry.absent_since = entry.absent_since.or(Some(now)),
            }
        }
        self.entries.retain(|e| e.absent_since.is_none_or(|since| now - since < RETIRED_AFTER));
        for (address, routed) in answer {
            if self.has(*address) || (self.is_full() && !self.make_room()) {
                continue;
            }
            let (address, routed) = (*address, *routed);
            self.entries.push(Entry { address, routed, absent_since: None, last: None });
        }
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= MAX_ADDRESSES
    }

    /// Forgets the one that was absent for longest; whether there was one.
    fn make_room(&mut self) -> bool {
        let absent =
            self.entries.iter().enumerate().filter_map(|(i, e)| Some((e.absent_since?, i)));
        let longest = absent.min().map(|(_, i)| self.entries.remove(i));
        longest.is_some()
    }

    /// Whether the address is not retired.
    pub fn has(&self, address: SocketAddr) -> bool {
        self.entries.iter().any(|e| e.address == address)
    }

    /// Those that are probed in turn: present, and of a family that this machine can reach, where
    /// there is one.
    pub fn in_turn(&self) -> Vec<SocketAddr> {
        let of = |wanted: fn(&Entry) -> bool| -> Vec<_> {
            self.entries.iter().filter(|e| wanted(e)).map(|e| e.address).collect()
        };
        let routed = of(Entry::is_probed);
        if routed.is_empty() { of(|e| e.absent_since.is_none()) } else { routed }
    }

    /// Where the next probe in this turn goes: where an address has just begun to fail, to one that
    /// answered the last time.
    pub fn next(&mut self, turn: usize) -> Option<SocketAddr> {
        let in_turn = self.in_turn();
        let answered = |address: &&SocketAddr| {
            self.entries.iter().any(|e| e.address == **address && e.answers())
        };
        let sure = in_turn.iter().filter(answered).copied().next();
        let sure = sure.filter(|_| std::mem::take(&mut self.doubt));
        sure.or_else(|| in_turn.get(turn % in_turn.len().max(1)).copied())
    }

    /// Takes what a probe at `address` amounts to, and says whether it tells nothing new of the
    /// target: it failed where the one before had failed, while another address answers. A missed SLO stays in the outcome only if every
    /// other address that is probed missed it the last time as well: as long as one of them keeps
    /// it, the target does.
    pub fn judge(&mut self, address: SocketAddr, outcome: &mut Outcome) -> bool {
        let in_turn = self.in_turn();
        let others =
            || self.entries.iter().filter(|e| e.address != address && in_turn.contains(&e.address));
        let kept = |slo: &str| others().any(|other| !other.missed(slo));
        let verdicts: Vec<_> = outcome.verdicts.iter().map(|v| (v.slo.clone(), v.good)).collect();
        outcome.verdicts.retain(|verdict| verdict.good || !kept(&verdict.slo));
        let another_answers = others().any(Entry::answers);
        let Some(entry) = self.entries.iter_mut().find(|e| e.address == address) else {
            return false;
        };
        let failed_before = entry.last.as_ref().is_some_and(|last| !last.success);
        let last = entry.last.get_or_insert_default();
        last.success = outcome.succeeded();
        last.slos.extend(verdicts);
        let no_news = !last.success && failed_before && another_answers;
        self.doubt = !last.success && !no_news;
        no_news
    }

    /// All of them, but none that is absent and failed as well: nobody is sent there any more.
    pub fn list(&self) -> Vec<KnownAddress> {
        let known = |e: &Entry| KnownAddress {
            address: e.address,
            present: e.absent_since.is_none(),
            success: e.last.as_ref().map(|last| last.success),
        };
        let listed = self.entries.iter().map(known);
        listed.filter(|known| known.present || known.success != Some(false)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::failure::FailureReason;
    use crate::answer::measure::Measurement;
    use crate::answer::slo::Verdict;
    use crate::testing;

    fn at(n: usize) -> SocketAddr {
        format!("10.0.0.{n}:80").parse().unwrap()
    }

    fn answer(addresses: &[usize]) -> Vec<(SocketAddr, bool)> {
        addresses.iter().map(|n| (at(*n), true)).collect()
    }

    fn minutes(n: u64) -> Duration {
        Duration::from_secs(60 * n)
    }

    #[test]
    fn an_address_is_retired_when_it_was_absent_for_five_minutes() {
        let (mut known, begun) = (Known::default(), Instant::now());
        known.note(&answer(&[1, 2]), begun);
        assert_eq!(known.in_turn(), [at(1), at(2)]);
        known.note(&answer(&[2]), begun + minutes(1));
        assert_eq!(known.in_turn(), [at(2)], "not probed while it is absent");
        assert!(known.has(at(1)), "but its connections stay");
        known.note(&answer(&[1, 2]), begun + minutes(5));
        known.note(&answer(&[2]), begun + minutes(6));
        known.note(&answer(&[2]), begun + minutes(10));
        assert!(known.has(at(1)), "it was back meanwhile");
        known.note(&answer(&[2, 3]), begun + minutes(11));
        assert!(!known.has(at(1)));
        assert_eq!(known.in_turn(), [at(2), at(3)]);
    }

    #[test]
    fn addresses_have_a_limit_and_present_ones_come_first() {
        let (mut known, now) = (Known::default(), Instant::now());
        known.note(&answer(&(1..=40).collect::<Vec<_>>()), now);
        assert_eq!(known.in_turn(), (1..=16).map(at).collect::<Vec<_>>());
        known.note(&answer(&(2..=17).collect::<Vec<_>>()), now);
        assert!(!known.has(at(1)) && known.has(at(17)), "{known:?}");
        assert_eq!(known.in_turn().len(), 16);
    }

    /// One dead replica is no outage, and where all die it is soon known.
    #[test]
    fn what_fails_again_beside_one_that_answers_is_no_news() {
        let (mut known, now) = (Known::default(), Instant::now());
        known.note(&answer(&[1, 2, 3]), now);
        let probe = |known: &mut Known, n: usize, fails: bool| {
            let mut outcome = if fails {
                testing::failed(FailureReason::Connect)
            } else {
                testing::outcome(Measurement::default())
            };
            known.judge(at(n), &mut outcome)
        };
        assert!(!probe(&mut known, 1, true), "nothing is known of the others");
        assert_eq!(known.next(1), Some(at(2)));
        assert!(!probe(&mut known, 2, false));
        assert_eq!(known.next(0), Some(at(1)));
        assert!(probe(&mut known, 1, true));
        assert_eq!(known.next(2), Some(at(3)));
        assert!(!probe(&mut known, 3, false));
        // An address that answered before now fails: whoever answers is asked next, out of turn.
        assert!(!probe(&mut known, 3, true));
        assert_eq!(known.next(0), Some(at(2)));
        assert!(!probe(&mut known, 2, true));
        assert_eq!(known.next(0), Some(at(1)), "none is left");
        assert!(!probe(&mut known, 1, true), "no other answers");
    }

    #[test]
    fn families_without_a_route_are_skipped() {
        let (mut known, now) = (Known::default(), Instant::now());
        known.note(&[(at(1), false), (at(2), true)], now);
        assert_eq!(known.in_turn(), [at(2)]);
        known.note(&[(at(1), false), (at(2), false)], now);
        assert_eq!(known.in_turn(), [at(1), at(2)], "then failing says so");
    }

    fn outcome(good: bool) -> Outcome {
        let verdict = |slo: &str| Verdict { slo: slo.to_owned(), good, consumption: Vec::new() };
        let ended = if good {
            testing::outcome(Measurement::default())
        } else {
            testing::failed(FailureReason::Connect)
        };
        Outcome { verdicts: vec![verdict("s")], ..ended }
    }

    /// Whether the SLO's verdict over a probe at an address counts.
    fn counts(known: &mut Known, address: usize, good: bool) -> bool {
        let mut outcome = outcome(good);
        known.judge(at(address), &mut outcome);
        !outcome.verdicts.is_empty()
    }

    #[test]
    fn a_miss_counts_where_every_address_missed() {
        let (mut known, now) = (Known::default(), Instant::now());
        known.note(&answer(&[1, 2]), now);
        assert!(!counts(&mut known, 1, false), "the other was not asked yet");
        assert!(counts(&mut known, 2, true));
        assert!(!counts(&mut known, 1, false), "the other keeps it");
        assert!(counts(&mut known, 2, false), "none does any more");
        assert!(counts(&mut known, 1, false));
        assert!(counts(&mut known, 1, true));
        assert!(!counts(&mut known, 2, false));
        known.note(&answer(&[2]), now);
        assert!(counts(&mut known, 2, false), "who is absent keeps nothing");
        assert!(counts(&mut Known::default(), 3, false), "nor does nobody");
    }

    #[test]
    fn who_is_absent_and_failed_is_not_listed() {
        let (mut known, now) = (Known::default(), Instant::now());
        known.note(&answer(&[1, 2, 3]), now);
        counts(&mut known, 1, false);
        counts(&mut known, 2, true);
        let listed = |known: &Known| -> Vec<_> {
            known.list().into_iter().map(|k| (k.address, k.present, k.success)).collect()
        };
        let third = (at(3), true, None);
        let all = [(at(1), true, Some(false)), (at(2), true, Some(true)), third];
        assert_eq!(listed(&known), all);
        known.note(&answer(&[3]), now);
        assert_eq!(listed(&known), [(at(2), false, Some(true)), third]);
    }
}
