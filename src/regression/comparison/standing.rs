//! The one verdict on a comparison, with all that is said beside it. Whatever tells of a comparison
//! (metrics, pages, the API, the log, an exit code) tells this value.

use std::fmt;

use strum::IntoStaticStr;

use super::gate::ANSWERED_PAIRS;
use super::run::Run;
use super::signal::Signal;
use crate::regression::detect::Verdict;

/// How a comparison stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The run that it is about.
    pub run: Run,
    /// The verdict on the whole.
    pub verdict: Verdict,
    /// Since when an alarm is on, milliseconds since the Unix epoch: of several the first. `None`
    /// while none is.
    pub changed_since_unix_millis: Option<u64>,
    /// What *not worse* waits for, while the verdict is undecided.
    pub waits: Option<Waits>,
}

impl Standing {
    /// What a program that only compares ends with: 0 not worse, 1 regressed, 2 neither of them.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.verdict {
            Verdict::NotWorse => 0,
            Verdict::Regressed => 1,
            Verdict::Undecided | Verdict::Changed => 2,
        }
    }
}

/// One of the two targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SideName {
    /// The stack in use.
    Baseline,
    /// The one that may replace it.
    Candidate,
}

impl SideName {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What *not worse* waits for: the first thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waits {
    /// A side has failed in each of the last rounds.
    Answer {
        /// Which.
        side: SideName,
        /// In so many.
        rounds: u64,
        /// In the last of them by this reason.
        reason: String,
    },
    /// A side fails in more than one of five rounds.
    Failing {
        /// Which.
        side: SideName,
        /// In so many of the last rounds.
        failed: u64,
        /// Of so many.
        rounds: u64,
        /// The last time by this reason.
        reason: String,
    },
    /// Too few pairs in which both sides answered.
    Pairs {
        /// Of which workload.
        workload: String,
        /// So many are there.
        answered: u64,
    },
    /// The noise of a signal has too long a memory: an episode of one side could not be told from a
    /// change yet.
    Independence {
        /// Of which workload.
        workload: String,
        /// Of which signal.
        signal: Signal,
        /// So many pairs are needed at least before it can be.
        pairs: u64,
    },
    /// More evidence, of a workload (of all, where it has no name) and a signal.
    Evidence {
        /// Of which workload.
        workload: String,
        /// Of which signal.
        signal: Signal,
        /// About so many pairs, if this goes on. `None` where that cannot be said.
        pairs: Option<u64>,
    },
}

/// For people.
impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer { side, rounds, reason } => {
                let side = side.as_str();
                write!(f, "the {side} has failed in each of the last {rounds} rounds ({reason})")
            }
            Self::Failing { side, failed, rounds, reason } => {
                let side = side.as_str();
                write!(
                    f,
                    "the {side} has failed in {failed} of the last {rounds} rounds ({reason}), \
                     at most one of five may"
                )
            }
            Self::Pairs { workload, answered } => write!(
                f,
                "both sides answered in {answered} pairs of {workload}, at least {ANSWERED_PAIRS} \
                 are needed"
            ),
            Self::Independence { workload, signal, pairs } => write!(
                f,
                "what disturbs one side alone lasts too long to tell {} of {workload} before about \
                 {pairs} more pairs",
                signal.as_str()
            ),
            Self::Evidence { workload, signal, pairs } => {
                if let Some(pairs) = pairs {
                    write!(f, "about {pairs} ")?;
                }
                write!(f, "more pairs are needed for {} ", signal.as_str())?;
                match workload.as_str() {
                    "" => write!(f, "over all workloads")?,
                    workload => write!(f, "of {workload}")?,
                }
                if pairs.is_some() { write!(f, ", if this goes on") } else { Ok(()) }
            }
        }
    }
}
