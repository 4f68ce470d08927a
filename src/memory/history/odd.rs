//! Which successes are remarkable enough to be kept apart from the others.

use strum::{IntoStaticStr, VariantArray};

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

impl Oddity {
    /// Every kind.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
