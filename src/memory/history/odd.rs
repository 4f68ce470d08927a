//! Which successes are remarkable enough to be kept apart from the others.

use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use super::digest::Digest;
use crate::answer::outcome::Outcome;

/// Why a success is odd. The first that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Oddity {
    /// It missed an SLO.
    SloMissed,
    /// Slower to its first token than every probe of the hour before.
    Slowest,
    /// At least half of its tokens arrived together with a later one.
    Coalesced,
}

/// With fewer probes in the hour before, being the slowest says little.
const FEW: u64 = 20;

impl Oddity {
    /// Every kind.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Judges a probe by the times to first token of the hour before it.
    pub(super) fn of(outcome: &Outcome, ttft_before: &Digest) -> Option<Self> {
        let m = &outcome.measurement;
        let slower = |ttft: Duration| ttft_before.count() >= FEW && ttft > ttft_before.max();
        if !outcome.succeeded() {
            None
        } else if outcome.verdicts.iter().any(|v| !v.good) {
            Some(Self::SloMissed)
        } else if m.ttft.is_some_and(slower) {
            Some(Self::Slowest)
        } else if m.coalesced > 0 && 2 * m.coalesced >= m.content_at.len() as u64 {
            Some(Self::Coalesced)
        } else {
            None
        }
    }
}
