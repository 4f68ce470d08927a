//! How much memory the program may have, and what is given up for it.
//!
//! What the system counts against the program is looked at once a second (`resident.rs`). Beyond the
//! limit, what can be spared goes, in this order and by its own count of bytes: recordings of past
//! probes, answers that wait for clients who do not take them, and then new probes, which are skipped.
//! Counters, references and probes under way are never given up.

mod control_group;
mod resident;

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use strum::{IntoStaticStr, VariantArray};

pub use control_group::control_group_limit;
pub use resident::resident;

/// What is given up, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Spared {
    /// Recordings of past probes, the oldest first.
    Recordings,
    /// Answers that wait for their clients, the oldest first.
    Answers,
    /// New probes.
    Probes,
}

impl Spared {
    /// Everything that can be, in order.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Bytes that the program has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// All of it, as the system counts.
    pub resident: usize,
    /// Of those the recordings of past probes.
    pub recordings: usize,
    /// Of those the answers that wait.
    pub answers: usize,
}

/// What to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relief {
    /// So many bytes of recordings.
    pub recordings: usize,
    /// So many bytes of answers.
    pub answers: usize,
    /// Nothing new is probed.
    pub probes: bool,
}

impl Relief {
    /// What it takes to get from `usage` back to `limit`, as far as that is possible.
    #[must_use]
    pub fn of(usage: Usage, limit: usize) -> Self {
        let excess = usage.resident.saturating_sub(limit);
        let recordings = excess.min(usage.recordings);
        let answers = (excess - recordings).min(usage.answers);
        Self { recordings, answers, probes: excess > recordings + answers }
    }

    fn spares(&self, what: Spared) -> bool {
        match what {
            Spared::Recordings => self.recordings > 0,
            Spared::Answers => self.answers > 0,
            Spared::Probes => self.probes,
        }
    }
}

/// Looks without an excess after which the shortage is over, and another one is said again.
const RECOVERED: u32 = 60;

/// The limit, and how often what was given up for it.
#[derive(Debug)]
pub struct MemoryLimit {
    /// In bytes.
    pub bytes: usize,
    counts: [AtomicU64; Spared::ALL.len()],
    said: Mutex<Said>,
}

#[derive(Debug, Default)]
struct Said {
    /// The worst that was said of the shortage.
    worst: Option<Spared>,
    /// Looks without an excess.
    good: u32,
}

impl MemoryLimit {
    /// Nothing was given up yet.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self { bytes, counts: Default::default(), said: Mutex::default() }
    }

    /// What is to be given up with this usage: it is counted, and said once.
    pub fn look(&self, usage: Usage) -> Relief {
        let relief = Relief::of(usage, self.bytes);
        let spared = || Spared::ALL.iter().copied().filter(|what| relief.spares(*what));
        for (what, count) in Spared::ALL.iter().zip(&self.counts) {
            count.fetch_add(u64::from(relief.spares(*what)), Ordering::Relaxed);
        }
        match self.said.lock().hear(spared().max()) {
            Some(News::Short(what)) => self.say(what, usage),
            Some(News::Over) => tracing::info!("there is memory enough again"),
            None => {}
        }
        relief
    }

    /// Each thing with the number of looks at which it was given up.
    pub fn counts(&self) -> impl Iterator<Item = (Spared, u64)> {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        Spared::ALL.iter().copied().zip(counts)
    }

    fn say(&self, what: Spared, usage: Usage) {
        let (limit, resident) = (self.bytes, usage.resident);
        let given_up = match what {
            Spared::Recordings => "the oldest recordings of probes are forgotten",
            Spared::Answers => "answers that wait for their clients are cut off",
            Spared::Probes => {
                "new probes are skipped until there is some: raise --memory.limit, or \
                               probe fewer targets"
            }
        };
        tracing::warn!(limit, resident, "short of memory: {given_up}");
    }
}

/// What is worth a line.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// This was given up for the first time.
    Short(Spared),
    Over,
}

impl Said {
    /// Takes the worst that was given up at one look.
    fn hear(&mut self, worst: Option<Spared>) -> Option<News> {
        let Some(what) = worst else {
            self.good = self.good.saturating_add(1);
            let over = self.good >= RECOVERED && self.worst.take().is_some();
            return over.then_some(News::Over);
        };
        self.good = 0;
        let new = self.worst < Some(what);
        self.worst = self.worst.max(Some(what));
        new.then_some(News::Short(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Usage = Usage { resident: 100, recordings: 30, answers: 20 };

    #[test]
    fn what_is_least_missed_goes_first() {
        let check = |limit: usize, recordings: usize, answers: usize, probes: bool| {
            assert_eq!(Relief::of(FULL, limit), Relief { recordings, answers, probes }, "{limit}");
        };
        check(usize::MAX, 0, 0, false);
        check(100, 0, 0, false);
        check(99, 1, 0, false);
        check(70, 30, 0, false);
        check(69, 30, 1, false);
        check(50, 30, 20, false);
        check(49, 30, 20, true);
        check(0, 30, 20, true);
    }

    #[test]
    fn it_is_counted_and_said_once() {
        let limit = MemoryLimit::new(60);
        assert_eq!(limit.look(FULL), Relief { recordings: 30, answers: 10, probes: false });
        let none_left = Usage { recordings: 0, answers: 0, ..FULL };
        assert!(limit.look(none_left).probes);
        assert_eq!(limit.look(Usage::default()), Relief::default());
        let counts: Vec<_> = limit.counts().map(|(what, n)| (what.as_str(), n)).collect();
        assert_eq!(counts, [("recordings", 1), ("answers", 1), ("probes", 1)]);

        let mut said = Said::default();
        let short = |what| Some(News::Short(what));
        assert_eq!(said.hear(Some(Spared::Recordings)), short(Spared::Recordings));
        assert_eq!(said.hear(Some(Spared::Recordings)), None);
        assert_eq!(said.hear(Some(Spared::Probes)), short(Spared::Probes));
        assert_eq!(said.hear(None), None);
        assert_eq!(said.hear(Some(Spared::Answers)), None, "worse was said already");
        let good: Vec<_> = (0..2 * RECOVERED).filter_map(|_| said.hear(None)).collect();
        assert_eq!(good, [News::Over]);
        assert_eq!(said.hear(Some(Spared::Recordings)), short(Spared::Recordings));
    }
}
